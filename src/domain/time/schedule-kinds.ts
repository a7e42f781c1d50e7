/**
 * The kinds of schedule (docs/contract.md §1, §13). Each reads its own field and computes its due times, without bounds and
 * exclusions. A new kind is a new function here.
 */
import { MAX_EVERY_MS, MIN_EVERY_MS, MINUTE_MS } from "../../schema/limits.ts";
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { calendarOf } from "./cron.ts";
import { parseCron } from "./cron-syntax.ts";
import { onCalendar } from "./daylight-saving.ts";
import { parseDurationWithin } from "./duration.ts";
import { formatInstant, formatLocal, parseInstant, parseLocalTime } from "./instant.ts";
import { interval, NEVER, once, type Recurrence } from "./recurrence.ts";
import { ruleRecurrence } from "./rrule.ts";
import { parseRule } from "./rrule-syntax.ts";
import type { Timing } from "./schedule.ts";
import { resolveLocal } from "./zone.ts";

/**
 * A kind of schedule that has been read: its meaning and its due times. `anchorAt` is the job's creation or last schedule
 * change.
 */
export type Kind = { readonly timing: Timing; readonly due: (anchorAt: number) => Recurrence };

/** The context that all kinds share. */
export type KindContext = {
  /** The zone in `timezone`, if it is given. */
  readonly zone: string | undefined;
  /** The instant of `starts_at`, if it is given. */
  readonly startsAt: number | undefined;
  /** The job fires on the Cron Trigger's whole minutes (`all_users`). */
  readonly tickAligned: boolean;
};

type Read = Result<Kind, readonly FieldError[]>;

const refuse = (field: string, message: string): Read => err([{ path: `schedule.${field}`, message }]);

export const MANUAL: Kind = { timing: { kind: "manual" }, due: () => NEVER };

/** Reads `every`. The first fire comes at `starts_at`, or one interval after the anchor if there is no `starts_at`. */
export function readEvery(every: string, { zone, startsAt, tickAligned }: KindContext): Read {
  const everyMs = parseDurationWithin(every, MIN_EVERY_MS, MAX_EVERY_MS);
  if (!everyMs.ok) return refuse("every", everyMs.error);
  if (everyMs.value < MINUTE_MS && tickAligned) {
    return refuse("every", `"${every}" is too short: jobs for all_users fire on whole minutes; use "1m" or longer`);
  }
  return ok({
    timing: { kind: "every", everyMs: everyMs.value, timeZone: zone ?? "UTC" },
    due: (anchorAt) => interval(startsAt ?? anchorAt + everyMs.value, everyMs.value),
  });
}

/** Reads `at`: an instant with an offset, or a local time of `zone`. Only the second form takes a zone. */
export function readAt(text: string, { zone }: KindContext): Read {
  const local = parseLocalTime(text);
  if (local === undefined) {
    const at = parseInstant(text);
    if (!at.ok) return refuse("at", at.error);
    if (zone === undefined) return ok(atOnce(at.value, zoneOfInstant(text)));
    return refuse(
      "timezone",
      `"${zone}" has no meaning here: "${text}" carries its own offset; leave timezone out, or write at without the offset`,
    );
  }
  if (!local.ok) return refuse("at", local.error);
  if (zone === undefined) {
    return refuse(
      "at",
      `"${text}" has no offset: end it with Z for UTC or +hh:mm, or name its zone, e.g. "timezone": "Europe/Berlin"`,
    );
  }
  const times = resolveLocal(zone, local.value);
  if (times.kind === "skipped") return refuse("at", skippedTime(text, zone, local.value, times.change));
  return ok(atOnce(times.kind === "repeated" ? times.first : times.at, zone));
}

const atOnce = (at: number, timeZone: string): Kind => ({ timing: { kind: "at", at, timeZone }, due: () => once(at) });

/** The offset of an instant as written, which serves as the zone to show it in. */
function zoneOfInstant(text: string): string {
  const offset = /[+-]\d{2}:\d{2}$/.exec(text)?.[0];
  return offset === undefined || offset.endsWith("00:00") ? "UTC" : offset;
}

/** Names the instants on both sides of the gap, by the clock before it and by the clock after it. */
function skippedTime(
  text: string,
  zone: string,
  local: number,
  { at, before, after }: { readonly at: number; readonly before: number; readonly after: number },
): string {
  const shown = (instant: number) => formatLocal(instant, zone);
  return (
    `"${text}" does not exist in ${zone}: the clock goes from ${shown(at - 1_000)} to ${shown(at)} (${formatInstant(at)}); ` +
    `write "${shown(local - after)}" for before the gap, or "${shown(local - before)}" for after it, and leave timezone out`
  );
}

export function readCron(cron: string, { zone }: KindContext): Read {
  const expression = parseCron(cron);
  if (!expression.ok) return err(expression.error.map((message) => ({ path: "schedule.cron", message })));
  const { timeZone: prefixed, ...fields } = expression.value;
  if (zone !== undefined && prefixed !== undefined) {
    return refuse(
      "timezone",
      `the time zone is given twice, here and as CRON_TZ=${prefixed} in cron; drop one of them`,
    );
  }
  const calendar = calendarOf(expression.value);
  if (calendar === null) {
    return refuse(
      "cron",
      `"${cron}" never fires: no month it names has such a day; for the last day of a month write L, e.g. "0 0 L * *"`,
    );
  }
  const rule = fields.fixedTime ? "fixed-time" : "real-time";
  const timeZone = prefixed ?? zone ?? "UTC";
  const recurrence = onCalendar(calendar, rule, timeZone);
  return ok({ timing: { kind: "cron", expression: fields, rule, timeZone }, due: () => recurrence });
}

/** Reads an rrule. DTSTART is `starts_at`, or else the anchor, cut to the minute. */
export function readRule(text: string, { zone = "UTC", startsAt }: KindContext): Read {
  const rule = parseRule(text);
  if (!rule.ok) return err(rule.error.map((message) => ({ path: "schedule.rrule", message })));
  const start = (anchorAt: number) => startsAt ?? Math.floor(anchorAt / MINUTE_MS) * MINUTE_MS;
  return ok({
    timing: { kind: "rrule", rule: rule.value, timeZone: zone },
    due: (anchorAt) => ruleRecurrence(rule.value, start(anchorAt), zone),
  });
}
