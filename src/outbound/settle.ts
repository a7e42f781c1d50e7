/**
 * The wrapper around foreign code: hooks, listeners, sources of users, calls. It always settles and never rejects
 * (docs/architecture.md, invariant 9). It cannot stop a loop that never gives the thread back.
 */
import { err, ok, type Result } from "../domain/result.ts";
import { errorText } from "../domain/text/error-text.ts";
import { type Deadline, type Interruption, TimedDeadline } from "./deadline.ts";

/** Why foreign work gave no result: it failed with this error, its time ran out, or the caller aborted it. */
export type Unsettled = { readonly kind: "failed"; readonly error: unknown; readonly reason: string } | Interruption;

/**
 * Runs `work` until it answers or `deadline` is interrupted. The owner of the deadline watches the time, since a plain
 * {@link Deadline} has no timer. `late` takes a value that comes after the interruption, for example to close it.
 */
export async function settle<T>(
  work: () => T | PromiseLike<T>,
  deadline: Deadline,
  late?: (value: T) => void,
): Promise<Result<T, Unsettled>> {
  if (deadline.interruption !== undefined) return err(deadline.interruption);
  let isLate = false;
  // An async function turns a synchronous throw, and a `then` that throws, into a rejection.
  const call = async (): Promise<{ readonly value: T }> => {
    const value = await work();
    if (isLate) takeLate(value, late);
    return { value };
  };
  const waited = await deadline.wait(call());
  switch (waited.kind) {
    case "value":
      return ok(waited.value.value);
    case "failed":
      return err({ kind: "failed", error: waited.error, reason: errorText(waited.error) });
    default:
      isLate = true;
      return err(waited);
  }
}

/**
 * Runs `work` for at most `limitMs`, with its own timer, or until `signal` is aborted. `work` gets a signal that is aborted
 * at the same moment.
 */
export async function settleWithin<T>(
  work: (signal: AbortSignal) => T | PromiseLike<T>,
  limitMs: number,
  options: { readonly signal?: AbortSignal | undefined; readonly late?: (value: T) => void } = {},
): Promise<Result<T, Unsettled>> {
  const deadline = new TimedDeadline(limitMs, options.signal);
  try {
    return await settle(() => work(deadline.signal), deadline, options.late);
  } finally {
    deadline.close();
  }
}

function takeLate<T>(value: T, late: ((value: T) => void) | undefined): void {
  try {
    late?.(value);
  } catch {
    // Nobody waits any more, so nobody gets this error.
  }
}
