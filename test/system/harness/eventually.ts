import { setTimeout as sleep } from "node:timers/promises";

const STEP_MS = 25;

/**
 * Waits until `probe` returns a value other than undefined or false, and returns it.
 * Fails with `what` after `limitMs`. `what` may be a function, so that it can show the state at that moment.
 */
export async function eventually<T>(
  what: string | (() => string),
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  limitMs = 10_000,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) {
      throw new Error(`not within ${limitMs} ms: ${typeof what === "string" ? what : what()}`);
    }
    await sleep(STEP_MS);
  }
}
