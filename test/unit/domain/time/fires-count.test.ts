/** Counting fires without a walk gives the same as walking, also across clock changes and exclusions. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { bindFires, type Fires } from "../../../../src/domain/time/fires.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

function firesOf(spec: ScheduleSpec, anchorAt = 0): Fires {
  const schedule = compileSchedule(spec, { tickAligned: false });
  if (!schedule.ok) throw new Error(JSON.stringify(schedule.error));
  return bindFires(schedule.value, { anchorAt });
}

const minutes = fc.constantFrom("0", "*/7", "5,20,59", "30", "59", "*");
const hours = fc.constantFrom("*", "0", "1-3", "2", "23", "*/5", "9-17");
const days = fc.constantFrom("* * *", "* * 1-5", "31 * *", "29 2 *", "1,15 * *", "L * *", "* * 0", "13 * 5");
const crons = fc.tuple(minutes, hours, days).map((parts) => parts.join(" "));
const zones = fc.constantFrom(
  "UTC",
  "Europe/Berlin",
  "America/New_York",
  "America/Havana",
  "Australia/Lord_Howe",
  "America/Nuuk",
  "Africa/Casablanca",
  "Asia/Kolkata",
);
const exclude = fc.uniqueArray(
  fc.constantFrom("SAT", "SUN", "22:00-07:00", "02:15-02:45", "12:00-13:00", "2027-03-28", "2026-12-24/2027-01-01"),
  { maxLength: 3 },
);
/** Windows of up to ten days, most of them around the clock changes of 2026 and 2027. */
const spans = fc
  .tuple(
    fc.constantFrom("2026-10-25", "2026-11-01", "2027-03-14", "2027-03-28", "2027-04-04", "2027-02-28", "2027-07-01"),
    fc.integer({ min: -5 * DAY, max: 5 * DAY }),
    fc.integer({ min: 0, max: 10 * DAY }),
  )
  .map(([day, shift, length]) => ({ after: Date.parse(day) + shift, until: Date.parse(day) + shift + length }));

const walked = (fires: Fires, after: number, until: number): number =>
  fires.between(after + 1, until, Number.POSITIVE_INFINITY).length;

describe("fires counted at once are the same as counted one by one", () => {
  it("of a cron in any zone", () => {
    fc.assert(
      fc.property(crons, zones, exclude, spans, (cron, timezone, excluded, { after, until }) => {
        const fires = firesOf({ cron, timezone, ...(excluded.length === 0 ? {} : { exclude: excluded }) });
        expect(fires.countsAtOnce).toBe(true);
        expect(fires.count(after, until, Number.POSITIVE_INFINITY)).toBe(walked(fires, after, until));
      }),
      { numRuns: 80 },
    );
  });

  it("of an interval with exclusions", () => {
    fc.assert(
      fc.property(
        fc.constantFrom("7m", "1h", "90m", "13s", "1d"),
        zones,
        exclude,
        spans,
        (every, timezone, excluded, { after, until }) => {
          if (excluded.length === 0) return;
          const fires = firesOf({ every, timezone, exclude: excluded });
          expect(fires.count(after, until, Number.POSITIVE_INFINITY)).toBe(walked(fires, after, until));
        },
      ),
      { numRuns: 50 },
    );
  });

  it("and stops at the cap", () => {
    const fires = firesOf({ cron: "* * * * *" });
    expect(fires.count(0, 365_000 * DAY, 1_001)).toBe(1_001);
    expect(firesOf({ cron: "0 0 29 2 *" }).count(0, 36_500 * DAY, 1_000)).toBe(25);
  });
});

it("counts a month of a job every second, and of one every minute with exclusions, at once", () => {
  const began = performance.now();
  const from = Date.parse("2027-03-01T00:00:00Z");
  const everySecond = firesOf({ every: "1s", timezone: "Europe/Berlin", exclude: ["22:00-07:00", "SAT"] });
  const everyMinute = firesOf({ cron: "* * * * *", timezone: "Europe/Berlin", exclude: ["22:00-07:00", "SAT"] });
  expect(everySecond.count(from, from + 31 * DAY, Number.POSITIVE_INFINITY)).toBeGreaterThan(1_000_000);
  expect(everyMinute.count(from, from + 31 * DAY, Number.POSITIVE_INFINITY)).toBeGreaterThan(20_000);
  expect(performance.now() - began).toBeLessThan(1_000);
});
