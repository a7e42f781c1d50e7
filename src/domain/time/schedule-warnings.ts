/** Warnings about schedules that are valid but may not do what their author meant (docs/contract.md §13). Pure. */
import type { ScheduleSpec } from "../../schema/schedule.ts";
import type { Warning } from "../../schema/warning.ts";
import { describeCron } from "./describe-cron.ts";
import { formatDuration } from "./duration.ts";
import { formatInstant, formatLocal } from "./instant.ts";
import type { Schedule, Timing } from "./schedule.ts";
import { runs } from "./words.ts";

const DAY_MS = 86_400_000;

/**
 * The warnings for a schedule. `firstAt` is its next nominal time, epoch ms. Undefined if there is none, as in a paused
 * job.
 */
export function scheduleWarnings(spec: ScheduleSpec, schedule: Schedule, firstAt: number | undefined): Warning[] {
  return [
    ...zoneWarnings(spec, schedule.timing),
    ...cronWarnings(schedule.timing),
    ...jitterWarning(schedule),
    ...anchorWarning(schedule, firstAt),
  ];
}

function zoneWarnings(spec: ScheduleSpec, timing: Timing): Warning[] {
  if (timing.kind === "manual") return [];
  const prefixed = spec.cron !== undefined && /^\s*(?:CRON_)?TZ=/i.test(spec.cron);
  if (spec.timezone === undefined && !prefixed) {
    if (!hasFixedHour(timing)) return [];
    const message = `the hours are UTC, since no timezone is given; for local time add e.g. "timezone": "Europe/Berlin", or "timezone": "UTC" if UTC is meant`;
    return [{ path: "schedule.timezone", code: "utc_assumed", message }];
  }
  const fixed = fixedOffset(timing.timeZone);
  if (fixed === undefined) return [];
  const path = prefixed ? "schedule.cron" : "schedule.timezone";
  return [{ path, code: "fixed_offset_zone", message: `"${timing.timeZone}" ${fixed}` }];
}

/** Whether the schedule names hours of a day, which would be different hours in another zone. */
function hasFixedHour(timing: Timing): boolean {
  if (timing.kind === "cron") return !/^[*?]/.test(timing.expression.fields[1]);
  if (timing.kind !== "rrule") return false;
  const { freq, byHour } = timing.rule;
  return byHour !== undefined || (freq !== "HOURLY" && freq !== "MINUTELY");
}

const REGIONS: Readonly<Record<string, string>> = {
  EST: "America/New_York",
  MST: "America/Denver",
  HST: "Pacific/Honolulu",
};

/** The warning about a zone that never changes its clock although its name suggests a region. */
function fixedOffset(zone: string): string | undefined {
  const offset = formatLocal(0, zone).slice(-6);
  const always = `is UTC${offset} all year and never changes its clock`;
  const region = REGIONS[zone.toUpperCase()];
  if (region !== undefined) return `${always}; for the local time of a region write e.g. "${region}"`;
  if (!/^Etc\/GMT[+-]0*[1-9]/i.test(zone)) return undefined;
  return `${always}, and its sign is the other way round; for the local time of a region write e.g. "Europe/Berlin"`;
}

function cronWarnings(timing: Timing): Warning[] {
  if (timing.kind !== "cron") return [];
  const { canonical, fields } = timing.expression;
  const [, , day = "*", , weekday = "*"] = canonical.split(" ");
  const warnings: Warning[] = [];
  if (day !== "*" && weekday !== "*") {
    const both = describeCron(timing.expression);
    const message = `a day that matches either day field fires: ${both}. For days that match both use an rrule, e.g. ${bothAsRule(canonical)}; to restrict one only, write * in the other`;
    warnings.push({ path: "schedule.cron", code: "day_or_weekday", message });
  }
  for (const [index, field] of FIELDS.entries()) {
    for (const item of new Set((fields[index] ?? "").split(",")))
      warnings.push(...unevenStep(item, field, canonical, index));
  }
  return warnings;
}

