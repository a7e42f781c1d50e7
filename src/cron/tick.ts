/**
 * The Cron Trigger's tick, once a minute: builtins, code tasks, heartbeats, all_users jobs, and the directory's sweep. The
 * parts do not know of each other, and one that fails is logged and leaves the others running. A tick that comes twice does
 * nothing twice: jobs and heartbeats decide from their own state, tasks from the minute.
 */
import { tickDirectory } from "../directory/tick.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import { logError } from "../log.ts";
import { MINUTE_MS } from "../schema/limits.ts";
import { tickAllUsers } from "./all-users.ts";
import { ensureBuiltins } from "./builtins.ts";
import { tickHeartbeats } from "./heartbeats.ts";
import { runTasks } from "./tasks.ts";

/**
 * Does what is due at `dueAt` (epoch ms, the minute that the trigger was due), at most a minute ahead of `now`: a tick for later counts
 * as one for now. `MODE=stopped` runs neither heartbeats nor tasks; jobs are asked in every mode, since a held fire is logged
 * as skipped (docs/contract.md §3).
 */
export async function tick(dueAt: number, env: Env, now: number): Promise<void> {
  const settings = settingsOf(env);
  const scheduledTime = dueAt - now > MINUTE_MS ? now : dueAt;
  await Promise.all([
    part("builtins", () => ensureBuiltins(env, settings, now)),
    part("tasks", async () => {
      if (settings.MODE !== "stopped") await runTasks(scheduledTime);
    }),
    part("directory", () => tickJobs(scheduledTime, env, settings)),
  ]);
}

async function tickJobs(scheduledTime: number, env: Env, settings: Settings): Promise<void> {
  const due = await tickDirectory(env, Math.floor(scheduledTime / MINUTE_MS));
  for (const shard of due.unreachable) logError("A shard of the directory could not be reached", { shard });
  await Promise.all([
    part("heartbeats", async () => {
      if (settings.MODE === "stopped") return;
      await tickHeartbeats(
        env,
        due.heartbeats.map(({ name }) => name),
        scheduledTime,
      );
    }),
    part("all_users", () => tickAllUsers(env, due.allUsers, scheduledTime)),
  ]);
}

async function part(name: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    logError("A part of the tick failed", { part: name }, error);
  }
}
