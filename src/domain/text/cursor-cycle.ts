/**
 * Finds out a chain of cursors, given out by somebody else's server, that goes round in a circle. Brent's algorithm
 * remembers one cursor and two numbers however long the chain is. Pure.
 */
export type CursorTrace = {
  /** The cursor that every later one is compared with. */
  readonly anchor: string;
  /** Steps since the anchor was set, and at how many it is set again. */
  readonly steps: number;
  readonly limit: number;
};

/** The trace after `cursor`; undefined where the chain repeats itself. A circle of n cursors is found within 3n steps of entering it. */
export function traceCursor(trace: CursorTrace | undefined, cursor: string): CursorTrace | undefined {
  if (trace === undefined) return { anchor: cursor, steps: 0, limit: 1 };
  if (trace.anchor === cursor) return undefined;
  const steps = trace.steps + 1;
  return steps < trace.limit ? { ...trace, steps } : { anchor: cursor, steps: 0, limit: trace.limit * 2 };
}
