/**
 * Descriptions of recurrence rules mean exactly the fires. A reader in this test turns the words into times, which are
 * compared with the schedule.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { describeSchedule } from "../../../../src/domain/time/describe.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MONTHS = "January February March April May June July August September October November December".split(" ");
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday".split(" ");
const ORDINALS = ["", "first", "second", "third", "fourth", "fifth"];
const monthNames = MONTHS.join("|");

/** Every clause that a description may have, in its order. */
const CLAUSES = new RegExp(
  [
    "^Every (?:(?<interval>\\d+) )?(?<unit>minute|hour|day|week|month|year)s?",
    "(?:, on (?<monthDays>(?:days?|the) [^A-Z]*?) of the month)?",
    "(?:, on (?<yearDays>(?:days?|the) [^A-Z]*?) of the year)?",
    "(?:, (?:on|where it is) (?<weekdays>(?:the [a-z0-9 ]+)?[A-Z]\\w+day.*?))?",
    "(?:, in (?<weeks>(?:weeks?|the [a-z0-9 ]*week) ?.*?) of the year)?",
    `(?:, in (?<months>(?:${monthNames}).*?))?`,
    "(?:, at (?<times>\\d\\d:\\d\\d.*?))?",
    "(?:, at minutes? (?<minutes>[\\d, a-z]+?) of the hour|, at the minute of its start)?",
    "(?:, in the hours? (?<hours>\\d\\d.*?))?",
    "(?:, weeks beginning on (?<weekStart>\\w+))?",
    "(?:, of these only the (?<places>.*?) of each \\w+)?",
    "(?:, (?<count>\\d+) times?)?",
    " \\(UTC\\), from (?<start>\\S+)$",
  ].join(""),
);

const items = (text: string): string[] => text.split(/, | and /);

/** `1 through 3, 5 and 9` by the readers of one name. */
const readRuns = (text: string, readOne: (name: string) => number): number[] =>
  items(text).flatMap((item) => {
    const [from = "", to = from] = item.split(" through ");
    const [first, last] = [readOne(from), readOne(to)];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });

/** `second`, `20th`, `last`, `second last`. */
function readOrdinal(text: string): number {
  const [word = "", last] = text === "last" ? ["first", "last"] : text.split(" ");
  const place = ORDINALS.includes(word) ? ORDINALS.indexOf(word) : Number.parseInt(word, 10);
  return last === undefined ? place : -place;
}

/** `days 1 through 3, the last day`: places from the front, or from the end with a minus. */
const readPlaces = (text: string, unit: string): number[] =>
  items(text).flatMap((item) => {
    const nth = new RegExp(`^the (.*) ${unit}$`).exec(item);
    return nth === null ? readRuns(item.replace(new RegExp(`^${unit}s? `), ""), Number) : [readOrdinal(nth[1] ?? "")];
  });

type Read = NonNullable<RegExpExecArray["groups"]>;

/** Whether the words name this day; `isYearly` where an nth weekday may be one of its year. */
function namesDay(words: Read, day: number): boolean {
  const date = new Date(day * DAY);
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  const place = (from: number, to: number) => ({
    front: day - from + 1,
    end: day - to,
  });
  const inMonth = place(Date.UTC(year, month, 1) / DAY, Date.UTC(year, month + 1, 1) / DAY);
  const inYear = place(Date.UTC(year, 0, 1) / DAY, Date.UTC(year + 1, 0, 1) / DAY);
  const isAt = (places: number[], { front, end }: typeof inMonth) => places.includes(front) || places.includes(end);
  if (words.monthDays !== undefined && !isAt(readPlaces(words.monthDays, "day"), inMonth)) return false;
  if (words.yearDays !== undefined && !isAt(readPlaces(words.yearDays, "day"), inYear)) return false;
  if (words.months !== undefined && !readRuns(words.months, (name) => MONTHS.indexOf(name)).includes(month))
    return false;
  if (words.weeks !== undefined) {
    const weekStart = WEEKDAYS.indexOf(words.weekStart ?? "Monday");
    const first = (of: number) => {
      const fourth = Date.UTC(of, 0, 4) / DAY;
      return fourth - ((new Date(fourth * DAY).getUTCDay() - weekStart + 7) % 7);
    };
    const starts = [year - 1, year, year + 1, year + 2].map(first);
    const index = starts.findLastIndex((start) => start <= day);
    const [start = 0, end = 0] = starts.slice(index);
    const week = Math.floor((day - start) / 7) + 1;
    if (!isAt(readPlaces(words.weeks, "week"), { front: week, end: week - (end - start) / 7 - 1 })) return false;
  }
  if (words.weekdays === undefined) return true;
  return items(words.weekdays).some((item) => {
    const nth = /^the (.*?) (\w+day)( of the year)?(?: of the month)?$/.exec(item);
    if (nth === null) {
      const named = readRuns(item, (name) => (name === "Sunday" ? 7 : WEEKDAYS.indexOf(name)));
      return named.some((one) => one % 7 === date.getUTCDay());
    }
    if (WEEKDAYS.indexOf(nth[2] ?? "") !== date.getUTCDay()) return false;
    const { front, end } = nth[3] === undefined ? inMonth : inYear;
    const wanted = readOrdinal(nth[1] ?? "");
    return wanted > 0 ? Math.ceil(front / 7) === wanted : Math.ceil(-end / 7) === -wanted;
  });
}

