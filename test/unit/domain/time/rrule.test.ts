/** Recurrence rules (docs/contract.md §13): RFC 5545's own examples, two other libraries, and clock changes. */
import * as fc from "fast-check";
import * as rrule from "rrule";
import { RRuleTemporal } from "rrule-temporal";
import { describe, expect, it } from "vitest";
import { formatLocal } from "../../../../src/domain/time/instant.ts";
import { ruleRecurrence } from "../../../../src/domain/time/rrule.ts";
import { parseRule } from "../../../../src/domain/time/rrule-syntax.ts";
import { type Asked, asked } from "./asked.ts";

const NEW_YORK = "America/New_York";
/** DTSTART of nearly all of the RFC's examples: 09:00 in New York on Tuesday, 2 September 1997. */
const RFC_START = Date.parse("1997-09-02T13:00:00Z");

function recurrence(text: string, start: number, zone: string): Asked {
  const rule = parseRule(text);
  if (!rule.ok) throw new Error(`${text}: ${rule.error.join("; ")}`);
  return asked(ruleRecurrence(rule.value, start, zone));
}

/** The first `count` times after `after`, as they are shown in the zone, without offset. */
function locals(text: string, count: number, start = RFC_START, zone = NEW_YORK, after = start - 1): string[] {
  const { next } = recurrence(text, start, zone);
  const found: string[] = [];
  let at = next(after);
  while (at !== null && found.length < count) {
    found.push(formatLocal(at, zone).slice(0, 16).replace("T", " "));
    at = next(at);
  }
  return found;
}

const at9 = (days: string): string[] => days.split(" ").map((day) => `${day} 09:00`);

