/** The tick's part in all_users jobs: each is asked, and fires what is due (CONTRACT.md §9). */

import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { inTurns } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";

/**
 * Asks these jobs to fire what is due at the tick of `tickAt` (epoch ms). Which are due each knows itself: its state decides, so a
 * tick that never came is made up for by the next. One that cannot be reached is logged, and the next tick asks it again.
 */
export async function tickAllUsers(env: Env, jobIds: readonly string[], tickAt: number): Promise<void> {
  await inTurns(jobIds, async (id) => {
    try {
      await jobObject(env, id).tick(tickAt);
    } catch (error) {
      logError("An all_users job could not be asked whether it is due", { job_id: id }, error);
    }
  });
}
