/** Tasks that run every N minutes and are not persisted (CONTRACT.md §10): whether one is due follows from the tick's time alone. */
import { MINUTE_MS } from "../schema/limits.ts";

/** What a task gets. */
export type TaskCall = {
  /** The minute of the tick, epoch ms. */
  readonly scheduledTime: number;
};

export type Task = (call: TaskCall) => void | Promise<void>;

export type RegisteredTask = { readonly minutes: number; readonly name: string; readonly run: Task };

const registered = new Map<string, RegisteredTask>();

/**
 * Runs `task` at every minute since 1970 that divides by `minutes`: 1 is every minute, 60 every full hour UTC. Nothing is stored: a
 * tick that the platform misses is not made up, and what throws is logged and not tried again. Throws where `minutes` is no
 * whole number from 1 or the name is taken.
 *
 * ```ts
 * everyMinutes(5, "refresh-cache", async () => { await cache.refresh(); });
 * ```
 */
export function everyMinutes(minutes: number, name: string, task: Task): void {
  if (!Number.isSafeInteger(minutes) || minutes < 1) {
    throw new Error(`everyMinutes("${name}"): minutes must be a whole number from 1, not ${minutes}`);
  }
  if (registered.has(name)) throw new Error(`everyMinutes: there is a task "${name}" already; give each its own name`);
  registered.set(name, { minutes, name, run: task });
}

/** The tasks that are due at the tick of `scheduledTime` (epoch ms). */
export function tasksDueAt(scheduledTime: number): RegisteredTask[] {
  const minute = Math.floor(scheduledTime / MINUTE_MS);
  return [...registered.values()].filter(({ minutes }) => minute % minutes === 0);
}
