/**
 * Schedules (CONTRACT §1): from what the client wrote to the instants at which a job fires.
 *
 * A nominal time is what the schedule says; a fire is a nominal time plus the job's jitter delay. `starts_at` and
 * `ends_at` bound nominal times, both included. `max_runs` needs a count, which only the job has.
 */
import { MAX_EVERY_MS, MIN_EVERY_MS, MINUTE_MS } from "../../schema/limits.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { calendarOf } from "./cron.ts";
import { parseCron } from "./cron-syntax.ts";
import { type Calendar, type ClockRule, lastDue, nextDue } from "./daylight-saving.ts";
import { parseDurationWithin } from "./duration.ts";
import { formatInstant, MAX_INSTANT, parseInstant } from "./instant.ts";
import { findZone } from "./zone.ts";

/** A schedule that has been checked and made ready; immutable. Times are epoch ms, lengths ms. */
export type Schedule = {
  readonly timing: Timing;
  /** No nominal time before this. */
  readonly startsAt: number;
  /** No nominal time after this. */
  readonly endsAt: number;
  /** The upper bound of the delay; `jitterDelay(jobId, jitterMs)` is the job's own. 0 means none. */
  readonly jitterMs: number;
  readonly maxRuns?: number;
};

export type Timing =
  | {
      readonly kind: "cron";
      readonly canonical: string;
      readonly calendar: Calendar;
      readonly rule: ClockRule;
      readonly timeZone: string;
    }
  | { readonly kind: "every"; readonly everyMs: number }
  | { readonly kind: "at"; readonly at: number; readonly timeZone: string };

export type CompileOptions = {
  /** The job fires on the Cron Trigger's whole minutes (`all_users`), so an `every` under a minute cannot be kept. */
  readonly tickAligned: boolean;
};

const ONE_OF = `give exactly one of cron, every and at, e.g. {"every": "30m"}`;
const AT_EXAMPLE = `e.g. {"at": "2027-01-15T14:30:00+08:00"}`;

/**
 * The schedule behind a spec, or everything that is wrong with it, each with its path (`schedule.cron`) and how to
 * mend it. Knows no clock: whether a time lies in the past is for `checkFuture`.
 */
export function compileSchedule(spec: ScheduleSpec, options: CompileOptions): Result<Schedule, FieldError[]> {
  const errors: FieldError[] = [];
  /** The value of a good result; a bad one's message becomes the field's error. */
  const take = <T>(field: keyof ScheduleSpec, read: Result<T, string>): T | undefined => {
    if (read.ok) return read.value;
    errors.push({ path: `schedule.${field}`, message: read.error });
    return undefined;
  };
  const refuse = (path: string, message: string) => errors.push({ path, message });

  const kinds = (["cron", "every", "at"] as const).filter((kind) => spec[kind] !== undefined);
  if (kinds.length === 0) refuse("schedule", `the schedule says no time; ${ONE_OF}`);
  if (kinds.length > 1) refuse("schedule", `the schedule has ${kinds.join(" and ")}; ${ONE_OF}`);
  if (spec.timezone !== undefined && kinds.length > 0 && spec.cron === undefined) {
    const instead = spec.at === undefined ? `${kinds[0]} counts real time` : "an at carries its own offset";
    refuse(
      "schedule.timezone",
      `"${spec.timezone}" has no meaning here: timezone goes with cron only, ${instead}; leave it out`,
    );
  }

  const timings: Timing[] = [];
  if (spec.cron !== undefined) {
    const cron = compileCron(spec.cron, spec.timezone);
    if (cron.ok) timings.push(cron.value);
    else errors.push(...cron.error);
  }
  if (spec.every !== undefined) {
    const everyMs = take("every", parseDurationWithin(spec.every, MIN_EVERY_MS, MAX_EVERY_MS));
    if (everyMs !== undefined) timings.push({ kind: "every", everyMs });
    if (everyMs !== undefined && everyMs < MINUTE_MS && options.tickAligned) {
      refuse(
        "schedule.every",
        `"${spec.every}" is too short: jobs for all_users fire on whole minutes; use "1m" or longer`,
      );
    }
  }
  if (spec.at !== undefined) {
    const at = take("at", parseInstant(spec.at));
    if (at !== undefined) timings.push({ kind: "at", at, timeZone: zoneOfInstant(spec.at) });
  }

  const jitterMs = spec.jitter === undefined ? 0 : take("jitter", parseDurationWithin(spec.jitter, 0, MAX_EVERY_MS));
  const startsAt = spec.starts_at === undefined ? undefined : take("starts_at", parseInstant(spec.starts_at));
  const endsAt = spec.ends_at === undefined ? undefined : take("ends_at", parseInstant(spec.ends_at));
  if (startsAt !== undefined && endsAt !== undefined && startsAt >= endsAt) {
    refuse("schedule.ends_at", `"${spec.ends_at}" is not after starts_at ("${spec.starts_at}"); give a later time`);
  }
  if (spec.max_runs !== undefined && !(Number.isInteger(spec.max_runs) && spec.max_runs >= 1)) {
    refuse("schedule.max_runs", `${spec.max_runs} is not a count; give a whole number of at least 1, or leave it out`);
  }

  const [timing] = timings;
  if (errors.length > 0 || timing === undefined) return err(errors);
  return ok({
    timing,
    startsAt: startsAt ?? Number.NEGATIVE_INFINITY,
    endsAt: endsAt ?? MAX_INSTANT,
    jitterMs: jitterMs ?? 0,
    ...(spec.max_runs === undefined ? {} : { maxRuns: spec.max_runs }),
  });
}

