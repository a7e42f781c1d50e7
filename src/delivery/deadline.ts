/** One limit over several waits of a call: its time runs out, or whoever made the call hangs up. */

export type Interruption = { readonly kind: "timeout" } | { readonly kind: "aborted" };

/** How a wait ended. `failed` carries what the promise was rejected with. */
export type Waited<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "failed"; readonly error: unknown }
  | Interruption;

export type Deadline = {
  /** Aborted at the interruption, so that the platform stops as well. */
  readonly signal: AbortSignal;
  /** Waits for `promise` or the interruption, whichever is first. Never rejects. */
  readonly wait: <T>(promise: Promise<T>) => Promise<Waited<T>>;
  /** Ends the limit; a timer left behind would keep a Durable Object awake, and billed, until it fires. */
  readonly close: () => void;
};

/** A limit of `timeoutMs` from now, cut short when `signal` is aborted. Close it. */
export function openDeadline(timeoutMs: number, signal?: AbortSignal): Deadline {
  const controller = new AbortController();
  const { promise: interruption, resolve } = Promise.withResolvers<Interruption>();
  let interrupted: Interruption | undefined;
  const interrupt = (by: Interruption): void => {
    if (interrupted !== undefined) return;
    interrupted = by;
    resolve(by);
    controller.abort();
  };
  const onAbort = (): void => interrupt({ kind: "aborted" });
  const timer = setTimeout(() => interrupt({ kind: "timeout" }), timeoutMs);
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted) onAbort();

  return {
    signal: controller.signal,
    async wait<T>(promise: Promise<T>): Promise<Waited<T>> {
      const settled = promise.then(
        (value): Waited<T> => ({ kind: "value", value }),
        (error: unknown): Waited<T> => ({ kind: "failed", error }),
      );
      const waited = await Promise.race([interruption, settled]);
      // The signal makes fetch fail too; that failure is the interruption, not one of its own.
      return waited.kind === "failed" && interrupted !== undefined ? interrupted : waited;
    },
    close(): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
    },
  };
}
