/**
 * From what a client wrote to a schedule that can be asked for its fires (docs/contract.md §1). Every problem is
 * reported at once, each with its path (`schedule.cron`) and how to correct it.
 */
import { MAX_EVERY_MS, MIN_EVERY_MS, MINUTE_MS } from "../../schema/limits.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { calendarOf } from "./cron.ts";
import { parseCron } from "./cron-syntax.ts";
import { type Calendar, onCalendar } from "./daylight-saving.ts";
import { parseDurationWithin } from "./duration.ts";
import { bindFires } from "./fires.ts";
import { formatInstant, MAX_INSTANT, parseInstant } from "./instant.ts";
import { interval, once, type Recurrence, within } from "./recurrence.ts";
import type { Schedule, Timing } from "./schedule.ts";
import { findZone } from "./zone.ts";

export type CompileOptions = {
  /** The job fires on the Cron Trigger's whole minutes (`all_users`), so an `every` under a minute cannot be kept. */
  readonly tickAligned: boolean;
};

const ONE_OF = `give exactly one of cron, every and at, e.g. {"every": "30m"}`;
const AT_EXAMPLE = `e.g. {"at": "2027-01-15T14:30:00+08:00"}`;

/** A kind of schedule that has been read: what it says, and its nominal times without bounds. */
type Kind = { readonly timing: Timing; readonly nominal: (anchorAt: number) => Recurrence };

/** The schedule behind a spec. Knows no clock: whether a time lies in the past is for {@link checkFuture}. */
export function compileSchedule(spec: ScheduleSpec, options: CompileOptions): Result<Schedule, FieldError[]> {
  const errors: FieldError[] = [];
  /** The value of a good result; a bad one's message becomes the field's error. */
  const take = <T>(field: keyof ScheduleSpec, read: Result<T, string>): T | undefined => {
    if (read.ok) return read.value;
    errors.push({ path: `schedule.${field}`, message: read.error });
    return undefined;
  };
  const refuse = (path: string, message: string) => errors.push({ path, message });

  const startsAt = spec.starts_at === undefined ? undefined : take("starts_at", parseInstant(spec.starts_at));
  const endsAt = spec.ends_at === undefined ? undefined : take("ends_at", parseInstant(spec.ends_at));
  const jitterMs = spec.jitter === undefined ? 0 : take("jitter", parseDurationWithin(spec.jitter, 0, MAX_EVERY_MS));

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

  const read: Kind[] = [];
  if (spec.cron !== undefined) {
    const cron = compileCron(spec.cron, spec.timezone);
    if (cron.ok) read.push(cron.value);
    else errors.push(...cron.error);
  }
  if (spec.every !== undefined) {
    const everyMs = take("every", parseDurationWithin(spec.every, MIN_EVERY_MS, MAX_EVERY_MS));
    if (everyMs !== undefined) read.push(compileEvery(everyMs, startsAt));
    if (everyMs !== undefined && everyMs < MINUTE_MS && options.tickAligned) {
      refuse(
        "schedule.every",
        `"${spec.every}" is too short: jobs for all_users fire on whole minutes; use "1m" or longer`,
      );
    }
  }
  if (spec.at !== undefined) {
    const at = take("at", parseInstant(spec.at));
    if (at !== undefined) {
      read.push({ timing: { kind: "at", at, timeZone: zoneOfInstant(spec.at) }, nominal: () => once(at) });
    }
  }

  if (startsAt !== undefined && endsAt !== undefined && startsAt >= endsAt) {
    refuse("schedule.ends_at", `"${spec.ends_at}" is not after starts_at ("${spec.starts_at}"); give a later time`);
  }
  if (spec.max_runs !== undefined && !(Number.isInteger(spec.max_runs) && spec.max_runs >= 1)) {
    refuse("schedule.max_runs", `${spec.max_runs} is not a count; give a whole number of at least 1, or leave it out`);
  }

  const [kind] = read;
  if (errors.length > 0 || kind === undefined) return err(errors);
  const [from, to] = [startsAt ?? Number.NEGATIVE_INFINITY, endsAt ?? MAX_INSTANT];
  return ok({
    timing: kind.timing,
    ...(startsAt === undefined ? {} : { startsAt }),
    endsAt: to,
    jitterMs: jitterMs ?? 0,
    ...(spec.max_runs === undefined ? {} : { maxRuns: spec.max_runs }),
    nominal: (anchorAt) => within(kind.nominal(anchorAt), from, to),
  });
}

/** Without `starts_at` the first fire comes one interval after the anchor; with it, at `starts_at`. */
const compileEvery = (everyMs: number, startsAt: number | undefined): Kind => ({
  timing: { kind: "every", everyMs },
  nominal: (anchorAt) => interval(startsAt ?? anchorAt + everyMs, everyMs),
});

function compileCron(cron: string, timezone: string | undefined): Result<Kind, FieldError[]> {
  const errors: FieldError[] = [];
  const refuse = (field: "cron" | "timezone", message: string) => errors.push({ path: `schedule.${field}`, message });
  const zone = timezone === undefined ? undefined : findZone(timezone);
  if (zone !== undefined && !zone.ok) refuse("timezone", zone.error);
  const expression = parseCron(cron);
  if (!expression.ok) {
    for (const message of expression.error) refuse("cron", message);
    return err(errors);
  }
  const { timeZone: prefixed, ...fields } = expression.value;
  if (timezone !== undefined && prefixed !== undefined) {
    refuse("timezone", `the time zone is given twice, here and as CRON_TZ=${prefixed} in cron; drop one of them`);
  }
  const calendar: Calendar | null = calendarOf(expression.value);
  if (calendar === null) {
    refuse(
      "cron",
      `"${cron}" never fires: no month it names has such a day; for the last day of a month write L, e.g. "0 0 L * *"`,
    );
  }
  if (calendar === null || errors.length > 0) return err(errors);
  const rule = fields.fixedTime ? "fixed-time" : "real-time";
  const timeZone = prefixed ?? (zone?.ok ? zone.value : "UTC");
  const recurrence = onCalendar(calendar, rule, timeZone);
  return ok({ timing: { kind: "cron", expression: fields, rule, timeZone }, nominal: () => recurrence });
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
  if (bindFires(schedule, { anchorAt }).next(now) !== null) return [];
  const from = formatInstant(Math.max(now, startsAt ?? now));
  const window = endsAt === MAX_INSTANT ? `after ${from}` : `between ${from} and ends_at (${formatInstant(endsAt)})`;
  return [
    {
      path: "schedule",
      message: `the schedule never fires ${window}; widen starts_at and ends_at or change its times`,
    },
  ];
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
  if (!compiled.ok) return JSON.stringify(Object.entries(spec).sort(([x], [y]) => (x < y ? -1 : 1)));
  const { timing } = compiled.value;
  // JSON leaves functions out, here the nominal times, which follow from the rest.
  return JSON.stringify({ ...compiled.value, timing: essence(timing) });
}

/** What of a timing decides when it fires: an instant is the same however it was written, an expression as its values. */
function essence(timing: Timing): unknown {
  if (timing.kind === "at") return timing.at;
  return timing.kind === "cron" ? { ...timing, expression: timing.expression.canonical } : timing;
}
