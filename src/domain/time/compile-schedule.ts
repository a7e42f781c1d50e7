/**
 * From what a client wrote to a schedule that can be asked for its fires (docs/contract.md §1, §13). Every problem is
 * reported at once, each with its path (`schedule.cron`) and how to correct it.
 */

import { MAX_EVERY_MS } from "../../schema/limits.ts";
import { SCHEDULE_KINDS, type ScheduleKind, type ScheduleSpec } from "../../schema/schedule.ts";
import { compact } from "../compact.ts";
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { parseDurationWithin } from "./duration.ts";
import { type Exclusion, excludedBy, freeBy, parseExclusion } from "./exclude.ts";
import { formatInstant, MAX_INSTANT, parseInstant, parseLocalTime } from "./instant.ts";
import { outside, within } from "./recurrence.ts";
import type { Schedule, Timing } from "./schedule.ts";
import { type Kind, type KindContext, MANUAL, readAt, readCron, readEvery, readRule } from "./schedule-kinds.ts";
import { findZone } from "./zone.ts";

export type CompileOptions = {
  /** The job fires on the Cron Trigger's whole minutes (`all_users`), so an `every` under a minute cannot be kept. */
  readonly tickAligned: boolean;
};

const ONE_OF = `give exactly one of ${SCHEDULE_KINDS.join(", ")}, e.g. {"every": "30m"}`;

/** The kinds that a spec names. */
export const kindsOf = (spec: Readonly<Record<string, unknown>>): ScheduleKind[] =>
  SCHEDULE_KINDS.filter((kind) => spec[kind] !== undefined && spec[kind] !== null);

/**
 * The spec with `in` replaced by the `at` that it means. If `in` does not parse or stands beside another kind, the spec
 * stays as it is.
 */
export function settleIn(spec: ScheduleSpec, now: number): ScheduleSpec {
  const { in: delay, ...rest } = spec;
  // Beside fields that do not go with it, the errors should name the `in` that was written and not an `at`.
  if (delay === undefined || kindsOf(spec).length > 1 || misplaced("in", spec).length > 0) return spec;
  const ms = readIn(delay);
  return ms.ok ? { ...rest, at: formatInstant(now + ms.value) } : spec;
}

const readIn = (text: string): Result<number, string> => parseDurationWithin(text, 1_000, MAX_EVERY_MS);

/** The schedule behind a spec. It knows no clock, so {@link settleIn} comes before it and `checkFuture` after it. */
export function compileSchedule(spec: ScheduleSpec, { tickAligned }: CompileOptions): Result<Schedule, FieldError[]> {
  const errors: FieldError[] = [];
  /** The value of a good result. The message of a bad one becomes the field's error. */
  const take = <T>(field: keyof ScheduleSpec, read: Result<T, string>): T | undefined => {
    if (read.ok) return read.value;
    errors.push({ path: `schedule.${field}`, message: read.error });
    return undefined;
  };
  const refuse = (field: keyof ScheduleSpec, message: string) => errors.push({ path: `schedule.${field}`, message });

  const kinds = kindsOf(spec);
  const [kind] = kinds;
  if (kind === undefined) errors.push({ path: "schedule", message: `the schedule says no time; ${ONE_OF}` });
  if (kinds.length > 1) {
    errors.push({ path: "schedule", message: `the schedule has ${kinds.join(" and ")}; ${ONE_OF}` });
  }
  if (kind !== undefined && kinds.length === 1) errors.push(...misplaced(kind, spec));

  const startsAt = spec.starts_at === undefined ? undefined : take("starts_at", parseInstant(spec.starts_at));
  const endsAt = spec.ends_at === undefined ? undefined : take("ends_at", parseInstant(spec.ends_at));
  const jitterMs = spec.jitter === undefined ? 0 : take("jitter", parseDurationWithin(spec.jitter, 0, MAX_EVERY_MS));
  const zone = spec.timezone === undefined ? undefined : take("timezone", findZone(spec.timezone));
  const exclusions = spec.exclude?.map((text) => take("exclude", parseExclusion(text)));
  if (startsAt !== undefined && endsAt !== undefined && startsAt >= endsAt) {
    refuse("ends_at", `"${spec.ends_at}" is not after starts_at ("${spec.starts_at}"); give a later time`);
  }
  if (spec.max_runs !== undefined && !(Number.isInteger(spec.max_runs) && spec.max_runs >= 1)) {
    refuse("max_runs", `${spec.max_runs} is not a count; give a whole number of at least 1, or leave it out`);
  }

  // A wrong zone is reported already. The kind is still checked, with UTC.
  const context = { zone: spec.timezone === undefined ? undefined : (zone ?? "UTC"), startsAt, tickAligned };
  const read = kinds.map((each) => readKind(each, spec, context));
  for (const each of read) if (!each.ok) errors.push(...each.error);
  const compiled = read.find((each) => each.ok);
  if (errors.length > 0 || compiled === undefined) return err(errors);

  const { timing, due } = compiled.value;
  const [from, to] = [startsAt ?? Number.NEGATIVE_INFINITY, endsAt ?? MAX_INSTANT];
  const excluded = exclusions?.filter((exclusion): exclusion is Exclusion => exclusion !== undefined) ?? [];
  const zoneName = "timeZone" in timing ? timing.timeZone : "UTC";
  const [gapAt, freeUntil] = [excludedBy(excluded, zoneName), freeBy(excluded, zoneName)];
  return ok({
    timing,
    ...compact({ startsAt }),
    endsAt: to,
    exclusions: excluded,
    jitterMs: jitterMs ?? 0,
    ...compact({ maxRuns: spec.max_runs }),
    nominal(anchorAt) {
      const bounded = within(due(anchorAt), from, to);
      return excluded.length === 0 ? bounded : outside(bounded, gapAt, freeUntil);
    },
  });
}

