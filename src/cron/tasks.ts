/** The tick's part in code tasks: those due at its minute are run, each by itself (docs/contract.md §10). */
import { tasksDueAt } from "../hooks/tasks.ts";
import { logError } from "../log.ts";
import { MINUTE_MS } from "../schema/limits.ts";

/** The minute in which this isolate last ran each task: a tick that is delivered twice does not run it twice. */
const lastRun = new Map<string, number>();

/** Runs the tasks that are due at the tick of `scheduledTime` (epoch ms). What one throws is logged, and the others run. */
export async function runTasks(scheduledTime: number): Promise<void> {
  const minute = Math.floor(scheduledTime / MINUTE_MS);
  const due = tasksDueAt(scheduledTime).filter(({ name }) => lastRun.get(name) !== minute);
  await Promise.all(
    due.map(async ({ name, run }) => {
      lastRun.set(name, minute);
      try {
        await run({ scheduledTime: minute * MINUTE_MS });
      } catch (error) {
        logError("A code task failed", { task: name }, error);
      }
    }),
  );
}
