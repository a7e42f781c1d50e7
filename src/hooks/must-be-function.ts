/**
 * Throws unless `given` is a function, so that a mistake shows when the Worker starts. The types say so too, but JavaScript
 * passes them by. `what` names the call and its argument.
 */
export function mustBeFunction(what: string, given: unknown): void {
  if (typeof given !== "function") throw new Error(`${what} must be a function, not ${JSON.stringify(given)}`);
}