function readKind(kind: ScheduleKind, spec: ScheduleSpec, context: KindContext): Result<Kind, readonly FieldError[]> {
  switch (kind) {
    case "cron":
      return readCron(spec.cron ?? "", context);
    case "every":
      return readEvery(spec.every ?? "", context);
    case "at":
      return readAt(spec.at ?? "", context);
    case "rrule":
      return readRule(spec.rrule ?? "", context);
    case "manual":
      return ok(MANUAL);
    case "in": {
      const delay = readIn(spec.in ?? "");
      if (!delay.ok) return err([{ path: "schedule.in", message: delay.error }]);
      const unsettled = "counts from the time of a call, and there is none here; give the time itself as at";
      const isTold = kindsOf(spec).length > 1 || misplaced("in", spec).length > 0;
      return err(isTold ? [] : [{ path: "schedule.in", message: unsettled }]);
    }
  }
}

/** The fields beside a kind that it does not take, each with the reason. */
function misplaced(kind: ScheduleKind, spec: ScheduleSpec): FieldError[] {
  const errors: FieldError[] = [];
  const refuse = (field: keyof ScheduleSpec, why: string) =>
    errors.push({ path: `schedule.${field}`, message: `${field} has no meaning beside ${kind}: ${why}; leave it out` });
  if (kind === "manual") {
    for (const field of BESIDE_OTHERS)
      if (spec[field] !== undefined) refuse(field, "a manual job never fires by itself");
    return errors;
  }
  if (spec.exclude !== undefined && !takesExclude(kind))
    refuse("exclude", "it goes with cron, every and rrule, which fire more than once");
  if (spec.timezone === undefined) return errors;
  if (kind === "every" && spec.exclude === undefined) {
    refuse(
      "timezone",
      "every counts real time; timezone goes with cron, rrule, an at without an offset, or every with exclude; for the same time of day in a zone use cron, or rrule with INTERVAL and starts_at",
    );
  }
  if (kind === "in") refuse("timezone", "in counts from now");
  return errors;
}

const BESIDE_OTHERS = ["timezone", "exclude", "jitter", "starts_at", "ends_at", "max_runs"] as const;
const takesExclude = (kind: ScheduleKind): boolean => kind === "cron" || kind === "every" || kind === "rrule";

/** The fields that the kind of a schedule does not take. A change of kind removes them. */
export function fieldsNotTaken(spec: Readonly<Record<string, unknown>>): (keyof ScheduleSpec)[] {
  const [kind] = kindsOf(spec);
  if (kind === undefined) return [];
  if (kind === "manual") return [...BESIDE_OTHERS];
  const zoned = kind === "cron" || kind === "rrule" || (kind === "every" && spec.exclude !== undefined);
  const isLocal = kind === "at" && typeof spec.at === "string" && parseLocalTime(spec.at) !== undefined;
  return [...(zoned || isLocal ? [] : (["timezone"] as const)), ...(takesExclude(kind) ? [] : (["exclude"] as const))];
}

/**
 * Whether both specs fire at the same times. `60s` and `1m`, `@daily` and `0 0 * * *`, the default zone and `UTC` are the
 * same. A job whose schedule changes between such specs keeps its anchor and its next fire.
 */
export function sameSchedule(a: ScheduleSpec, b: ScheduleSpec): boolean {
  return identity(a) === identity(b);
}

function identity(spec: ScheduleSpec): string {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok) return JSON.stringify(Object.entries(spec).sort(([x], [y]) => (x < y ? -1 : 1)));
  const { timing } = compiled.value;
  // JSON leaves out functions. Here these are the nominal times, which follow from the rest.
  return JSON.stringify({ ...compiled.value, timing: essence(timing) });
}

/**
 * The part of a timing that decides when it fires. It ignores how an instant was written, and compares an expression by its
 * values.
 */
function essence(timing: Timing): unknown {
  if (timing.kind === "at") return timing.at;
  return timing.kind === "cron" ? { ...timing, expression: timing.expression.canonical } : timing;
}
