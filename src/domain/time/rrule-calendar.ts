/**
 * Rules of DAILY and longer as a calendar of local times, which `daylight-saving.ts` turns into instants as it does for
 * cron. A period (day, week, month, year) is counted by a whole number, so that any time is reached without a walk from
 * the start.
 */
import type { Calendar } from "./daylight-saving.ts";
import { firstOf } from "./recurrence.ts";
import { DAY_MS, dateOf, dayNumberOf, namesDay, weekStartOf, withStartDays } from "./rrule-days.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";
import { timesInPeriod } from "./rrule-size.ts";

/** The Gregorian calendar repeats after so many days: what is not found within them is never found. */
const CYCLE_DAYS = 146_097;
const LAST_YEAR = 9_999;

/** How a frequency counts its periods: the number of the one that a day lies in, and the day on which one begins. */
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

/** The calendar of a rule that starts at the local time `start` (see `zone.ts`); EXDATE, RDATE and UNTIL are left out. */
export function ruleCalendar(given: RecurrenceRule, start: number): Calendar {
  const startDay = Math.floor(start / DAY_MS);
  const rule = withStartDays(given, dateOf(startDay));
  const periods = periodsOf(rule);
  const origin = periods.of(startDay);
  const times = timesOfDay(rule, start - startDay * DAY_MS);
  const mostEmpty = Math.ceil(CYCLE_DAYS / periods.days);

  /** The rule's local times in its nth period, none before the start. */
  const timesIn = (nth: number): number[] => {
    const index = origin + nth * rule.interval;
    const found: number[] = [];
    for (let day = periods.start(index); day < periods.start(index + 1); day++) {
      if (namesDay(rule, day)) for (const time of times) found.push(day * DAY_MS + time);
    }
    return pick(found, rule.bySetPos).filter((at) => at >= start);
  };
  const nthOf = (local: number) => Math.floor((periods.of(Math.floor(local / DAY_MS)) - origin) / rule.interval);
  const unbounded: Calendar = {
    next(local) {
      const from = Math.max(0, nthOf(local));
      for (let nth = from; nth < from + mostEmpty; nth++) {
        if (dateOf(periods.start(origin + nth * rule.interval)).year > LAST_YEAR) return null;
        const match = timesIn(nth).find((at) => at > local);
        if (match !== undefined) return match;
      }
      return null;
    },
    last(local) {
      const from = nthOf(local);
      for (let nth = from; nth >= Math.max(0, from - mostEmpty); nth--) {
        const match = timesIn(nth).findLast((at) => at <= local);
        if (match !== undefined) return match;
      }
      return null;
    },
  };
  if (rule.count === undefined) return unbounded;
  const { times: most } = timesInPeriod(rule);
  return firstOf(unbounded, start, rule.count, (local) => (nthOf(local) + 1) * most);
}

/** The rule's times of a day in ms after its midnight; what it does not name is that of its start. */
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

/** The places of BYSETPOS in the sorted times of one period; all of them without it. */
export function pick(sorted: readonly number[], places: readonly number[] | undefined): number[] {
  if (places === undefined) return [...sorted];
  const at = (place: number) => (place > 0 ? place - 1 : sorted.length + place);
  return sorted.filter((_, index) => places.some((place) => at(place) === index));
}
