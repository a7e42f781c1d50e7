/** The tick's part in code tasks. The tasks due at its minute run, independently of each other (docs/contract.md §10). */
import { tasksDueAt } from "../hooks/tasks.ts";
import { logError } from "../log.ts";
import { settleWithin } from "../outbound/settle.ts";
import { MINUTE_MS } from "../schema/limits.ts";

/**
 * The time for which a task is waited for. The platform ends the tick after 15 minutes, and an object that does a missing
 * tick's work waits too.
 */
const TASK_LIMIT_MS = 10 * MINUTE_MS;

/** The minute in which this isolate last ran each task. A tick that is delivered twice does not run it twice. */
const lastRun = new Map<string, number>();

/**
 * Runs the tasks that are due at the tick of `scheduledTime` (epoch ms). If one throws or does not end, that is logged, and
 * the others run.
 */
export async function runTasks(scheduledTime: number): Promise<void> {
  const minute = Math.floor(scheduledTime / MINUTE_MS);
  const due = tasksDueAt(scheduledTime).filter(({ name }) => lastRun.get(name) !== minute);
  await Promise.all(
    due.map(async ({ name, run }) => {
      lastRun.set(name, minute);
      const ended = await settleWithin(() => run({ scheduledTime: minute * MINUTE_MS }), TASK_LIMIT_MS);
      if (ended.ok) return;
      const reason = ended.error.kind === "failed" ? ended.error.reason : "it has not ended within 10m";
      logError("A code task failed", { task: name }, reason);
    }),
  );
}
