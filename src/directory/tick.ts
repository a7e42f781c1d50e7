/** The directory's part of the Cron Trigger's tick: one call to each shard. */

import type { Env } from "../env.ts";
import type { SweepStats, TickAnswer } from "../objects/directory.ts";
import { allShards } from "../objects/directory.ts";

/**
 * The answers of the shards. `unreachable` are shards that could not answer, with the reason. Their work waits for the next
 * tick.
 */
export type DirectoryTick = TickAnswer & { readonly unreachable: readonly string[] };

/**
 * The work of `minute` (minutes since 1970) from all shards: heartbeats and active all-users jobs. Each shard also begins
 * its part of the sweep. A shard that fails does not delay the others' work.
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

/**
 * The figures for /v1/stats. `foundOverdue` are the overdue jobs that the sweep has found since the first deploy. `checked`
 * are the jobs of the last sweep, left out if no shard has been awake since. `lastTickAt` is epoch ms, left out before the
 * first tick.
 */
export type TickStats = {
  readonly foundOverdue: number;
  readonly overdue: number;
  readonly stoodIn: number;
  readonly checked?: number;
  readonly lastTickAt?: number;
};

/** The shards' figures about ticks and sweeps, combined. */
export async function tickStats(env: Env): Promise<TickStats> {
  const stats: SweepStats[] = await Promise.all(allShards(env).map((shard) => shard.sweepStats()));
  const swept = stats.flatMap(({ last }) => (last === undefined ? [] : [last.checked]));
  const ticks = stats.flatMap(({ tickedAt }) => (tickedAt === undefined ? [] : [tickedAt]));
  return {
    foundOverdue: stats.reduce((sum, { foundOverdue }) => sum + foundOverdue, 0),
    overdue: stats.reduce((sum, { overdue }) => sum + overdue, 0),
    stoodIn: stats.reduce((sum, { stoodIn }) => sum + stoodIn, 0),
    ...(swept.length === 0 ? {} : { checked: swept.reduce((sum, checked) => sum + checked, 0) }),
    ...(ticks.length === 0 ? {} : { lastTickAt: Math.max(...ticks) }),
  };
}
