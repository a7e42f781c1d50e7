/** The interval tasks of code, which the alarm of one object keeps going. The tick and the first call check that alarm. */
import { type Env, settingsOf } from "../env.ts";
import { intervalTasks } from "../hooks/tasks.ts";
import { logError } from "../log.ts";
import { heartbeatObject, TASKS } from "../objects/heartbeat.ts";

/** Wakes the object unless its alarm is set. Nothing happens without such tasks, or in MODE=stopped. Does not throw. */
export async function tendTasks(env: Env): Promise<void> {
  try {
    if (intervalTasks().length === 0 || settingsOf(env).MODE === "stopped") return;
    await heartbeatObject(env, TASKS).tendTasks();
  } catch (error) {
    logError("Code tasks could not be started", {}, error);
  }
}

let isBegun = false;

/**
 * Does the same as {@link tendTasks}, once in the life of an isolate. So a deployment that gets a call need not wait for a
 * tick.
 */
export function beginTasks(env: Env): Promise<void> | undefined {
  if (isBegun || intervalTasks().length === 0) return undefined;
  isBegun = true;
  return tendTasks(env);
}
