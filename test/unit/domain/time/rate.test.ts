/** How often a schedule fires at most (docs/contract.md §16). Quotas and MIN_INTERVAL use it. */
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { rateOf } from "../../../../src/domain/time/rate.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

describe("the rate of a schedule", () => {
  it.each<[ScheduleSpec, number, number]>([
    [{ every: "1s" }, 86_400, 1_000],
    [{ every: "7h" }, 4, 7 * HOUR],
    [{ every: "2w" }, 1, 14 * DAY],
    [{ at: "2027-01-15T14:30:00Z" }, 1, Number.POSITIVE_INFINITY],
    [{ manual: true }, 0, Number.POSITIVE_INFINITY],
    [{ cron: "* * * * *" }, 1_440, MINUTE],
    [{ cron: "*/45 * * * *" }, 48, 15 * MINUTE],
    [{ cron: "0 9,17 * * 1-5", timezone: "Europe/Berlin" }, 2, 8 * HOUR],
    [{ cron: "0 0,23 * * *" }, 2, HOUR],
    [{ cron: "0 9 * * 1" }, 1, 7 * DAY],
    [{ rrule: "FREQ=DAILY;BYHOUR=9,10;BYMINUTE=0,20,40" }, 6, 20 * MINUTE],
    [{ rrule: "FREQ=WEEKLY;BYDAY=TU;BYHOUR=9;BYMINUTE=0" }, 1, 7 * DAY],
    [{ rrule: "FREQ=HOURLY;INTERVAL=5" }, 5, 5 * HOUR],
    [{ rrule: "FREQ=HOURLY;BYMINUTE=0,10" }, 48, 10 * MINUTE],
    [{ rrule: "FREQ=MINUTELY;INTERVAL=2" }, 720, 2 * MINUTE],
    [{ rrule: "FREQ=MINUTELY;BYHOUR=9" }, 60, MINUTE],
    [{ rrule: "FREQ=DAILY;BYHOUR=9;BYMINUTE=0\nRDATE:20261124T090001Z" }, 2, 1_000],
  ])("of %j is at most %d a day, and %d ms between two fires", (spec, perDay, minGapMs) => {
    const compiled = compileSchedule(spec, { tickAligned: false });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    expect(rateOf(compiled.value, Date.parse("2026-11-23T09:00:07.123Z"))).toEqual({ perDay, minGapMs });
  });
});
