/**
 * Repeated tasks that are not persisted (docs/contract.md §10). They run at whole minutes, chosen by the tick's time alone,
 * or at any interval from their registration.
 */
import { parseDurationWithin } from "../domain/time/duration.ts";
import { MAX_EVERY_MS, MINUTE_MS, SECOND_MS } from "../schema/limits.ts";
import { mustBeFunction } from "./must-be-function.ts";

/** The input of a task. */
export type TaskCall = {
  /** When the task was due, in epoch ms. For `everyMinutes` it is the minute of the tick. */
  readonly scheduledTime: number;
};

export type Task = (call: TaskCall) => void | Promise<void>;

export type RegisteredTask = { readonly minutes: number; readonly name: string; readonly run: Task };

export type IntervalTask = { readonly everyMs: number; readonly name: string; readonly run: Task };

const registered = new Map<string, RegisteredTask>();
const intervals = new Map<string, IntervalTask>();

/**
 * Runs `task` at every minute since 1970 that is divisible by `minutes`. 1 is every minute, 60 is every full hour UTC. Nothing
 * is stored: a tick that the platform misses is not caught up on, and a failure is logged and not retried. Throws if
 * `minutes` is not a whole number from 1 or the name is taken.
 *
 * ```ts everyMinutes(5, "refresh-cache", async () => { await cache.refresh(); }); ```
 */
export function everyMinutes(minutes: number, name: string, task: Task): void {
  if (!Number.isSafeInteger(minutes) || minutes < 1) {
    throw new Error(`everyMinutes("${name}"): minutes must be a whole number from 1, not ${minutes}`);
  }
  mustBeFunction(`everyMinutes("${name}"): the task`, task);
  refuseTaken("everyMinutes", name);
  registered.set(name, { minutes, name, run: task });
}

/**
 * Runs `task` every `every` (a duration from `1s`) from now on, also in MODE=ephemeral. Nothing is stored: a restart begins
 * a new count, and missed times are not caught up on. If a task is still running when it is due again, that time is left
 * out. A failure is logged and not retried. Throws if `every` is not such a duration or the name is taken.
 *
 * ```ts scheduleEvery("30s", "refresh-prices", async () => { await prices.refresh(); }); ```
 */
export function scheduleEvery(every: string, name: string, task: Task): void {
  const everyMs = parseDurationWithin(String(every), SECOND_MS, MAX_EVERY_MS);
  if (!everyMs.ok) throw new Error(`scheduleEvery("${every}", "${name}"): every ${everyMs.error}`);
  mustBeFunction(`scheduleEvery("${every}", "${name}"): the task`, task);
  refuseTaken("scheduleEvery", name);
  intervals.set(name, { everyMs: everyMs.value, name, run: task });
}

function refuseTaken(by: string, name: string): void {
  if (!registered.has(name) && !intervals.has(name)) return;
  throw new Error(`${by}: there is a task "${name}" already; give each its own name`);
}

/** The registrations of this isolate. */
export const intervalTasks = (): readonly IntervalTask[] => [...intervals.values()];

/** The tasks that are due at the tick of `scheduledTime` (epoch ms). */
export function tasksDueAt(scheduledTime: number): RegisteredTask[] {
  const minute = Math.floor(scheduledTime / MINUTE_MS);
  return [...registered.values()].filter(({ minutes }) => minute % minutes === 0);
}
