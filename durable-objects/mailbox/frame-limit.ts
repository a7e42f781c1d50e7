/**
 * The number of frames a minute that a token's sockets may send. Each is a call of a job's object, like a call over HTTP.
 */
import type { Claimant } from "../../src/objects/mailbox.ts";
import { MAX_FRAMES_A_MINUTE, MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";

/** The answer to a frame too many. */
export const TOO_MANY_FRAMES = {
  kind: "rate_limited",
  retryAfterSeconds: MINUTE_MS / SECOND_MS,
  detail: `The sockets of this token have sent ${MAX_FRAMES_A_MINUTE} frames in a minute, which is the most.`,
} as const;

export class FrameLimit {
  #minute = 0;
  /** The frames of this minute, by token. */
  readonly #counts = new Map<string, number>();

  /** Whether one more frame is answered at `now` (epoch ms). The operator's frames are not limited. */
  admit(caller: Claimant, now: number): boolean {
    if (caller.role === "admin") return true;
    const minute = Math.floor(now / MINUTE_MS);
    if (minute !== this.#minute) this.#counts.clear();
    this.#minute = minute;
    const token = caller.token_id ?? "";
    const count = (this.#counts.get(token) ?? 0) + 1;
    this.#counts.set(token, count);
    return count <= MAX_FRAMES_A_MINUTE;
  }
}
