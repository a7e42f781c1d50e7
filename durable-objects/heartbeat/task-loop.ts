/**
 * The loop of code's interval tasks (docs/contract.md §10). It counts from the first look at a task in this isolate, since
 * the clock stands still while a module is loaded. Nothing is stored. The object's alarm only wakes the loop.
 */
import type { IntervalTask } from "../../src/hooks/tasks.ts";
import { settleWithin } from "../../src/outbound/settle.ts";
import { MINUTE_MS } from "../../src/schema/limits.ts";

/** The time after which a task counts as ended, even if it still runs. */
const TASK_LIMIT_MS = 10 * MINUTE_MS;

type Counted = { readonly anchorAt: number; lastDueAt: number; isRunning: boolean };

export class TaskLoop {
  readonly #tasks: () => readonly IntervalTask[];
  readonly #report: (task: string, reason: string) => void;
  readonly #counted = new Map<string, Counted>();

  constructor(tasks: () => readonly IntervalTask[], report: (task: string, reason: string) => void) {
    this.#tasks = tasks;
    this.#report = report;
  }

  /** Begins the tasks that are due at `now` (epoch ms) without waiting for them. Returns when the next one is due. */
  run(now: number): number | undefined {
    let nextAt: number | undefined;
    for (const task of this.#tasks()) {
      const counted = this.#countedOf(task, now);
      const { anchorAt, lastDueAt } = counted;
      const dueAt = anchorAt + Math.floor((now - anchorAt) / task.everyMs) * task.everyMs;
      if (dueAt > lastDueAt) {
        counted.lastDueAt = dueAt;
        if (!counted.isRunning) void this.#begin(task, counted, dueAt);
      }
      nextAt = Math.min(nextAt ?? Number.POSITIVE_INFINITY, Math.max(dueAt, lastDueAt) + task.everyMs);
    }
    return nextAt;
  }

  #countedOf({ name }: IntervalTask, now: number): Counted {
    const known = this.#counted.get(name);
    // If the clock was set back, the task would wait for the old time.
    if (known !== undefined && known.lastDueAt <= now) return known;
    const counted = { anchorAt: now, lastDueAt: now, isRunning: known?.isRunning ?? false };
    this.#counted.set(name, counted);
    return counted;
  }

  async #begin(task: IntervalTask, counted: Counted, dueAt: number): Promise<void> {
    counted.isRunning = true;
    const ended = await settleWithin(() => task.run({ scheduledTime: dueAt }), TASK_LIMIT_MS);
    counted.isRunning = false;
    if (ended.ok) return;
    this.#report(task.name, ended.error.kind === "failed" ? ended.error.reason : "it has not ended within 10m");
  }
}
