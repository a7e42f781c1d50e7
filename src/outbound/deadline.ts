/** One limit for several waits of a call. It ends when its time runs out or the caller aborts it. */

export type Interruption = { readonly kind: "timeout" } | { readonly kind: "aborted" };

/** The end of a wait. `failed` carries the promise's rejection. */
export type Waited<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "failed"; readonly error: unknown }
  | Interruption;

/** A limit that the caller interrupts. It has no timer, since an object with many calls watches all of them with one. */
export class Deadline {
  /** The time that the call may take, in ms. It appears in the text of a `timeout`. */
  readonly timeoutMs: number;
  readonly #controller = new AbortController();
  readonly #waiting = new Set<(by: Interruption) => void>();
  #interruption: Interruption | undefined;

  constructor(timeoutMs: number) {
    this.timeoutMs = timeoutMs;
  }

  /** Aborted at the interruption, so that the platform stops too. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get interruption(): Interruption | undefined {
    return this.#interruption;
  }

  /** Ends every wait. The first interruption counts. */
  interrupt(kind: Interruption["kind"]): void {
    if (this.#interruption !== undefined) return;
    const by = { kind };
    this.#interruption = by;
    for (const end of this.#waiting) end(by);
    this.#waiting.clear();
    this.#controller.abort();
  }

  /** Waits for `promise` or the interruption. The first of the two counts. Never rejects. */
  wait<T>(promise: Promise<T>): Promise<Waited<T>> {
    return new Promise((resolve) => {
      if (this.#interruption === undefined) this.#waiting.add(resolve);
      else resolve(this.#interruption);
      promise.then(
        (value) => {
          this.#waiting.delete(resolve);
          resolve({ kind: "value", value });
        },
        (error: unknown) => {
          this.#waiting.delete(resolve);
          // The signal makes fetch fail too. That failure counts as the interruption.
          resolve(this.#interruption ?? { kind: "failed", error });
        },
      );
    });
  }
}

/** A limit with its own timer. Close it, since a remaining timer keeps a Durable Object awake and billed until it fires. */
export class TimedDeadline extends Deadline {
  readonly #stop: () => void;

  /** Opens it for `timeoutMs`. If `signal` is aborted, it ends at once. */
  constructor(timeoutMs: number, signal?: AbortSignal) {
    super(timeoutMs);
    const timer = setTimeout(() => this.interrupt("timeout"), timeoutMs);
    const hangUp = (): void => this.interrupt("aborted");
    signal?.addEventListener("abort", hangUp);
    if (signal?.aborted) hangUp();
    this.#stop = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", hangUp);
    };
  }

  close(): void {
    this.#stop();
  }
}
