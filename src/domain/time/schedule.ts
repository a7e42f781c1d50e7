/**
 * Schedules (docs/contract.md §1, §13) that have been read and checked.
 *
 * A nominal time is what the schedule says. A fire is a nominal time plus the job's jitter delay. `starts_at` and `ends_at`
 * bound nominal times, both included. `max_runs` needs a count, which only the job has.
 */
import { MINUTE_MS } from "../../schema/limits.ts";
import type { CronExpression } from "./cron-syntax.ts";
import type { ClockRule } from "./daylight-saving.ts";
import type { Exclusion } from "./exclude.ts";
import type { Recurrence } from "./recurrence.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";

/**
 * The meaning of a schedule as plain data. Two schedules with the same timing as JSON fire alike. Times are epoch ms,
 * lengths ms.
 */
export type Timing =
  | {
      readonly kind: "cron";
      readonly expression: CronExpression;
      readonly rule: ClockRule;
      readonly timeZone: string;
    }
  | { readonly kind: "every"; readonly everyMs: number; readonly timeZone: string }
  | { readonly kind: "at"; readonly at: number; readonly timeZone: string }
  | { readonly kind: "rrule"; readonly rule: RecurrenceRule; readonly timeZone: string }
  | { readonly kind: "manual" };

/** A schedule that has been checked and compiled; immutable. Times are epoch ms, lengths ms. */
export type Schedule = {
  readonly timing: Timing;
  /** No nominal time comes before this. `every` counts from it. */
  readonly startsAt?: number;
  /** No nominal time comes after this. Without an end, it is the last instant that can be written. */
  readonly endsAt: number;
  /** When nothing fires, in the schedule's zone; jitter is not counted. */
  readonly exclusions: readonly Exclusion[];
  /** The upper bound of the delay; `jitterDelay(jobId, jitterMs)` is the job's own. 0 means none. */
  readonly jitterMs: number;
  readonly maxRuns?: number;
  /**
   * The nominal times within the bounds and outside the exclusions. `every` and `rrule` begin at `anchorAt` unless there is
   * `starts_at`.
   */
  readonly nominal: (anchorAt: number) => Recurrence;
};

/**
 * The zone in which `formatLocal` shows the schedule's times. It is the schedule's own, or UTC, or an `at`'s offset
 * (`+08:00`).
 */
export function scheduleZone({ timing }: Schedule): string {
  return "timeZone" in timing ? timing.timeZone : "UTC";
}

/** The first tick of the Cron Trigger at or after `at`. Ticks come at whole minutes of UTC. */
export function nextTickAtOrAfter(at: number): number {
  return Math.ceil(at / MINUTE_MS) * MINUTE_MS;
}