describe("RFC 5545 §3.8.5.3, its own examples", () => {
  it.each<[string, string[]]>([
    [
      "FREQ=DAILY;COUNT=10",
      at9(
        "1997-09-02 1997-09-03 1997-09-04 1997-09-05 1997-09-06 1997-09-07 1997-09-08 1997-09-09 1997-09-10 1997-09-11",
      ),
    ],
    ["FREQ=DAILY;INTERVAL=10;COUNT=5", at9("1997-09-02 1997-09-12 1997-09-22 1997-10-02 1997-10-12")],
    ["FREQ=WEEKLY;INTERVAL=2;WKST=SU", at9("1997-09-02 1997-09-16 1997-09-30 1997-10-14 1997-10-28 1997-11-11")],
    [
      "FREQ=WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
      at9(
        "1997-09-02 1997-09-04 1997-09-09 1997-09-11 1997-09-16 1997-09-18 1997-09-23 1997-09-25 1997-09-30 1997-10-02",
      ),
    ],
    [
      "FREQ=WEEKLY;INTERVAL=2;COUNT=8;WKST=SU;BYDAY=TU,TH",
      at9("1997-09-02 1997-09-04 1997-09-16 1997-09-18 1997-09-30 1997-10-02 1997-10-14 1997-10-16"),
    ],
    ["FREQ=MONTHLY;BYMONTHDAY=-3", at9("1997-09-28 1997-10-29 1997-11-28 1997-12-29 1998-01-29 1998-02-26")],
    [
      "FREQ=MONTHLY;COUNT=10;BYMONTHDAY=2,15",
      at9(
        "1997-09-02 1997-09-15 1997-10-02 1997-10-15 1997-11-02 1997-11-15 1997-12-02 1997-12-15 1998-01-02 1998-01-15",
      ),
    ],
    [
      "FREQ=MONTHLY;INTERVAL=2;BYDAY=TU",
      at9(
        "1997-09-02 1997-09-09 1997-09-16 1997-09-23 1997-09-30 1997-11-04 1997-11-11 1997-11-18 1997-11-25 1998-01-06",
      ),
    ],
    ["FREQ=YEARLY;COUNT=10;BYMONTH=6,7", at9("1998-06-02 1998-07-02 1999-06-02 1999-07-02 2000-06-02 2000-07-02")],
    ["FREQ=YEARLY;BYMONTH=3;BYDAY=TH", at9("1998-03-05 1998-03-12 1998-03-19 1998-03-26 1999-03-04")],
    ["FREQ=YEARLY;BYDAY=20MO", at9("1998-05-18 1999-05-17 2000-05-15")],
    ["FREQ=YEARLY;BYWEEKNO=20;BYDAY=MO", at9("1998-05-11 1999-05-17 2000-05-15")],
    ["FREQ=YEARLY;INTERVAL=3;COUNT=10;BYYEARDAY=1,100,200", at9("2000-01-01 2000-04-09 2000-07-18 2003-01-01")],
    ["FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13", at9("1998-02-13 1998-03-13 1998-11-13 1999-08-13 2000-10-13")],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=TU,WE,TH;BYSETPOS=3", at9("1997-09-04 1997-10-07 1997-11-06")],
    ["FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2", at9("1997-09-29 1997-10-30 1997-11-27 1997-12-30")],
    ["FREQ=HOURLY;INTERVAL=3;UNTIL=19970902T170000Z", ["1997-09-02 09:00", "1997-09-02 12:00"]],
    [
      "FREQ=MINUTELY;INTERVAL=90;COUNT=4",
      ["1997-09-02 09:00", "1997-09-02 10:30", "1997-09-02 12:00", "1997-09-02 13:30"],
    ],
    [
      "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40",
      [
        "1997-09-02 09:00",
        "1997-09-02 09:20",
        "1997-09-02 09:40",
        "1997-09-02 10:00",
        "1997-09-02 10:20",
        "1997-09-02 10:40",
        "1997-09-03 09:00",
      ],
    ],
    [
      "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,16",
      [
        "1997-09-02 09:00",
        "1997-09-02 09:20",
        "1997-09-02 09:40",
        "1997-09-02 16:00",
        "1997-09-02 16:20",
        "1997-09-02 16:40",
        "1997-09-03 09:00",
      ],
    ],
    ["FREQ=MONTHLY;BYMONTHDAY=15,30;COUNT=5", at9("1997-09-15 1997-09-30 1997-10-15 1997-10-30 1997-11-15")],
  ])("%s", (text, expected) => {
    expect(locals(text, expected.length)).toEqual(expected);
  });

  it("the American election day, which begins in 1996", () => {
    const text = "FREQ=YEARLY;INTERVAL=4;BYMONTH=11;BYDAY=TU;BYMONTHDAY=2,3,4,5,6,7,8";
    expect(locals(text, 3, Date.parse("1996-11-05T14:00:00Z"))).toEqual(at9("1996-11-05 2000-11-07 2004-11-02"));
  });

  it.each([
    ["BYWEEKNO=1;BYDAY=MO", "2024-01-01 2024-12-30 2025-12-29 2027-01-04"],
    ["BYWEEKNO=53;BYDAY=FR", "2027-01-01 2032-12-31"],
    ["BYWEEKNO=-1;BYDAY=SU", "2024-12-29 2025-12-28 2027-01-03 2028-01-02"],
    ["BYWEEKNO=52;BYDAY=FR;WKST=SU", "2024-12-27 2025-12-26 2027-01-01 2027-12-31"],
  ])("%s: a week at a year's edge lies in the year that has four days of it", (parts, days) => {
    const from = Date.parse("2024-01-01T14:00:00Z");
    expect(locals(`FREQ=YEARLY;${parts}`, days.split(" ").length, from)).toEqual(at9(days));
  });

  it("WKST decides which week is left out", () => {
    const start = Date.parse("1997-08-05T13:00:00Z");
    expect(locals("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=MO", 9, start)).toEqual(
      at9("1997-08-05 1997-08-10 1997-08-19 1997-08-24"),
    );
    expect(locals("FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,SU;WKST=SU", 9, start)).toEqual(
      at9("1997-08-05 1997-08-17 1997-08-19 1997-08-31"),
    );
  });

  it("COUNT counts due times and ends with them, from any instant", () => {
    const from = RFC_START;
    const { next, last } = recurrence("FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0,30;COUNT=5", from, NEW_YORK);
    const end = Date.parse("1997-09-04T13:00:00Z");
    expect([next(end - 1), next(end), last(end + 999 * 86_400_000), last(end - 1)]).toEqual([
      end,
      null,
      end,
      end - 86_400_000 + 1_800_000,
    ]);
    expect(next(from - 86_400_000)).toBe(from);
    expect(locals("FREQ=DAILY;BYMONTH=1;COUNT=40", 50).length).toBe(40);
    expect(locals("FREQ=YEARLY;COUNT=10000", 1)).toEqual(at9("1997-09-02"));
  });

  it("EXDATE removes times, and RDATE adds them", () => {
    const text = "RRULE:FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13\nEXDATE:19980313T090000\nRDATE:19980301T140000Z";
    expect(locals(text, 4)).toEqual(["1998-02-13 09:00", "1998-03-01 09:00", "1998-11-13 09:00", "1999-08-13 09:00"]);
  });
});

