/** The alarm of one object keeps code's interval tasks going. The tick and the first call look after it. */
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
    logError("Code tasks could not be looked after", {}, error);
  }
}

let isBegun = false;

/**
 * As {@link tendTasks}, once in the life of an isolate, if there is anything to do. A deployment that is called need
 * not wait for a tick.
 */
export function beginTasks(env: Env): Promise<void> | undefined {
  if (isBegun || intervalTasks().length === 0) return undefined;
  isBegun = true;
  return tendTasks(env);
}
