/**
 * Rules of HOURLY and MINUTELY (docs/contract.md §13), compared with a slow walk over every minute, through clock changes.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ruleRecurrence } from "../../../../src/domain/time/rrule.ts";
import { parseRule } from "../../../../src/domain/time/rrule-syntax.ts";
import { offsetAt } from "../../../../src/domain/time/zone.ts";
import { type Asked, asked } from "./asked.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

type Parts = {
  readonly freq: "HOURLY" | "MINUTELY";
  readonly interval: number;
  readonly hours?: readonly number[] | undefined;
  readonly minutes?: readonly number[] | undefined;
  readonly weekdays?: readonly number[] | undefined;
};
const CODES = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];

function textOf({ freq, interval, hours, minutes, weekdays }: Parts): string {
  const list = (name: string, values?: readonly (number | string)[]) =>
    values === undefined ? "" : `;${name}=${values.join(",")}`;
  return `FREQ=${freq};INTERVAL=${interval}${list("BYHOUR", hours)}${list("BYMINUTE", minutes)}${list(
    "BYDAY",
    weekdays?.map((day) => CODES[day] ?? ""),
  )}`;
}

/** Every minute that the rule names from the start on, found by walking over all minutes. */
function walk(
  { freq, interval, hours, minutes, weekdays }: Parts,
  start: number,
  zone: string,
  until: number,
): number[] {
  const found: number[] = [];
  const unit = freq === "HOURLY" ? HOUR : MINUTE;
  const origin = start - ((start + offsetAt(zone, start)) % unit);
  const startMinute = Math.floor((start + offsetAt(zone, start)) / MINUTE) % 60;
  const offsets = new Map<number, number>();
  for (let at = start; at <= until; at += MINUTE) {
    const quarter = Math.floor(at / (15 * MINUTE));
    const offset = offsets.get(quarter) ?? offsetAt(zone, at);
    offsets.set(quarter, offset);
    const local = new Date(at + offset);
    if (Math.floor((at - origin) / unit) % interval !== 0) continue;
    const named = minutes ?? (freq === "HOURLY" ? [startMinute] : undefined);
    if (named !== undefined && !named.includes(local.getUTCMinutes())) continue;
    if (hours !== undefined && !hours.includes(local.getUTCHours())) continue;
    if (weekdays !== undefined && !weekdays.includes(local.getUTCDay())) continue;
    found.push(at);
  }
  return found;
}

const some = (max: number, maxLength: number) =>
  fc.option(
    fc
      .uniqueArray(fc.integer({ min: 0, max }), { minLength: 1, maxLength })
      .map((values) => values.sort((a, b) => a - b)),
    { nil: undefined },
  );
const parts: fc.Arbitrary<Parts> = fc.record({
  freq: fc.constantFrom("HOURLY", "MINUTELY"),
  interval: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.constantFrom(45, 60, 90)),
  hours: some(23, 4),
  minutes: some(59, 3),
  weekdays: some(6, 3),
});

const collect = ({ next }: Asked, from: number, until: number): number[] => {
  const found: number[] = [];
  for (let at = next(from); at !== null && at <= until; at = next(at)) found.push(at);
  return found;
};

describe.each([
  ["Europe/Berlin", "2027-03-28T01:00:00Z"],
  ["Europe/Berlin", "2027-10-31T01:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["Africa/Cairo", "2026-10-29T21:00:00Z"],
  ["Asia/Kolkata", "2027-01-01T00:00:00Z"],
])("in %s around %s", (zone, change) => {
  it("comes at the minutes of real time that its parts name, forwards and backwards", () => {
    fc.assert(
      fc.property(parts, fc.integer({ min: 1, max: 4_000 }), (rule, before) => {
        const start = Date.parse(change) - before * MINUTE;
        const until = Date.parse(change) + DAY;
        const read = parseRule(textOf(rule));
        if (!read.ok) throw new Error(read.error.join());
        const recurrence = asked(ruleRecurrence(read.value, start, zone));
        const expected = walk(rule, start, zone, until);
        expect(collect(recurrence, start - 1, until)).toEqual(expected);
        const back: number[] = [];
        for (let at = recurrence.last(until); at !== null; at = recurrence.last(at - 1)) back.unshift(at);
        expect(back).toEqual(expected);
      }),
      { numRuns: 12 },
    );
  });
});

describe("COUNT of a rule that names few of its periods", () => {
  const START = Date.parse("2026-11-23T09:00:00Z");
  it.each([
    ["FREQ=MINUTELY;BYMINUTE=0,30;COUNT=1000", 1_000, "2026-12-14T04:30:00.000Z"],
    ["FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0;COUNT=365", 365, "2027-11-22T09:00:00.000Z"],
    ["FREQ=MINUTELY;BYHOUR=9;BYMINUTE=0;COUNT=10000", 10_000, "2054-04-09T09:00:00.000Z"],
    ["FREQ=MINUTELY;INTERVAL=7;BYMINUTE=0;COUNT=1000", 1_000, "2027-09-10T18:00:00.000Z"],
    ["FREQ=HOURLY;INTERVAL=7;BYHOUR=9;COUNT=1000", 1_000, "2046-01-15T09:00:00.000Z"],
    ["FREQ=HOURLY;INTERVAL=5;BYHOUR=9;BYDAY=MO;COUNT=500", 500, "2074-09-17T09:00:00.000Z"],
    ["FREQ=DAILY;BYDAY=FR;BYMONTHDAY=13;COUNT=300", 300, "2201-03-13T09:00:00.000Z"],
  ])("%s fires to its last time, asked late", (text, count, lastAt) => {
    const rule = parseRule(text);
    if (!rule.ok) throw new Error(rule.error.join());
    const { count: _count, ...unbounded } = rule.value;
    const all = collect(asked(ruleRecurrence(unbounded, START, "UTC")), START - 1, Date.parse(lastAt));
    expect(all).toHaveLength(count);
    // Each question asks a schedule that has counted nothing yet, as after a restart.
    const late = () => asked(ruleRecurrence(rule.value, START, "UTC"));
    expect(late().next(Date.parse(lastAt) - 1)).toBe(Date.parse(lastAt));
    expect(late().next(Date.parse(lastAt))).toBeNull();
    expect(late().last(Date.parse(lastAt) + 1_000 * DAY)).toBe(Date.parse(lastAt));
  });
});
