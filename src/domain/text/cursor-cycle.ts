/**
 * Detects a circle in the chain of cursors of somebody else's server. Brent's algorithm remembers one cursor and two
 * numbers, however long the chain is. Pure.
 */
export type CursorTrace = {
  /** The cursor that every later one is compared with. */
  readonly anchor: string;
  /** The steps since the anchor was set, and the number of steps after which it is set again. */
  readonly steps: number;
  readonly limit: number;
};

/**
 * The trace after `cursor`. Undefined if the chain repeats itself. A circle of n cursors is found within 3n steps of
 * entering it.
 */
export function traceCursor(trace: CursorTrace | undefined, cursor: string): CursorTrace | undefined {
  if (trace === undefined) return { anchor: cursor, steps: 0, limit: 1 };
  if (trace.anchor === cursor) return undefined;
  const steps = trace.steps + 1;
  return steps < trace.limit ? { ...trace, steps } : { anchor: cursor, steps: 0, limit: trace.limit * 2 };
}
