/**
 * One call of each token at a time, for calls that keep the service busy. Many at once would delay everybody else's calls.
 */
import type { Caller } from "../domain/job/access.ts";
import { keyOf } from "./rate-limit.ts";

/** The calls under way in this isolate. The operator's and runs' calls are not counted. */
export class OnePerToken {
  readonly #begunAt = new Map<string, number>();
  readonly #longestMs: number;

  /** @param longestMs the time after which a call counts as ended, since an interrupted call does not report it */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /**
   * The answer of `work`. While another call of the token is under way, it does nothing and returns undefined. `now` is
   * epoch ms.
   */
  async only<T>(caller: Caller, now: number, work: () => Promise<T>): Promise<T | undefined> {
    if (caller.role === "admin" || caller.role === "run") return work();
    const key = keyOf(caller);
    for (const [other, at] of this.#begunAt) if (now - at >= this.#longestMs) this.#begunAt.delete(other);
    if (this.#begunAt.has(key)) return undefined;
    this.#begunAt.set(key, now);
    try {
      return await work();
    } finally {
      if (this.#begunAt.get(key) === now) this.#begunAt.delete(key);
    }
  }
}