/** A rule for the days that both fields name, if the expression is simple enough. */
function bothAsRule(canonical: string): string {
  const [minute = "*", hour = "*", day = "*", , weekday = "*"] = canonical.split(" ");
  const CODES = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
  const isPlain = [minute, hour, day, weekday].every((field) => /^[\d,]+$/.test(field));
  if (!isPlain) return '"FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;BYHOUR=9;BYMINUTE=0"';
  const days = weekday.split(",").map((value) => CODES[Number(value)] ?? "");
  return `"FREQ=MONTHLY;BYMONTHDAY=${day};BYDAY=${days.join(",")};BYHOUR=${hour};BYMINUTE=${minute}"`;
}

const FIELDS = [
  { name: "minute", min: 0, size: 60, unit: "m", of: "every hour" },
  { name: "hour", min: 0, size: 24, unit: "h", of: "every day" },
  { name: "day of month", min: 1, size: 31, unit: "day", of: "every month" },
  { name: "month", min: 1, size: 12, unit: "month", of: "every year" },
  { name: "day of week", min: 0, size: 7, unit: "day", of: "every week" },
] as const;

/** The warning about a step that leaves a shorter step at the end of its range. */
function unevenStep(item: string, field: (typeof FIELDS)[number], canonical: string, index: number): Warning[] {
  const [, base = "", stepText = "1"] = /^([^/]+)\/(\d+)$/.exec(item) ?? [];
  const step = Number(stepText);
  if (step < 2 || !isWhole(base, field)) return [];
  const values = (canonical.split(" ")[index] ?? "").split(",").filter((value) => /^\d+$/.test(value));
  const first = /^\d/.test(base) ? Number(base.split("-")[0]) - field.min : 0;
  if (field.size % step === 0 && first < step) return [];
  const named = runs(values.map(Number), String);
  const instead =
    field.unit === "m" || field.unit === "h"
      ? `for every ${step}${field.unit} use {"every": "${step}${field.unit}"}`
      : `for every ${step} ${field.unit}s use ${everySoMany(step, field.unit, canonical)}`;
  const message = `${field.name} "${item}" means ${named} of ${field.of}, which begins again before the step of ${step} is full; ${instead}`;
  return [{ path: "schedule.cron", code: "uneven_step", message }];
}

/** A schedule of every so many days or months. It keeps the expression's time of day where there is one. */
function everySoMany(step: number, unit: "day" | "month", canonical: string): string {
  const [minute = "", hour = ""] = canonical.split(" ");
  const isPlain = /^\d+$/.test(minute) && /^\d+$/.test(hour);
  if (unit === "day" && !isPlain) return `{"every": "${step}d"}`;
  const time = isPlain ? `BYHOUR=${hour};BYMINUTE=${minute}` : "BYHOUR=9;BYMINUTE=0";
  const rule =
    unit === "day" ? `FREQ=DAILY;INTERVAL=${step};${time}` : `FREQ=MONTHLY;INTERVAL=${step};BYMONTHDAY=1;${time}`;
  return `{"rrule": "${rule}"} with starts_at, from which it counts`;
}

/** Whether the step runs to the end of the field's range, where it begins again: `*`, `5`, `0-59`; not `9-17`. */
function isWhole(base: string, { min, size }: (typeof FIELDS)[number]): boolean {
  const [from = "", to] = base.split("-");
  return to === undefined || (Number(from) === min && Number(to) >= min + size - 1);
}

function jitterWarning({ jitterMs }: Schedule): Warning[] {
  if (jitterMs === 0) return [];
  const message = `every fire of a job is delayed by the same part of ${formatDuration(jitterMs)}, which differs from job to job; next_run_at shows the job's own, previews leave it out`;
  return [{ path: "schedule.jitter", code: "jitter_is_fixed", message }];
}

function anchorWarning({ timing, startsAt }: Schedule, firstAt: number | undefined): Warning[] {
  if (timing.kind !== "every" || timing.everyMs < DAY_MS || startsAt !== undefined) return [];
  const first = firstAt === undefined ? undefined : formatInstant(firstAt);
  const when =
    first === undefined
      ? "at the time of day at which the schedule was set"
      : `at ${first.slice(11, 19)} UTC, next on ${first.slice(0, 10)}`;
  const example = first === undefined ? "2027-01-01T09:00:00+01:00" : `${first.slice(0, 10)}T09:00:00Z`;
  const message = `it fires ${when}: it counts from when the schedule was set; for another time of day add e.g. "starts_at": "${example}"`;
  return [{ path: "schedule.every", code: "anchor", message }];
}
