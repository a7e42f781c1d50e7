/**
 * Tells the Worker's sockets that the service stops. Each asks, and gets an answer when the service stops, or after a
 * minute that it has not.
 */
import { Response } from "miniflare";

/** The longest wait of an answer. It bounds what a closed socket leaves behind here. */
const ANSWER_MS = 60_000;
/** The statuses of the answer: the service stops, or continues. */
const STOPS = 204;
const GOES_ON = 200;

export class Stopping {
  readonly #waiting = new Set<(status: number) => void>();

  /** The binding `STOPPING` of `sockets.ts`. */
  ask(): Promise<Response> {
    return new Promise((resolve) => {
      const answer = (status: number): void => {
        clearTimeout(timer);
        this.#waiting.delete(answer);
        resolve(new Response(null, { status }));
      };
      const timer = setTimeout(() => answer(GOES_ON), ANSWER_MS);
      timer.unref();
      this.#waiting.add(answer);
    });
  }

  /** The number of sockets that are asking. */
  get asking(): number {
    return this.#waiting.size;
  }

  tell(): void {
    for (const answer of this.#waiting) answer(STOPS);
  }
}
