/**
 * Rules of HOURLY and MINUTELY, which count real time from their start through clock changes. The BY parts restrict them by
 * the zone's local time. So `FREQ=HOURLY;INTERVAL=6` comes every six hours, even on a day of 23 or 25 hours.
 */
import { type Effort, STEPS } from "./effort.ts";
import { firstOf, type Recurrence } from "./recurrence.ts";
import { DAY_MS, lastMonthDay, namesDay, nextMonthDay } from "./rrule-days.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";
import { offsetAt, resolveLocal } from "./zone.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** The days that are searched. A rule that names no time within sixty years is taken to have none. */
const HORIZON_DAYS = 60 * 366;

/** The recurrence of a rule that starts at the instant `start`. It ignores EXDATE, RDATE and UNTIL. */
export function realTimeRule(rule: RecurrenceRule, start: number, timeZone: string): Recurrence {
  const unit = rule.freq === "HOURLY" ? HOUR_MS : MINUTE_MS;
  const step = unit * rule.interval;
  const intoUnit = (start + offsetAt(timeZone, start)) % unit;
  const origin = start - intoUnit;
  const offsets = offsetsIn(rule, intoUnit);

  const isNamed = (local: number): boolean =>
    namesHour(rule, local) && namesMinute(rule, local) && namesDay(rule, Math.floor(local / DAY_MS));
  /** The last slot that was looked at, so that a walk through its times does not compute them again. */
  let looked: { readonly nth: number; readonly times: readonly number[] } | undefined;
  /** The rule's instants in its nth slot, without those before the start. */
  const instantsIn = (nth: number): readonly number[] => {
    if (looked?.nth !== nth) {
      const at = origin + nth * step;
      const named = offsets.map((ms) => at + ms).filter((each) => isNamed(each + offsetAt(timeZone, each)));
      looked = { nth, times: picked(named, rule.bySetPos).filter((each) => each >= start) };
    }
    return looked.times;
  };
  const nthOf = (at: number) => Math.floor((at - origin) / step);
  const cost = STEPS.time * (2 + offsets.length / 8);

  const unbounded: Recurrence = {
    next(after, effort) {
      let nth = Math.max(0, nthOf(after));
      while (effort.spend(looked?.nth === nth ? STEPS.period : cost)) {
        const match = instantsIn(nth).find((at) => at > after);
        if (match !== undefined) return match;
        const ahead = nextNamed(rule, origin + nth * step, timeZone, effort);
        if (ahead === null) return null;
        // Slots that end before then name nothing either.
        nth = Math.max(nth + 1, nthOf(ahead - unit) + 1);
      }
      return null;
    },
    last(until, effort) {
      let nth = nthOf(until);
      while (nth >= 0 && effort.spend(looked?.nth === nth ? STEPS.period : cost)) {
        const match = instantsIn(nth).findLast((at) => at <= until);
        if (match !== undefined) return match;
        const behind = lastNamed(rule, origin + nth * step, timeZone, effort);
        if (behind === null) return null;
        nth = Math.min(nth - 1, nthOf(behind));
      }
      return null;
    },
  };
  if (rule.count === undefined) return unbounded;
  return firstOf(unbounded, start, rule.count, (at) => (nthOf(at) + 1) * offsets.length);
}

/** The instants of a slot as ms after its beginning. Parts that the rule does not name come from its start. */
function offsetsIn({ freq, byMinute, bySecond }: RecurrenceRule, intoUnit: number): readonly number[] {
  const seconds = bySecond?.map((second) => second * 1_000) ?? [intoUnit % MINUTE_MS];
  if (freq === "MINUTELY") return seconds;
  const minutes = byMinute ?? [Math.floor(intoUnit / MINUTE_MS)];
  return minutes.flatMap((minute) => seconds.map((ms) => minute * MINUTE_MS + ms));
}

/** The places of BYSETPOS in the sorted times of one slot, or all times if the rule has no BYSETPOS. */
function picked(sorted: readonly number[], places: readonly number[] | undefined): readonly number[] {
  if (places === undefined) return sorted;
  const at = (place: number) => (place > 0 ? place - 1 : sorted.length + place);
  return sorted.filter((_, index) => places.some((place) => at(place) === index));
}

const namesHour = ({ byHour }: RecurrenceRule, local: number): boolean =>
  byHour === undefined || byHour.includes(Math.floor(local / HOUR_MS) % 24);

const namesMinute = ({ freq, byMinute }: RecurrenceRule, local: number): boolean =>
  freq === "HOURLY" || byMinute === undefined || byMinute.includes(Math.floor(local / MINUTE_MS) % 60);

