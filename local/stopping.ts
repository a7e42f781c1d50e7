/**
 * Tells the Worker's sockets that the service stops. Each asks, and is answered when it does, or a minute later that
 * it has not.
 */
import { Response } from "miniflare";

/** Bounds what a socket that has gone in the meantime leaves behind here. */
const ANSWER_MS = 60_000;
/** The answer: the service stops, or goes on. */
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

  /** The number of sockets that ask at present. */
  get asking(): number {
    return this.#waiting.size;
  }

  tell(): void {
    for (const answer of this.#waiting) answer(STOPS);
  }
}
