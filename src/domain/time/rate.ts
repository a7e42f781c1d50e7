/**
 * The rate of a schedule: how often it fires at most (docs/contract.md §16). `MAX_FIRES_PER_DAY` and `MIN_INTERVAL` limit
 * it.
 */
import { DAY_MS } from "../../schema/limits.ts";
import { cronTimes } from "./cron-syntax.ts";
import { bindFires } from "./fires.ts";
import type { Rate } from "./recurrence.ts";
import { timesOfDay } from "./rrule-calendar.ts";
import { timesInDay } from "./rrule-size.ts";
import type { Schedule, Timing } from "./schedule.ts";

/** The number of coming fires that are searched for the shortest gap. Within a day the gap is computed instead. */
const LOOKED_AT = 50;

/**
 * The rate of a schedule that is set at `now` (epoch ms). Exclusions, bounds and `max_runs` do not lower it. The most fires
 * are those of a day of 24 hours. The shortest gap is that of fixed local times, and may be shorter when clocks change.
 */
export function rateOf(schedule: Schedule, now: number): Rate {
  const { timing } = schedule;
  switch (timing.kind) {
    case "manual":
      return { perDay: 0, minGapMs: Number.POSITIVE_INFINITY };
    case "at":
      return { perDay: 1, minGapMs: Number.POSITIVE_INFINITY };
    case "every":
      return { perDay: Math.ceil(DAY_MS / timing.everyMs), minGapMs: timing.everyMs };
    case "cron":
    case "rrule": {
      const coming = bindFires(schedule, { anchorAt: now }).take(now, LOOKED_AT);
      return { perDay: perDay(timing), minGapMs: Math.min(gapInDay(timing), shortestGap(coming)) };
    }
  }
}

type CalendarTiming = Extract<Timing, { kind: "cron" | "rrule" }>;

function perDay(timing: CalendarTiming): number {
  if (timing.kind === "cron") return cronTimes(timing.expression).length;
  const { also } = timing.rule;
  return timesInDay(timing.rule) + also.length;
}

/** The shortest time between two fires of one day. Rules that count hours or minutes are searched for it instead. */
function gapInDay(timing: CalendarTiming): number {
  if (timing.kind === "cron") return shortestGap(cronTimes(timing.expression));
  const { freq } = timing.rule;
  if (freq === "HOURLY" || freq === "MINUTELY") return Number.POSITIVE_INFINITY;
  return shortestGap(timesOfDay(timing.rule, 0));
}

function shortestGap(sorted: readonly number[]): number {
  let shortest = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) shortest = Math.min(shortest, (sorted[i] ?? 0) - (sorted[i - 1] ?? 0));
  return shortest;
}