/** An instant after `at` before which the rule names nothing, else `at`. Null if it names no day within sixty years. */
function nextNamed(rule: RecurrenceRule, at: number, timeZone: string, effort: Effort): number | null {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  const day = Math.floor(local / DAY_MS);
  if (namesDay(rule, day) && namesHour(rule, local))
    return namesMinute(rule, local) ? at : nextMinute(rule, at, local, timeZone);
  const hourEnd = (Math.floor(local / HOUR_MS) + 1) * HOUR_MS;
  // If clocks are set back soon, they show the time before `at` once more. Then only one hour is skipped.
  if (offsetAt(timeZone, at + DAY_MS) !== offset) {
    const end = at + hourEnd - local;
    return offsetAt(timeZone, end) === offset ? end : at;
  }
  const target = namesDay(rule, day) ? nextHour(rule, hourEnd, day) : undefined;
  const named = target ?? nextDay(rule, day + 1, effort);
  return named === null ? null : firstReached(timeZone, named);
}

/**
 * The beginning of the next minute of the hour that the rule names, else of the next hour. If the clock changes before
 * that, it is `at`.
 */
function nextMinute({ byMinute = [] }: RecurrenceRule, at: number, local: number, timeZone: string): number {
  const hour = Math.floor(local / HOUR_MS) * HOUR_MS;
  const begin = byMinute.map((minute) => hour + minute * MINUTE_MS).find((each) => each > local) ?? hour + HOUR_MS;
  const target = at + begin - local;
  return offsetAt(timeZone, target) === offsetAt(timeZone, at) ? target : at;
}

/** The beginning of the first hour of the day from `from` on that the rule names; local times. */
function nextHour({ byHour = [] }: RecurrenceRule, from: number, day: number): number | undefined {
  return byHour.map((hour) => day * DAY_MS + hour * HOUR_MS).find((begin) => begin >= from);
}

/** The beginning of the first day from `from` on that the rule names. */
function nextDay(rule: RecurrenceRule, from: number, effort: Effort): number | null {
  for (let day = nextMonthDay(rule, from); day < from + HORIZON_DAYS && effort.spend(STEPS.day); ) {
    if (namesDay(rule, day)) return day * DAY_MS;
    day = nextMonthDay(rule, day + 1);
  }
  return null;
}

/** The first instant that shows `local`, or a later time if the clock skips it. */
function firstReached(timeZone: string, local: number): number {
  const times = resolveLocal(timeZone, local);
  return times.kind === "once" ? times.at : times.kind === "repeated" ? times.first : times.change.at;
}

/** An instant before `at` after which the rule names nothing, else `at`. Null if it names no day within sixty years. */
function lastNamed(rule: RecurrenceRule, at: number, timeZone: string, effort: Effort): number | null {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  const day = Math.floor(local / DAY_MS);
  if (namesDay(rule, day) && namesHour(rule, local))
    return namesMinute(rule, local) ? at : lastMinute(rule, at, local, timeZone);
  const hourBegin = Math.floor(local / HOUR_MS) * HOUR_MS;
  if (offsetAt(timeZone, at - DAY_MS) !== offset) {
    const begin = at + hourBegin - local - 1;
    return offsetAt(timeZone, begin) === offset ? begin : at;
  }
  const target = namesDay(rule, day) ? lastHour(rule, hourBegin, day) : undefined;
  const named = target ?? lastDay(rule, day - 1, effort);
  return named === null ? null : lastShown(timeZone, named);
}

/**
 * The last millisecond of the previous minute of the hour that the rule names, else of the previous hour. If the clock
 * changes after that, it is `at`.
 */
function lastMinute({ byMinute = [] }: RecurrenceRule, at: number, local: number, timeZone: string): number {
  const hour = Math.floor(local / HOUR_MS) * HOUR_MS;
  const end = byMinute.map((minute) => hour + (minute + 1) * MINUTE_MS).findLast((each) => each <= local) ?? hour;
  const target = at + end - 1 - local;
  return offsetAt(timeZone, target) === offsetAt(timeZone, at) ? target : at;
}

/** The last millisecond of the last hour of the day, before `until`, that the rule names; local times. */
function lastHour({ byHour = [] }: RecurrenceRule, until: number, day: number): number | undefined {
  return byHour.map((hour) => day * DAY_MS + (hour + 1) * HOUR_MS - 1).findLast((end) => end < until);
}

/** The last millisecond of the last day up to `until` that the rule names. */
function lastDay(rule: RecurrenceRule, until: number, effort: Effort): number | null {
  for (let day = lastMonthDay(rule, until); day > until - HORIZON_DAYS && effort.spend(STEPS.day); ) {
    if (namesDay(rule, day)) return (day + 1) * DAY_MS - 1;
    day = lastMonthDay(rule, day - 1);
  }
  return null;
}

/** The last instant that shows `local`, or an earlier time if the clock skips it. */
function lastShown(timeZone: string, local: number): number {
  const times = resolveLocal(timeZone, local);
  return times.kind === "once" ? times.at : times.kind === "repeated" ? times.second : times.change.at - 1;
}
