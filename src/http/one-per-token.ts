/** One call at a time of each token, for what keeps the service busy. Many at once would hold up everybody else's calls. */
import type { Caller } from "../domain/job/access.ts";
import { keyOf } from "./rate-limit.ts";

/** The calls under way in this isolate. The operator's and a run's are not counted. */
export class OnePerToken {
  readonly #begunAt = new Map<string, number>();
  readonly #longestMs: number;

  /** A call that was cut off says no word, so after `longestMs` it counts as ended. */
  constructor(longestMs: number) {
    this.#longestMs = longestMs;
  }

  /** The answer of `work`. Undefined, and nothing is done, while another call of the token is under way. `now` is epoch ms. */
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
