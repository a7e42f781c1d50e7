/** The directory's part of the Cron Trigger's tick: one call to each shard. */
import type { SweepStats, TickAnswer } from "../../durable-objects/directory.ts";
import type { Env } from "../env.ts";
import { allShards } from "./shards.ts";

/** `unreachable`: shards that could not answer this time, with the reason; what they hold waits for the next tick. */
export type DirectoryTick = TickAnswer & { readonly unreachable: readonly string[] };

/**
 * What is to be done in `minute` (minutes since 1970), from all shards: heartbeats, and active all-users jobs.
 * Each shard begins its part of the sweep. A shard that fails does not keep the others' work waiting.
 */
export async function tickDirectory(env: Env, minute: number): Promise<DirectoryTick> {
  const answers = await Promise.allSettled(allShards(env).map((shard) => shard.tick(minute)));
  const reached = answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  return {
    heartbeats: reached.flatMap((answer) => answer.heartbeats),
    allUsers: reached.flatMap((answer) => answer.allUsers),
    unreachable: answers.flatMap((answer, index) =>
      answer.status === "rejected" ? [`shard-${index}: ${String(answer.reason)}`] : [],
    ),
  };
}

/** For /v1/stats: overdue jobs that the sweep has found since the first deploy; jobs looked at by the last sweep, where it is known. */
export async function sweepStats(env: Env): Promise<{ readonly checked?: number; readonly found_overdue: number }> {
  const stats: SweepStats[] = await Promise.all(allShards(env).map((shard) => shard.sweepStats()));
  const last = stats.flatMap(({ last }) => (last === undefined ? [] : [last.checked]));
  return {
    ...(last.length === 0 ? {} : { checked: last.reduce((sum, checked) => sum + checked, 0) }),
    found_overdue: stats.reduce((sum, { foundOverdue }) => sum + foundOverdue, 0),
  };
}
