/** Exclusions (docs/contract.md §13): how they are written, and that they remove exactly the fires that fall into them. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { parseExclusion } from "../../../../src/domain/time/exclude.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { formatLocal } from "../../../../src/domain/time/instant.ts";
import type { Schedule } from "../../../../src/domain/time/schedule.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe("an invalid exclusion says how to write it", () => {
  it.each([
    ["2026-02-30", "is not an exclusion"],
    ["2027-01-01/2026-12-24", "ends before it begins"],
    ["Saturday", 'did you mean "SAT"?'],
    ["SA", 'did you mean "SAT"?'],
    ["25:00-07:00", "has a time of day that does not exist"],
    ["24:00-07:00", "has a time of day that does not exist"],
    ["07:00-07:00", "begins and ends at the same time"],
    ["christmas", "is not an exclusion"],
    ["MON-FRI", 'did you mean "MON", "TUE", "WED", "THU", "FRI"?'],
    ["sat-sun", 'did you mean "SAT", "SUN"?'],
    ["weekends", 'did you mean "SAT", "SUN"?'],
    ["22:00-7:00", 'did you mean "22:00-07:00"?'],
    ["9-17", 'did you mean "09:00-17:00"?'],
    ["2026-12-25T00:00:00Z", 'did you mean "2026-12-25"?'],
    ["2026-02-29", "there is no such date"],
  ])("%s", (text, message) => {
    const read = parseExclusion(text);
    expect(read.ok ? "" : read.error).toContain(message);
    expect(read.ok ? "" : read.error).toContain('a daily window "22:00-07:00"');
  });
});

/** Whether a local time `2027-03-28T02:30:00+01:00` falls into an exclusion: written a second time, from its text. */
function fallsInto(local: string, exclusion: string): boolean {
  const [date = "", time = ""] = [local.slice(0, 10), local.slice(11, 16)];
  const weekdays = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];
  if (weekdays.includes(exclusion)) return weekdays[new Date(`${date}T00:00:00Z`).getUTCDay()] === exclusion;
  if (exclusion.includes(":")) {
    const [from = "", to = ""] = exclusion.split("-");
    return from < to ? time >= from && time < to : time >= from || time < to;
  }
  const [from = "", to = from] = exclusion.split("/");
  return date >= from && date <= to;
}

function compile(spec: ScheduleSpec): Schedule {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

const CHANGES = [
  ["Europe/Berlin", "2027-03-28T01:00:00Z"],
  ["Europe/Berlin", "2027-10-31T01:00:00Z"],
  ["America/New_York", "2026-11-01T06:00:00Z"],
  ["Africa/Cairo", "2026-10-29T21:00:00Z"],
  ["Australia/Lord_Howe", "2027-04-03T15:00:00Z"],
  ["UTC", "2027-01-01T00:00:00Z"],
] as const;

const clock = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.constantFrom("00", "15", "30", "40"))
  .map(([h, m]) => `${String(h).padStart(2, "0")}:${m}`);
const near = (change: number) =>
  fc.integer({ min: -3, max: 3 }).map((days) => new Date(change + days * DAY).toISOString().slice(0, 10));
const exclusions = (change: number) =>
  fc.array(
    fc.oneof(
      fc
        .tuple(clock, clock)
        .filter(([from, to]) => from !== to)
        .map(([from, to]) => `${from}-${to}`),
      fc.constantFrom("01:15-02:15", "02:15-03:30", "23:30-02:30", "02:30-01:30", "23:00-00:30"),
      near(change),
      fc.tuple(near(change), near(change)).map((dates) => dates.sort().join("/")),
      fc.constantFrom("SAT", "SUN", "WED"),
    ),
    { minLength: 1, maxLength: 4 },
  );
const timing = fc.constantFrom<ScheduleSpec>(
  { every: "7m" },
  { every: "47m" },
  { cron: "*/20 * * * *" },
  { cron: "30 1,2,3,22 * * *" },
  { rrule: "FREQ=HOURLY;BYMINUTE=10,50" },
  { rrule: "FREQ=DAILY;BYHOUR=2,23;BYMINUTE=0,30" },
);

describe.each(CHANGES)("in %s around %s, exactly the excluded times are not fires", (timezone, change) => {
  const middle = Date.parse(change);
  const [from, to] = [middle - 2 * DAY, middle + 2 * DAY];
  it("forwards and backwards", () => {
    fc.assert(
      fc.property(timing, exclusions(middle), (spec, exclude) => {
        const phase = { anchorAt: from - DAY };
        const bare = bindFires(compile({ ...spec, ...(spec.every === undefined ? { timezone } : {}) }), phase);
        const fires = bindFires(compile({ ...spec, timezone, exclude }), phase);
        const expected = bare
          .between(from, to, 10_000)
          .filter((at) => !exclude.some((each) => fallsInto(formatLocal(at, timezone), each)));
        expect(fires.between(from, to, 10_000)).toEqual(expected);
        const back: number[] = [];
        for (let at = fires.last(to); at !== null && at >= from; at = fires.last(at - 1)) back.unshift(at);
        expect(back).toEqual(expected);
      }),
      { numRuns: 40 },
    );
  });
});

describe("a year of seconds with a long exclusion", () => {
  it("is skipped at once", () => {
    const fires = bindFires(compile({ every: "1s", exclude: ["2027-01-01/2027-12-31"] }), { anchorAt: 0 });
    expect(fires.next(Date.parse("2027-01-01T00:00:00Z") - 1)).toBe(Date.parse("2028-01-01T00:00:00Z"));
    expect(fires.last(Date.parse("2027-12-31T23:59:59Z"))).toBe(Date.parse("2026-12-31T23:59:59Z"));
  });
});
