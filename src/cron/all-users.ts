/** The tick's part in all_users jobs. Each job is asked, and fires what is due (docs/contract.md §9). */
import { tickEach } from "../directory/tick-jobs.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import { allShards } from "../objects/directory.ts";
import type { CallBudget } from "../outbound/call-budget.ts";
import { MINUTE_MS } from "../schema/limits.ts";

/**
 * Asks these jobs to fire what is due at the tick of `tickAt` (epoch ms). Each job decides by its own state, so the next
 * tick handles what an earlier one missed. If there are more jobs than this invocation has calls for, they are asked in
 * groups, each by a shard of the directory with calls of its own. Jobs beyond even that come first at the next tick.
 */
export async function tickAllUsers(
  env: Env,
  jobIds: readonly string[],
  tickAt: number,
  budget: CallBudget,
  callsPerWake: number,
): Promise<void> {
  if (jobIds.length <= budget.left) return tickEach(env, jobIds, tickAt, budget);
  const shards = allShards(env);
  const reach = budget.left * callsPerWake;
  const from = (Math.floor(tickAt / MINUTE_MS) * reach) % jobIds.length;
  const turn = [...jobIds.slice(from), ...jobIds.slice(0, from)].slice(0, reach);
  const groups = Array.from({ length: Math.ceil(turn.length / callsPerWake) }, (_, i) => i);
  await mapLimit(groups, async (i) => {
    const group = turn.slice(i * callsPerWake, (i + 1) * callsPerWake);
    budget.take();
    try {
      await shards[i % shards.length]?.tickJobs(group, tickAt);
    } catch (error) {
      logError("A group of all_users jobs could not be checked for due times", { jobs: group.length }, error);
    }
  });
}
