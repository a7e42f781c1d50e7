/**
 * The Cron Trigger's tick, once a minute: builtins, code tasks, heartbeats, all_users jobs, and the directory's sweep. The
 * parts do not depend on each other: if one fails, that is logged and the others run. A tick that comes twice does nothing
 * twice, since jobs and heartbeats decide by their own state, and tasks by the minute.
 */

import { setTick } from "../directory/stand-in.ts";
import { tickDirectory } from "../directory/tick.ts";
import { SHARD_COUNT } from "../domain/directory-shard.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import { logError } from "../log.ts";
import { CallBudget } from "../outbound/call-budget.ts";
import { MINUTE_MS } from "../schema/limits.ts";
import { tickAllUsers } from "./all-users.ts";
import { ensureBuiltins } from "./builtins.ts";
import { ensureHeartbeats } from "./code-heartbeats.ts";
import { tickHeartbeats } from "./heartbeats.ts";
import { tendTasks } from "./interval-tasks.ts";
import { runTasks } from "./tasks.ts";

/**
 * Does the work of the minute `dueAt` (epoch ms). A tick for more than a minute ahead of `now` counts as a tick for now.
 * `MODE=stopped` runs neither heartbeats nor tasks. Jobs are asked in every mode, since a held fire is logged as skipped
 * (docs/contract.md §3).
 */
export async function tick(dueAt: number, env: Env, now: number): Promise<void> {
  const settings = settingsOf(env);
  const scheduledTime = dueAt - now > MINUTE_MS ? now : dueAt;
  const budget = new CallBudget(settings.CALLS_PER_WAKE);
  await Promise.all([
    part("directory", () => tickJobs(scheduledTime, env, settings, budget)),
    part("builtins", () => ensureBuiltins(env, budget)),
    part("code heartbeats", () => ensureHeartbeats(env, budget)),
    part("interval tasks", async () => {
      if (budget.take()) await tendTasks(env);
    }),
    part("tasks", async () => {
      if (settings.MODE !== "stopped") await runTasks(scheduledTime);
    }),
  ]);
}

setTick(tick);

async function tickJobs(scheduledTime: number, env: Env, settings: Settings, budget: CallBudget): Promise<void> {
  budget.take(SHARD_COUNT);
  const due = await tickDirectory(env, Math.floor(scheduledTime / MINUTE_MS));
  for (const shard of due.unreachable) logError("A shard of the directory could not be reached", { shard });
  const names = settings.MODE === "stopped" ? [] : due.heartbeats.map(({ name }) => name);
  const heartbeats = inReach(names, budget.left, scheduledTime);
  budget.take(heartbeats.length);
  await Promise.all([
    part("heartbeats", async () => void (await tickHeartbeats(env, heartbeats, scheduledTime))),
    part("all_users", () => tickAllUsers(env, due.allUsers, scheduledTime, budget, settings.CALLS_PER_WAKE)),
  ]);
}

/**
 * The heartbeats for half of the calls at most, other ones at each tick. The remaining calls are for the jobs. So a beat
 * may be late, but it comes.
 */
function inReach(names: readonly string[], callsLeft: number, tickAt: number): readonly string[] {
  const reach = Math.max(1, Math.floor(callsLeft / 2));
  if (names.length <= reach) return names;
  const from = (Math.floor(tickAt / MINUTE_MS) * reach) % names.length;
  return [...names.slice(from), ...names.slice(0, from)].slice(0, reach);
}

async function part(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logError("A part of the tick failed", { part: name }, error);
  }
}
