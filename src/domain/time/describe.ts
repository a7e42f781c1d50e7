/** Schedules in plain English, so that people and language models can check what they asked for. */
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../schema/limits.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import { compileSchedule } from "./compile-schedule.ts";
import { describeCron } from "./describe-cron.ts";
import { describeRule } from "./describe-rule.ts";
import { formatDuration } from "./duration.ts";
import type { Exclusion } from "./exclude.ts";
import { formatInstant, formatLocal, MAX_INSTANT } from "./instant.ts";
import type { Schedule } from "./schedule.ts";
import { clock, counted, listed, WEEKDAY_NAMES } from "./words.ts";
import { offsetAt } from "./zone.ts";

const DAY_MS = 24 * HOUR_MS;

/**
 * One sentence about a schedule, such as `At 09:00, Monday through Friday (Europe/Berlin), until
 * 2027-01-01T00:00:00.000Z`. A spec that does not compile is described as invalid.
 */
export function describeSchedule(spec: ScheduleSpec): string {
  const compiled = compileSchedule(spec, { tickAligned: false });
  return compiled.ok ? describe(compiled.value) : "Invalid schedule";
}

/** The schedule in one sentence, including its exclusions. */
export function describe(schedule: Schedule): string {
  const { startsAt, endsAt, jitterMs, maxRuns, exclusions } = schedule;
  const clauses = [timingOf(schedule)];
  if (exclusions.length > 0) clauses.push(`except ${listed(exclusions.map(exclusionOf))}`);
  if (jitterMs > 0) clauses.push(`each fire delayed by a fixed part of ${formatDuration(jitterMs)}`);
  if (startsAt !== undefined) clauses.push(`from ${formatInstant(startsAt)}`);
  if (endsAt !== MAX_INSTANT) clauses.push(`until ${formatInstant(endsAt)}`);
  if (maxRuns !== undefined) clauses.push(`at most ${counted(maxRuns, "run")}`);
  return clauses.join(", ");
}

function timingOf({ timing, startsAt, exclusions }: Schedule): string {
  switch (timing.kind) {
    case "every":
      // The zone matters only to the exclusions.
      return `Every ${interval(timing.everyMs)}${exclusions.length > 0 ? ` (${timing.timeZone})` : ""}`;
    case "at":
      return `Once, at ${formatLocal(timing.at, timing.timeZone)}${timing.timeZone.includes("/") ? ` (${timing.timeZone})` : ""}`;
    case "cron":
      return `${describeCron(timing.expression)} (${timing.timeZone})`;
    case "rrule": {
      const start = startsAt === undefined ? undefined : startsAt + offsetAt(timing.timeZone, startsAt);
      return `${describeRule(timing.rule, start)} (${timing.timeZone})`;
    }
    case "manual":
      return "Never by itself, only when it is run or triggered";
  }
}

/** When an exclusion holds: `on 2026-12-25`, `on Saturday`, `between 22:00 and 07:00`. */
export function exclusionOf(exclusion: Exclusion): string {
  const date = (day: number) => new Date(day * DAY_MS).toISOString().slice(0, 10);
  switch (exclusion.kind) {
    case "dates":
      return exclusion.fromDay === exclusion.toDay
        ? `on ${date(exclusion.fromDay)}`
        : `from ${date(exclusion.fromDay)} through ${date(exclusion.toDay)}`;
    case "weekday":
      return `on ${WEEKDAY_NAMES[exclusion.weekday]}`;
    case "window":
      return `between ${clock(exclusion.fromMinute * MINUTE_MS)} and ${clock(exclusion.toMinute * MINUTE_MS)}`;
  }
}

/** `30 minutes`, `hour`, `1 hour 30 minutes`: read after "Every". */
function interval(ms: number): string {
  if (ms % DAY_MS === 0 && ms > DAY_MS) return `${ms / DAY_MS} days`;
  const parts = [
    [Math.floor(ms / HOUR_MS), "hour"],
    [Math.floor((ms % HOUR_MS) / MINUTE_MS), "minute"],
    [(ms % MINUTE_MS) / SECOND_MS, "second"],
  ] as const;
  const words = parts.filter(([count]) => count > 0).map(([count, unit]) => counted(count, unit));
  const [only = ""] = words;
  return words.length === 1 && only.startsWith("1 ") ? only.slice(2) : words.join(" ");
}
