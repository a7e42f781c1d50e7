/**
 * Rules of DAILY and longer as a calendar of local times. `daylight-saving.ts` turns these into instants, as for cron.
 * Periods (day, week, month, year) are numbered, so any time is reached without a walk from the start.
 */
import type { Calendar } from "./daylight-saving.ts";
import { STEPS } from "./effort.ts";
import { firstOf } from "./recurrence.ts";
import {
  DAY_MS,
  dateOf,
  dayNumberOf,
  lastMonthDay,
  namesDay,
  nextMonthDay,
  weekStartOf,
  withStartDays,
} from "./rrule-days.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";
import { timesInPeriod } from "./rrule-size.ts";

/** The days after which the Gregorian calendar repeats. A match that is not found within them does not exist. */
const CYCLE_DAYS = 146_097;
const LAST_DAY = dayNumberOf(9_999, 12, 31);

/** The periods of a frequency: the number of a day's period, and the first day of a period. */
type Periods = {
  readonly of: (dayNumber: number) => number;
  readonly start: (index: number) => number;
  readonly days: number;
};

function periodsOf({ freq, weekStart }: RecurrenceRule): Periods {
  if (freq === "YEARLY") return { of: (day) => dateOf(day).year, start: (year) => dayNumberOf(year, 1, 1), days: 365 };
  if (freq === "MONTHLY") {
    const of = (day: number) => dateOf(day).year * 12 + dateOf(day).month - 1;
    return { of, start: (index) => dayNumberOf(Math.floor(index / 12), (index % 12) + 1, 1), days: 28 };
  }
  if (freq === "WEEKLY") {
    const origin = weekStartOf(0, weekStart);
    return { of: (day) => Math.floor((day - origin) / 7), start: (index) => origin + index * 7, days: 7 };
  }
  return { of: (day) => day, start: (day) => day, days: 1 };
}

/** The calendar of a rule that starts at the local time `start` (see `zone.ts`). It ignores EXDATE, RDATE and UNTIL. */
export function ruleCalendar(given: RecurrenceRule, start: number): Calendar {
  const startDay = Math.floor(start / DAY_MS);
  const rule = withStartDays(given, dateOf(startDay));
  const periods = periodsOf(rule);
  const origin = periods.of(startDay);
  const times = timesOfDay(rule, start - startDay * DAY_MS);
  const mostEmpty = Math.ceil(CYCLE_DAYS / periods.days);
  const cost = STEPS.period + STEPS.day * Math.min(periods.days, (rule.byMonth?.length ?? 12) * 31);
  const startOf = (nth: number) => periods.start(origin + nth * rule.interval);
  const nthOf = (local: number) => nthOfDay(Math.floor(local / DAY_MS));
  const nthOfDay = (day: number) => Math.floor((periods.of(day) - origin) / rule.interval);

  /** The days that the rule names in its nth period. */
  const daysIn = (nth: number): number[] => {
    const end = periods.start(origin + nth * rule.interval + 1);
    const found: number[] = [];
    for (let day = nextMonthDay(rule, startOf(nth)); day < end; ) {
      if (namesDay(rule, day)) found.push(day);
      day = nextMonthDay(rule, day + 1);
    }
    return found;
  };
  /** The last period that was looked at, so that a walk through its times does not compute them again. */
  let looked: { readonly nth: number; readonly times: readonly number[] } | undefined;
  /** The rule's local times in its nth period, without those before the start. */
  const timesIn = (nth: number): readonly number[] => {
    if (looked?.nth !== nth) {
      looked = { nth, times: picked(daysIn(nth), times, rule.bySetPos).filter((at) => at >= start) };
    }
    return looked.times;
  };
  const unbounded: Calendar = {
    next(local, effort) {
      const from = Math.max(0, nthOf(local));
      for (
        let nth = from;
        nth < from + mostEmpty && startOf(nth) <= LAST_DAY && effort.spend(looked?.nth === nth ? STEPS.period : cost);
      ) {
        const match = timesIn(nth).find((at) => at > local);
        if (match !== undefined) return match;
        nth = Math.max(nth + 1, nthOfDay(nextMonthDay(rule, periods.start(origin + nth * rule.interval + 1))));
      }
      return null;
    },
    last(local, effort) {
      const from = nthOf(local);
      for (
        let nth = from;
        nth >= Math.max(0, from - mostEmpty) && effort.spend(looked?.nth === nth ? STEPS.period : cost);
      ) {
        const match = timesIn(nth).findLast((at) => at <= local);
        if (match !== undefined) return match;
        nth = Math.min(nth - 1, nthOfDay(lastMonthDay(rule, startOf(nth) - 1)));
      }
      return null;
    },
  };
  if (rule.count === undefined) return unbounded;
  const { times: most } = timesInPeriod(rule);
  return firstOf(unbounded, start, rule.count, (local) => (nthOf(local) + 1) * most);
}

/** The rule's times of a day in ms after its midnight. Parts that the rule does not name come from its start. */
export function timesOfDay({ byHour, byMinute, bySecond }: RecurrenceRule, startOfDay: number): number[] {
  const own = {
    hour: Math.floor(startOfDay / 3_600_000),
    minute: Math.floor(startOfDay / 60_000) % 60,
    rest: startOfDay % 60_000,
  };
  const seconds = bySecond?.map((second) => second * 1_000) ?? [own.rest];
  return (byHour ?? [own.hour]).flatMap((hour) =>
    (byMinute ?? [own.minute]).flatMap((minute) => seconds.map((ms) => (hour * 60 + minute) * 60_000 + ms)),
  );
}

/** The local times at `times` of these days. With places, it computes only those of BYSETPOS. */
function picked(days: readonly number[], times: readonly number[], places: readonly number[] | undefined): number[] {
  if (places === undefined) return days.flatMap((day) => times.map((time) => day * DAY_MS + time));
  const size = days.length * times.length;
  const indices = places.map((place) => (place > 0 ? place - 1 : size + place));
  const real = [...new Set(indices)].filter((index) => index >= 0 && index < size).sort((a, b) => a - b);
  return real.map(
    (index) => (days[Math.floor(index / times.length)] ?? 0) * DAY_MS + (times[index % times.length] ?? 0),
  );
}