/** The number of the day's period. */
function periodOf(unit: string, day: number, weekStart: string): number {
  const date = new Date(day * DAY);
  if (unit === "year") return date.getUTCFullYear();
  if (unit === "month") return date.getUTCFullYear() * 12 + date.getUTCMonth();
  // Day 0 was a Thursday.
  if (unit === "week") return Math.floor((day + 4 - WEEKDAYS.indexOf(weekStart)) / 7);
  return day;
}

/** The times that the words name, from their start up to `until`. */
function readTimes(description: string, until: number): number[] {
  const words = CLAUSES.exec(description)?.groups;
  if (words === undefined) throw new Error(`cannot read "${description}"`);
  const start = Date.parse(words.start ?? "");
  const interval = Number(words.interval ?? 1);
  const { unit = "" } = words;
  const found =
    unit === "hour" || unit === "minute"
      ? readRealTimes(words, unit, interval, start, until)
      : readCalendar(words, unit, interval, start, until);
  return found.slice(0, words.count === undefined ? undefined : Number(words.count));
}

function readCalendar(words: Read, unit: string, interval: number, start: number, until: number): number[] {
  const clock =
    words.times === undefined
      ? readRuns(words.hours ?? "", Number).flatMap((hour) =>
          readRuns(words.minutes ?? "", Number).map((minute) => (hour * 60 + minute) * MINUTE),
        )
      : items(words.times).map((time) => {
          const [hour = 0, minute = 0] = time.split(":").map(Number);
          return (hour * 60 + minute) * MINUTE;
        });
  const weekStart = words.weekStart ?? "Monday";
  const first = periodOf(unit, Math.floor(start / DAY), weekStart);
  const byPeriod = new Map<number, number[]>();
  // A period that has begun before the start counts whole for its places.
  for (let day = Math.floor(start / DAY) - 366; day * DAY <= until + 366 * DAY; day++) {
    const period = periodOf(unit, day, weekStart);
    if (period < first || (period - first) % interval !== 0 || !namesDay(words, day)) continue;
    const times = byPeriod.get(period) ?? [];
    times.push(...clock.map((time) => day * DAY + time));
    byPeriod.set(period, times);
  }
  return [...byPeriod.values()]
    .flatMap((times) => placed(times, words.places))
    .filter((at) => at >= start && at <= until);
}

function placed(times: readonly number[], places: string | undefined): readonly number[] {
  if (places === undefined) return times;
  const wanted = items(places).map(readOrdinal);
  return times.filter((_, index) => wanted.includes(index + 1) || wanted.includes(index - times.length));
}

function readRealTimes(words: Read, unit: string, interval: number, start: number, until: number): number[] {
  const length = unit === "hour" ? HOUR : MINUTE;
  const origin = Math.floor(start / length) * length;
  const minutes =
    words.minutes === undefined
      ? unit === "hour"
        ? [new Date(start).getUTCMinutes()]
        : undefined
      : readRuns(words.minutes, Number);
  const hours = words.hours === undefined ? undefined : readRuns(words.hours, Number);
  const found: number[] = [];
  for (let at = start; at <= until; at += MINUTE) {
    const date = new Date(at);
    if (Math.floor((at - origin) / length) % interval !== 0) continue;
    if (minutes !== undefined && !minutes.includes(date.getUTCMinutes())) continue;
    if (hours !== undefined && !hours.includes(date.getUTCHours())) continue;
    if (namesDay(words, Math.floor(at / DAY))) found.push(at);
  }
  return found;
}

const CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const list = (values: fc.Arbitrary<string | number>, maxLength = 4) =>
  fc.uniqueArray(values, { minLength: 1, maxLength }).map((all) => all.join(","));
const signed = (max: number) => fc.oneof(fc.integer({ min: 1, max }), fc.integer({ min: -max, max: -1 }));
const part = (name: string, value: fc.Arbitrary<string>) =>
  fc.option(value, { nil: undefined, freq: 2 }).map((text) => (text === undefined ? "" : `;${name}=${text}`));
const days = list(fc.constantFrom(...CODES), 5);
const nthDays = list(
  fc.tuple(fc.constantFrom("", "1", "2", "-1", "-2", "5"), fc.constantFrom(...CODES)).map((pair) => pair.join("")),
);
const months = list(fc.integer({ min: 1, max: 12 }));
const hours = list(fc.integer({ min: 0, max: 23 }), 7);
const minutes = list(fc.integer({ min: 0, max: 59 }), 7);
const interval = fc.integer({ min: 1, max: 5 }).map((n) => `;INTERVAL=${n}`);
const weekStart = fc.constantFrom("", ";WKST=SU", ";WKST=WE");
const count = part("COUNT", fc.integer({ min: 1, max: 20 }).map(String));
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((all) => all.join(""));
const clock = join(part("BYHOUR", hours), part("BYMINUTE", minutes), count);
const places = part("BYSETPOS", list(signed(4), 2));
const is = (text: string) => fc.constant(text);
const rule = fc.oneof(
  join(is("FREQ=DAILY"), interval, part("BYMONTH", months), part("BYDAY", days), clock),
  join(is("FREQ=DAILY"), interval, part("BYMONTHDAY", list(signed(31))), clock),
  join(is("FREQ=WEEKLY"), interval, weekStart, part("BYDAY", days), part("BYMONTH", months), clock),
  join(is("FREQ=WEEKLY"), interval, weekStart, is(";BYDAY="), days, places, clock),
  join(is("FREQ=MONTHLY"), interval, part("BYMONTH", months), part("BYDAY", nthDays), clock),
  join(is("FREQ=MONTHLY"), interval, part("BYMONTHDAY", list(signed(31))), part("BYDAY", days), clock),
  join(is("FREQ=MONTHLY"), interval, is(";BYDAY="), days, places, clock),
  join(is("FREQ=YEARLY"), interval, part("BYMONTH", months), part("BYDAY", nthDays), clock),
  join(is("FREQ=YEARLY"), interval, part("BYMONTH", months), part("BYMONTHDAY", list(signed(31))), clock),
  join(is("FREQ=YEARLY"), interval, part("BYYEARDAY", list(signed(366))), clock),
  join(is("FREQ=YEARLY"), weekStart, is(";BYWEEKNO="), list(signed(53)), is(";BYDAY="), days, clock),
  join(is("FREQ=HOURLY"), interval, part("BYMINUTE", minutes), part("BYHOUR", hours), part("BYDAY", days), count),
  join(is("FREQ=MINUTELY"), interval, part("BYMINUTE", minutes), part("BYHOUR", hours), count),
);
const start = fc
  .integer({ min: Date.UTC(2024, 0, 1) / MINUTE, max: Date.UTC(2028, 0, 1) / MINUTE })
  .map((minute) => minute * MINUTE);

describe("the words for a recurrence rule", () => {
  it("name exactly the times at which it fires", () => {
    fc.assert(
      fc.property(rule, start, (text, from) => {
        const spec = { rrule: text, starts_at: new Date(from).toISOString() };
        const compiled = compileSchedule(spec, { tickAligned: false });
        if (!compiled.ok) return;
        const isRealTime = /MINUTELY|HOURLY/.test(text);
        const until = from + (isRealTime ? 4 : 1_000) * DAY;
        const words = describeSchedule(spec);
        const fires = bindFires(compiled.value, { anchorAt: 0 }).between(from, until, 1_000);
        expect(fires, `${text}: ${words}`).toEqual(readTimes(words, until).slice(0, 1_000));
      }),
      { numRuns: 200 },
    );
  });
});
