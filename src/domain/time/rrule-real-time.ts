/**
 * Rules of HOURLY and MINUTELY: they count real time from their start, through clock changes, and the BY parts narrow it
 * by what the zone's clocks show. So `FREQ=HOURLY;INTERVAL=6` comes every six hours, also on a day of 23 or 25.
 */
import { firstOf, type Recurrence } from "./recurrence.ts";
import { pick } from "./rrule-calendar.ts";
import { DAY_MS, dateOf, dayNumberOf, namesDay } from "./rrule-days.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";
import { offsetAt } from "./zone.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A rule that has no time in so many steps, or in fewer that reach sixty years, is taken to have none. */
const MAX_STEPS = 20_000;
const ENOUGH_STEPS = 1_000;
const HORIZON_MS = 60 * 366 * DAY_MS;

/** The recurrence of a rule that starts at the instant `start`; EXDATE, RDATE and UNTIL are left out. */
export function realTimeRule(rule: RecurrenceRule, start: number, timeZone: string): Recurrence {
  const unit = rule.freq === "HOURLY" ? HOUR_MS : MINUTE_MS;
  const step = unit * rule.interval;
  const intoUnit = (start + offsetAt(timeZone, start)) % unit;
  const origin = start - intoUnit;
  const offsets = offsetsIn(rule, intoUnit);

  const isNamed = (local: number): boolean =>
    namesHour(rule, local) && namesMinute(rule, local) && namesDay(rule, Math.floor(local / DAY_MS));
  /** The rule's instants in its nth slot, none before the start. */
  const instantsIn = (nth: number): number[] => {
    const named = offsets.map((ms) => origin + nth * step + ms).filter((at) => isNamed(at + offsetAt(timeZone, at)));
    return pick(named, rule.bySetPos).filter((at) => at >= start);
  };
  const nthOf = (at: number) => Math.floor((at - origin) / step);

  const unbounded: Recurrence = {
    next(after) {
      let nth = Math.max(0, nthOf(after));
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        const match = instantsIn(nth).find((at) => at > after);
        if (match !== undefined) return match;
        if (steps > ENOUGH_STEPS && origin + nth * step > after + HORIZON_MS) return null;
        const ahead = nthOf(nextNamed(rule, origin + nth * step, timeZone));
        nth = Math.max(nth + 1, ahead);
      }
      return null;
    },
    last(until) {
      let nth = nthOf(until);
      for (let steps = 0; nth >= 0 && steps < MAX_STEPS; steps++) {
        const match = instantsIn(nth).findLast((at) => at <= until);
        if (match !== undefined) return match;
        const behind = nthOf(lastNamed(rule, origin + nth * step, timeZone));
        nth = Math.min(nth - 1, behind);
      }
      return null;
    },
  };
  if (rule.count === undefined) return unbounded;
  return firstOf(unbounded, start, rule.count, (at) => (nthOf(at) + 1) * offsets.length);
}

/** The instants of a slot as ms after its beginning; what the rule does not name is that of its start. */
function offsetsIn({ freq, byMinute, bySecond }: RecurrenceRule, intoUnit: number): readonly number[] {
  const seconds = bySecond?.map((second) => second * 1_000) ?? [intoUnit % MINUTE_MS];
  if (freq === "MINUTELY") return seconds;
  const minutes = byMinute ?? [Math.floor(intoUnit / MINUTE_MS)];
  return minutes.flatMap((minute) => seconds.map((ms) => minute * MINUTE_MS + ms));
}

const namesHour = ({ byHour }: RecurrenceRule, local: number): boolean =>
  byHour === undefined || byHour.includes(Math.floor(local / HOUR_MS) % 24);

const namesMinute = ({ freq, byMinute }: RecurrenceRule, local: number): boolean =>
  freq === "HOURLY" || byMinute === undefined || byMinute.includes(Math.floor(local / MINUTE_MS) % 60);

/** An instant after `at` before which the rule names nothing: the end of a month, day or hour that it leaves out, else `at`. */
function nextNamed(rule: RecurrenceRule, at: number, timeZone: string): number {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  for (const { to } of unnamedSpans(rule, local)) {
    const end = at + to - local;
    // Across a clock change the end is another instant: then a shorter span is tried, and the hours around it are walked.
    if (offsetAt(timeZone, end) === offset) return end;
  }
  return at;
}

/** An instant before `at` after which the rule names nothing, else `at`. */
function lastNamed(rule: RecurrenceRule, at: number, timeZone: string): number {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  for (const { from } of unnamedSpans(rule, local)) {
    const begin = at + from - local - 1;
    if (offsetAt(timeZone, begin) === offset) return begin;
  }
  return at;
}

/** The month, the day and the hour around `local`, the longest first, of those that the rule leaves out. */
function unnamedSpans(rule: RecurrenceRule, local: number): { readonly from: number; readonly to: number }[] {
  const day = Math.floor(local / DAY_MS);
  const { year, month } = dateOf(day);
  const hour = Math.floor(local / HOUR_MS);
  const inHour = { from: hour * HOUR_MS, to: (hour + 1) * HOUR_MS };
  const inDay = { from: day * DAY_MS, to: (day + 1) * DAY_MS };
  if (rule.byMonth !== undefined && !rule.byMonth.includes(month)) {
    const from = dayNumberOf(year, month, 1) * DAY_MS;
    return [{ from, to: dayNumberOf(year, month + 1, 1) * DAY_MS }, inDay, inHour];
  }
  if (!namesDay(rule, day)) return [inDay, inHour];
  return namesHour(rule, local) ? [] : [inHour];
}