describe("at clock changes", () => {
  const around = (text: string, start: string, count: number) => {
    const from = Date.parse(start);
    const { next } = recurrence(text, from, "Europe/Berlin");
    const found: string[] = [];
    for (let at = next(from - 1); at !== null && found.length < count; at = next(at))
      found.push(formatLocal(at, "Europe/Berlin").slice(0, 16) + formatLocal(at, "Europe/Berlin").slice(19));
    return found;
  };
  it("DAILY and longer are as a cron whose minute and hour are fixed", () => {
    expect(around("FREQ=DAILY;BYHOUR=2;BYMINUTE=30", "2027-03-27T00:00:00Z", 3)).toEqual([
      "2027-03-27T02:30+01:00",
      "2027-03-28T03:00+02:00",
      "2027-03-29T02:30+02:00",
    ]);
    expect(around("FREQ=WEEKLY;BYDAY=SU;BYHOUR=2;BYMINUTE=30", "2027-10-30T00:00:00Z", 2)).toEqual([
      "2027-10-31T02:30+02:00",
      "2027-11-07T02:30+01:00",
    ]);
  });
  it("HOURLY and MINUTELY follow real time", () => {
    expect(around("FREQ=HOURLY", "2027-03-28T00:00:00Z", 3)).toEqual([
      "2027-03-28T01:00+01:00",
      "2027-03-28T03:00+02:00",
      "2027-03-28T04:00+02:00",
    ]);
    expect(around("FREQ=HOURLY", "2027-10-30T23:00:00Z", 4)).toEqual([
      "2027-10-31T01:00+02:00",
      "2027-10-31T02:00+02:00",
      "2027-10-31T02:00+01:00",
      "2027-10-31T03:00+01:00",
    ]);
    expect(around("FREQ=HOURLY;INTERVAL=6", "2027-10-30T22:00:00Z", 3)).toEqual([
      "2027-10-31T00:00+02:00",
      "2027-10-31T05:00+01:00",
      "2027-10-31T11:00+01:00",
    ]);
    expect(around("FREQ=MINUTELY;INTERVAL=45", "2027-10-31T00:00:00Z", 4)).toEqual([
      "2027-10-31T02:00+02:00",
      "2027-10-31T02:45+02:00",
      "2027-10-31T02:30+01:00",
      "2027-10-31T03:15+01:00",
    ]);
    expect(around("FREQ=MINUTELY;INTERVAL=30;BYHOUR=2", "2027-03-27T00:00:00Z", 4)).toEqual([
      "2027-03-27T02:00+01:00",
      "2027-03-27T02:30+01:00",
      "2027-03-29T02:00+02:00",
      "2027-03-29T02:30+02:00",
    ]);
  });
});

const DAY_CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const list = (values: fc.Arbitrary<string | number>, maxLength = 4) =>
  fc.uniqueArray(values, { minLength: 1, maxLength }).map((all) => all.join(","));
const signed = (max: number) => fc.oneof(fc.integer({ min: 1, max }), fc.integer({ min: -max, max: -1 }));
const part = (name: string, value: fc.Arbitrary<string>) =>
  fc.option(value, { nil: undefined, freq: 2 }).map((text) => (text === undefined ? "" : `;${name}=${text}`));
const days = list(fc.constantFrom(...DAY_CODES));
// All with a number or all without: the other libraries take a mixture to mean that both hold.
const nthDays = fc.oneof(
  days,
  list(
    fc.tuple(signed(5), fc.constantFrom(...DAY_CODES)).map(([n, day]) => `${n}${day}`),
    3,
  ),
);
/** Of the weeks at a year's edge both other libraries forget days that lie in a week of the other year. */
const weeks = list(fc.integer({ min: 2, max: 51 }));
const months = list(fc.integer({ min: 1, max: 12 }));
const monthDays = list(signed(31));
const times = fc
  .tuple(list(fc.integer({ min: 0, max: 23 }), 2), list(fc.integer({ min: 0, max: 59 }), 2))
  .map(([hours, minutes]) => {
    const sorted = (text: string) =>
      text
        .split(",")
        .map(Number)
        .sort((a, b) => a - b)
        .join(",");
    return `;BYHOUR=${sorted(hours)};BYMINUTE=${sorted(minutes)}`;
  });
