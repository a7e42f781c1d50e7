/**
 * Waits in the Worker for the end of a run, with a short question now and then. So the wait keeps no object awake: while
 * the agent holds a run after a 202, its job sleeps.
 */
import type { Outcome } from "../domain/failure.ts";
import { SECOND_MS } from "../schema/limits.ts";
import type { Run } from "../schema/run.ts";

const FIRST_PAUSE_MS = 50;
/**
 * The longest pause between two questions. It allows some 30 questions in 50 seconds, since the Free plan has 50 calls in
 * an invocation.
 */
const LONGEST_PAUSE_MS = 2 * SECOND_MS;

/** The run once it has ended. Undefined if it has not ended within `waitMs` or can no longer be read. */
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
