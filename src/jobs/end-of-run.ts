/**
 * Waits in the Worker for the end of a run, with a short question now and then. So no object is kept awake by the wait: a run that the
 * agent holds after a 202 lets its job sleep.
 */
import type { Outcome } from "../domain/failure.ts";
import { SECOND_MS } from "../schema/limits.ts";
import type { Run } from "../schema/run.ts";

const FIRST_PAUSE_MS = 50;
/** Some 30 questions in 50 seconds: the Free plan allows 50 calls in one invocation. */
const LONGEST_PAUSE_MS = 2 * SECOND_MS;

/** The run once it has ended, or undefined if it has not within `waitMs`, or can no longer be read. */
export async function endOfRun(read: () => Promise<Outcome<Run>>, waitMs: number): Promise<Run | undefined> {
  const endsAt = performance.now() + waitMs;
  for (let pause = FIRST_PAUSE_MS; ; pause = Math.min(pause * 1.5, LONGEST_PAUSE_MS)) {
    const run = await read();
    if (!run.ok) return undefined;
    if (run.value.status !== "running") return run.value;
    const left = endsAt - performance.now();
    if (left <= 0) return undefined;
    await new Promise((resolve) => setTimeout(resolve, Math.min(pause, left)));
  }
}