function compileCron(cron: string, timezone: string | undefined): Result<Timing, FieldError[]> {
  const errors: FieldError[] = [];
  const refuse = (field: "cron" | "timezone", message: string) => errors.push({ path: `schedule.${field}`, message });
  const zone = timezone === undefined ? undefined : findZone(timezone);
  if (zone !== undefined && !zone.ok) refuse("timezone", zone.error);
  const expression = parseCron(cron);
  if (!expression.ok) {
    for (const message of expression.error) refuse("cron", message);
    return err(errors);
  }
  const { canonical, fixedTime, timeZone } = expression.value;
  if (timezone !== undefined && timeZone !== undefined) {
    refuse("timezone", `the time zone is given twice, here and as CRON_TZ=${timeZone} in cron; drop one of them`);
  }
  const calendar = calendarOf(expression.value);
  if (calendar === null) {
    refuse(
      "cron",
      `"${cron}" never fires: no month it names has such a day; for the last day of a month write L, e.g. "0 0 L * *"`,
    );
  }
  if (calendar === null || errors.length > 0) return err(errors);
  return ok({
    kind: "cron",
    canonical,
    calendar,
    rule: fixedTime ? "fixed-time" : "real-time",
    timeZone: timeZone ?? (zone?.ok ? zone.value : "UTC"),
  });
}

/** The offset that an instant was written with, as the zone to show it in. */
function zoneOfInstant(text: string): string {
  const offset = /[+-]\d{2}:\d{2}$/.exec(text)?.[0];
  return offset === undefined || offset.endsWith("00:00") ? "UTC" : offset;
}

/**
 * What is wrong with a schedule at the time it is set: an `at` or `ends_at` that is over, or no fire left at all.
 * `anchorAt` is the anchor the job would get. Empty when all is well.
 */
export function checkFuture(schedule: Schedule, anchorAt: number, now: number): FieldError[] {
  const { timing, startsAt, endsAt } = schedule;
  const isNow = `it is ${formatInstant(now)}`;
  if (timing.kind === "at" && timing.at <= now) {
    return [
      {
        path: "schedule.at",
        message: `${formatInstant(timing.at)} is not in the future (${isNow}); give a later time, ${AT_EXAMPLE}`,
      },
    ];
  }
  if (endsAt <= now) {
    return [
      {
        path: "schedule.ends_at",
        message: `${formatInstant(endsAt)} is in the past (${isNow}); give a later time or leave it out`,
      },
    ];
  }
  if (nextFireAt(schedule, anchorAt, now, 0) !== null) return [];
  const from = formatInstant(Math.max(now, startsAt));
  const window = endsAt === MAX_INSTANT ? `after ${from}` : `between ${from} and ends_at (${formatInstant(endsAt)})`;
  return [
    {
      path: "schedule",
      message: `the schedule never fires ${window}; widen starts_at and ends_at or change its times`,
    },
  ];
}

/**
 * The first fire strictly after `after`, or null if there is none. `jitterMs` here and below is the job's own delay,
 * `jitterDelay(jobId, schedule.jitterMs)`.
 */
export function nextFireAt(schedule: Schedule, anchorAt: number, after: number, jitterMs: number): number | null {
  const nominal = nextNominal(schedule, anchorAt, Math.max(after - jitterMs, schedule.startsAt - 1));
  if (nominal === null || nominal > schedule.endsAt) return null;
  const fire = nominal + jitterMs;
  return fire > MAX_INSTANT ? null : fire;
}

