/**
 * The wrapper around foreign code: hooks, listeners, sources of users, calls. It always settles, and never rejects
 * (docs/architecture.md, invariant 9). Only a loop that never gives the thread back is beyond it.
 */
import { err, ok, type Result } from "../domain/result.ts";
import { errorText } from "../domain/text/error-text.ts";
import { type Deadline, type Interruption, TimedDeadline } from "./deadline.ts";

/** Why foreign work came to nothing: it failed with this error, its time was over, or the caller aborted. */
export type Unsettled = { readonly kind: "failed"; readonly error: unknown; readonly reason: string } | Interruption;

/**
 * Runs `work` until it answers or `deadline` is interrupted. The owner of the deadline watches the time: a plain
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
 * Runs `work` for at most `limitMs`, with a timer of its own; `signal` cuts it short. `work` gets a signal that is
 * aborted at the same moment.
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
    // Nobody waits any more, so nobody can be told.
  }
}
