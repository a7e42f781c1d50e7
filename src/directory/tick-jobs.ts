/** The all_users jobs of one invocation's part of a tick. */
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";
import { type CallBudget, isCallRefusal } from "../outbound/call-budget.ts";

/** Asks each of the jobs while there are calls. A job that cannot be reached is logged, and the next tick asks it again. */
export async function tickEach(
  env: Pick<Env, "JOB">,
  jobIds: readonly string[],
  tickAt: number,
  budget: CallBudget,
): Promise<void> {
  await mapLimit(jobIds, async (id) => {
    if (!budget.take()) return;
    try {
      await jobObject(env, id).tick(tickAt);
    } catch (error) {
      if (isCallRefusal(error)) budget.exhaust();
      logError("An all_users job could not be checked for due times", { job_id: id }, error);
    }
  });
}