const interval = fc.integer({ min: 1, max: 5 }).map((n) => `;INTERVAL=${n}`);
const weekStart = fc.constantFrom("", ";WKST=SU", ";WKST=WE");
const join = (...parts: fc.Arbitrary<string>[]) => fc.tuple(...parts).map((all) => all.join(""));
const calendarRule = fc.oneof(
  join(
    fc.constant("FREQ=DAILY"),
    interval,
    part("BYMONTH", months),
    part("BYDAY", days),
    part("BYMONTHDAY", monthDays),
    times,
  ),
  join(fc.constant("FREQ=WEEKLY"), interval, weekStart, part("BYMONTH", months), part("BYDAY", days), times),
  join(fc.constant("FREQ=MONTHLY"), interval, part("BYMONTH", months), part("BYDAY", nthDays), times),
  join(fc.constant("FREQ=MONTHLY"), interval, part("BYMONTHDAY", monthDays), part("BYDAY", days), times),
  join(
    fc.constant("FREQ=MONTHLY"),
    interval,
    fc.constant(";BYDAY=MO,TU,WE,TH,FR"),
    part("BYSETPOS", list(signed(5))),
    times,
  ),
  join(fc.constant("FREQ=YEARLY"), interval, part("BYMONTH", months), part("BYDAY", nthDays)),
  join(fc.constant("FREQ=YEARLY"), interval, part("BYMONTH", months), part("BYMONTHDAY", monthDays), times),
  join(fc.constant("FREQ=YEARLY"), interval, part("BYYEARDAY", list(signed(366)))),
  join(fc.constant("FREQ=YEARLY"), weekStart, fc.constant(";BYWEEKNO="), weeks, fc.constant(";BYDAY="), days),
);
const start = fc
  .integer({ min: Date.UTC(2024, 0, 1) / 60_000, max: Date.UTC(2028, 0, 1) / 60_000 })
  .map((minute) => minute * 60_000);
const utcText = (at: number) => new Date(at).toISOString().slice(0, 19).replace(/[-:]/g, "");

/** The first times of a rule in UTC by our engine; none where it is refused as too large or as never firing. */
function ours(text: string, from: number, count: number): number[] | undefined {
  const rule = parseRule(text);
  if (!rule.ok) return undefined;
  const { next } = asked(ruleRecurrence(rule.value, from, "UTC"));
  const found: number[] = [];
  for (let at = next(from - 1); at !== null && found.length < count; at = next(at)) found.push(at);
  return found;
}

describe("a rule of days in UTC, beside other libraries", () => {
  it("comes at the same times as in rrule", () => {
    fc.assert(
      fc.property(calendarRule, start, (text, from) => {
        const found = ours(text, from, 12);
        if (found === undefined || found.length === 0) return;
        const until = found.at(-1) ?? from;
        const other = rrule
          .rrulestr(`DTSTART:${utcText(from)}Z\nRRULE:${text}`)
          .between(new Date(from), new Date(until), true);
        expect(found).toEqual(other.map((at) => at.getTime()));
      }),
      { numRuns: 150 },
    );
  });

  it("comes at the same times as in rrule-temporal, forwards and backwards", () => {
    fc.assert(
      fc.property(calendarRule, start, (text, from) => {
        const found = ours(text, from, 8);
        if (found === undefined || found.length === 0) return;
        // Rules such as the Mondays that end a January need more periods than the library looks at by default.
        const rruleString = `DTSTART:${utcText(from)}Z\nRRULE:${text}`;
        const other = new RRuleTemporal({ rruleString, maxIterations: 1_000_000 });
        const until = found.at(-1) ?? from;
        expect(found).toEqual(other.between(new Date(from), new Date(until), true).map((at) => at.epochMilliseconds));
        const back: number[] = [];
        const { last } = recurrence(text, from, "UTC");
        for (let at = last(until); at !== null; at = last(at - 1)) back.unshift(at);
        expect(back).toEqual(found);
      }),
      { numRuns: 150 },
    );
  });
});