/** The latest fire at or before `atOrBefore`, or null if there was none. */
export function lastFireAt(schedule: Schedule, anchorAt: number, atOrBefore: number, jitterMs: number): number | null {
  const nominal = lastNominal(schedule, anchorAt, Math.min(atOrBefore - jitterMs, schedule.endsAt));
  return nominal === null || nominal < schedule.startsAt ? null : nominal + jitterMs;
}

/** The first nominal time strictly after `after`, not looking at the bounds. */
function nextNominal({ timing }: Schedule, anchorAt: number, after: number): number | null {
  switch (timing.kind) {
    case "at":
      return timing.at > after ? timing.at : null;
    case "every":
      return anchorAt + Math.max(1, Math.floor((after - anchorAt) / timing.everyMs) + 1) * timing.everyMs;
    case "cron":
      return nextDue(timing.calendar, timing.rule, timing.timeZone, after);
  }
}

/** The latest nominal time at or before `until`, not looking at the bounds. */
function lastNominal({ timing }: Schedule, anchorAt: number, until: number): number | null {
  switch (timing.kind) {
    case "at":
      return timing.at <= until ? timing.at : null;
    case "every": {
      const steps = Math.floor((until - anchorAt) / timing.everyMs);
      return steps < 1 ? null : anchorAt + steps * timing.everyMs;
    }
    case "cron":
      return lastDue(timing.calendar, timing.rule, timing.timeZone, until);
  }
}

/** How many fires fall after `fromExclusive` and up to `toInclusive`; counting stops at `cap`. */
export function countFires(
  schedule: Schedule,
  anchorAt: number,
  fromExclusive: number,
  toInclusive: number,
  jitterMs: number,
  cap: number,
): number {
  if (schedule.timing.kind !== "every") {
    return walk(schedule, anchorAt, fromExclusive, toInclusive, jitterMs, cap).length;
  }
  const first = nextFireAt(schedule, anchorAt, fromExclusive, jitterMs);
  const last = lastFireAt(schedule, anchorAt, toInclusive, jitterMs);
  if (first === null || last === null || last < first) return 0;
  return Math.min(cap, (last - first) / schedule.timing.everyMs + 1);
}

/** The fires from `fromInclusive` to `toInclusive`, oldest first, at most `cap` of them. */
export function firesBetween(
  schedule: Schedule,
  anchorAt: number,
  fromInclusive: number,
  toInclusive: number,
  jitterMs: number,
  cap: number,
): number[] {
  return walk(schedule, anchorAt, fromInclusive - 1, toInclusive, jitterMs, cap);
}

/** The next `count` fires after `after`; fewer where the schedule ends. */
export function nextFires(
  schedule: Schedule,
  anchorAt: number,
  after: number,
  jitterMs: number,
  count: number,
): number[] {
  return walk(schedule, anchorAt, after, MAX_INSTANT, jitterMs, count);
}

function walk(
  schedule: Schedule,
  anchorAt: number,
  fromExclusive: number,
  toInclusive: number,
  jitterMs: number,
  cap: number,
): number[] {
  const fires: number[] = [];
  let at = fromExclusive;
  while (fires.length < cap) {
    const next = nextFireAt(schedule, anchorAt, at, jitterMs);
    if (next === null || next > toInclusive) break;
    fires.push(next);
    at = next;
  }
  return fires;
}

/**
 * The zone to show the schedule's times in, for `formatLocal`: cron's own, UTC for `every`, and for `at` the offset
 * it was written with (`+08:00`).
 */
export function scheduleZone({ timing }: Schedule): string {
  return timing.kind === "every" ? "UTC" : timing.timeZone;
}

/**
 * Do both specs fire at the same times? `60s` and `1m`, `@daily` and `0 0 * * *`, the default zone and `UTC` are the
 * same; a job whose schedule changes from one to the other keeps its anchor and its next fire.
 */
export function sameSchedule(a: ScheduleSpec, b: ScheduleSpec): boolean {
  return identity(a) === identity(b);
}

function identity(spec: ScheduleSpec): string {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (compiled.ok) {
    const { timing } = compiled.value;
    // An instant is the same whatever offset it was written with. JSON leaves functions out, here the calendar, which
    // follows from `canonical`.
    return JSON.stringify({ ...compiled.value, timing: timing.kind === "at" ? timing.at : timing });
  }
  return JSON.stringify(Object.entries(spec).sort(([x], [y]) => (x < y ? -1 : 1)));
}

/** The Cron Trigger's tick at `at` or the first one after it: whole minutes of UTC. */
export function nextTickAtOrAfter(at: number): number {
  return Math.ceil(at / MINUTE_MS) * MINUTE_MS;
}
