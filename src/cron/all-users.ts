/** The tick's part in all_users jobs: each is asked, and fires what is due (CONTRACT.md §9). */
import type { Env } from "../env.ts";
import { logError } from "../log.ts";

/** The platform lets six calls of one invocation wait for their answers. */
const CALLS_AT_ONCE = 6;

/**
 * Asks these jobs to fire what is due at the tick of `tickAt` (epoch ms). Which are due each knows itself: its state decides, so a
 * tick that never came is made up for by the next. One that cannot be reached is logged, and the next tick asks it again.
 */
export async function tickAllUsers(env: Env, jobIds: readonly string[], tickAt: number): Promise<void> {
  const queue = jobIds.values();
  const worker = async (): Promise<void> => {
    for (const id of queue) {
      try {
        await env.JOB.getByName(id).tick(tickAt);
      } catch (error) {
        logError("An all_users job could not be asked whether it is due", { job_id: id }, error);
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(CALLS_AT_ONCE, jobIds.length) }, worker));
}
