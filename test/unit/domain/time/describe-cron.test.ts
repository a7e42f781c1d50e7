/**
 * Descriptions of cron expressions mean exactly the fires. The test reads them back and compares them with the schedule.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { describeSchedule } from "../../../../src/domain/time/describe.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";

const DAY = 86_400_000;
const MONTHS = "January February March April May June July August September October November December".split(" ");
const WEEKDAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
const ORDINALS = "first second third fourth fifth".split(" ");

/** `1, 5 and 7 through 9` as numbers. */
function readRuns(text: string, readOne: (name: string) => number): number[] {
  return text.split(/, | and /).flatMap((item) => {
    const [from = "", to = from] = item.split(" through ");
    const [first, last] = [readOne(from), readOne(to)];
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

const PARTS = new RegExp(`^(.*?)(?:, ((?:on |[A-Z]\\w+day).*?))?(?:, in ((?:${MONTHS.join("|")}).*))? \\(UTC\\)$`);
const all = (size: number) => Array.from({ length: size }, (_, value) => value);

/** The minutes of a day that the words name. */
function readTimes(words: string): number[] {
  const listed = /^At (\d\d:\d\d.*)$/.exec(words);
  if (listed !== null)
    return readRuns(listed[1] ?? "", (time) => Number(time.slice(0, 2)) * 60 + Number(time.slice(3)));
  const hours = /^Every (\d+) hours(?:, starting at (\d\d):(\d\d))?$/.exec(words);
  if (hours !== null) {
    const [, step = "1", hour = "0", minute = "0"] = hours;
    return all(24)
      .filter((h) => h >= Number(hour) && (h - Number(hour)) % Number(step) === 0)
      .map((h) => h * 60 + Number(minute));
  }
  const between = /, between (\d\d):00 and (\d\d):59$/.exec(words);
  const inHours = /, in the hours (.*)$/.exec(words);
  const named =
    between !== null
      ? all(24).filter((h) => h >= Number(between[1]) && h <= Number(between[2]))
      : inHours !== null
        ? readRuns(inHours[1] ?? "", Number)
        : all(24);
  const minutes = readMinutes(words.replace(/, (between|in the hours) .*$/, ""));
  return named.flatMap((h) => minutes.map((m) => h * 60 + m));
}

function readMinutes(words: string): number[] {
  if (words === "Every minute") return all(60);
  if (words === "Every hour") return [0];
  const step = /^Every (\d+) minutes(?:, starting at (\d+) minutes? past the hour)?$/.exec(words);
  if (step !== null)
    return all(60).filter((m) => m >= Number(step[2] ?? 0) && (m - Number(step[2] ?? 0)) % Number(step[1]) === 0);
  const past = /^At (.*?) minutes? past the hour$/.exec(words);
  if (past === null) throw new Error(`cannot read "${words}"`);
  return readRuns(past[1] ?? "", Number);
}

/** Whether the words of the day fields, joined by "or", name this day. */
function namesDay(words: string, at: number): boolean {
  const date = new Date(at);
  const day = date.getUTCDate();
  const weekday = date.getUTCDay();
  const length = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
  const isWeekday = (of: number) => ![0, 6].includes(new Date(at + (of - day) * DAY).getUTCDay());
  const clauses = words.split(" or ").flatMap((each) => each.replace(/^on /, "").split(/(?:,| and) on /));
  return clauses.some((clause) => {
    const values = /^days? (.*) of the month$/.exec(clause);
    if (values !== null) return readRuns(values[1] ?? "", Number).includes(day);
    if (clause === "the last day of the month") return day === length;
    if (clause === "the last weekday of the month")
      return isWeekday(day) && !all(length - day).some((i) => isWeekday(day + 1 + i));
    const near = /^the weekday nearest to day (\d+) of the month$/.exec(clause);
    if (near !== null) {
      const target = Number(near[1]);
      const nearest = [0, -1, 1, -2, 2]
        .map((off) => target + off)
        .find((each) => each >= 1 && each <= length && isWeekday(each));
      return target <= length && nearest === day;
    }
    const nth = /^the (\w+) (\w+day) of the month$/.exec(clause);
    if (nth === null)
      return (
        readRuns(clause, (name) => WEEKDAYS.indexOf(name)).some((each) => each % 7 === weekday) ||
        (/through Sunday/.test(clause) && weekdayRange(clause).includes(weekday))
      );
    if (WEEKDAYS.indexOf(nth[2] ?? "") !== weekday) return false;
    return nth[1] === "last" ? day + 7 > length : ORDINALS.indexOf(nth[1] ?? "") === Math.floor((day - 1) / 7);
  });
}

/** Sunday ends a week: `Friday through Sunday`. */
const weekdayRange = (clause: string): number[] =>
  readRuns(clause, (name) => (name === "Sunday" ? 7 : WEEKDAYS.indexOf(name))).map((day) => day % 7);

const item = (min: number, max: number) =>
  fc.oneof(
    fc.constant("*"),
    fc.integer({ min, max }).map(String),
    fc.integer({ min: 1, max: max - min + 1 }).map((step) => `*/${step}`),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min: 1, max: 8 })).map(([from, step]) => `${from}/${step}`),
    fc.tuple(fc.integer({ min, max }), fc.integer({ min, max })).map((pair) => pair.sort((a, b) => a - b).join("-")),
    fc.uniqueArray(fc.integer({ min, max }), { minLength: 2, maxLength: 5 }).map((values) => values.join(",")),
  );
const dayField = fc.oneof(
  { weight: 3, arbitrary: fc.constant("*") },
  item(1, 31),
  fc.constantFrom("L", "L,15", "LW", "15W", "1W,15W", "3,20W", "1,L"),
);
const weekdayField = fc.oneof(
  { weight: 3, arbitrary: fc.constant("*") },
  item(0, 6),
  fc.constantFrom("1-5", "5L", "1#2", "1#1,5L", "2,5#3", "0,6", "5-7"),
);
const expression = fc
  .tuple(item(0, 59), item(0, 23), dayField, item(1, 12), weekdayField)
  .map((fields) => fields.join(" "));

describe("the words for a cron expression", () => {
  it("name exactly the times at which it fires", () => {
    const someDays = fc.array(fc.integer({ min: 0, max: 800 }), { minLength: 25, maxLength: 25 });
    fc.assert(
      fc.property(expression, someDays, (cron, days) => {
        const compiled = compileSchedule({ cron }, { tickAligned: false });
        if (!compiled.ok) return;
        const words = describeSchedule({ cron });
        const [, times = "", dayWords, months] = PARTS.exec(words) ?? [];
        const named = readTimes(times);
        const fires = bindFires(compiled.value, { anchorAt: 0 });
        for (const offset of days) {
          const day = Date.UTC(2027, 0, 1) + offset * DAY;
          const isNamed =
            (dayWords === undefined || namesDay(dayWords, day)) &&
            (months === undefined ||
              readRuns(months, (name) => MONTHS.indexOf(name)).includes(new Date(day).getUTCMonth()));
          const expected = isNamed
            ? [...new Set(named)].sort((a, b) => a - b).map((minute) => day + minute * 60_000)
            : [];
          expect(fires.between(day, day + DAY - 1, 2_000), `${cron}: ${words}`).toEqual(expected);
        }
      }),
      { numRuns: 250 },
    );
  });
});
