/** Warnings about schedules (docs/contract.md §13): when each comes, and that it names the alternative. */
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { scheduleWarnings } from "../../../../src/domain/time/schedule-warnings.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

const FIRST = Date.parse("2026-11-24T09:00:07.123Z");

function warnings(spec: ScheduleSpec, first: number | null = FIRST): string[] {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return scheduleWarnings(spec, compiled.value, first ?? undefined).map(
    ({ path, code, message }) => `${path} ${code}: ${message}`,
  );
}

describe("a schedule that may not be meant", () => {
  it.each<[ScheduleSpec, RegExp[]]>([
    [{ cron: "0 9 * * *" }, [/^schedule.timezone utc_assumed: the hours are UTC.*"timezone": "Europe\/Berlin"/]],
    [{ cron: "@daily" }, [/utc_assumed/]],
    [{ rrule: "FREQ=WEEKLY;BYDAY=TU" }, [/utc_assumed/]],
    [{ rrule: "FREQ=MINUTELY;BYHOUR=9" }, [/utc_assumed/]],
    [
      { cron: "0 9 * * *", timezone: "EST" },
      [/^schedule.timezone fixed_offset_zone: "EST" is UTC-05:00 all year.*"America\/New_York"/],
    ],
    [{ cron: "CRON_TZ=MST 0 9 * * *" }, [/^schedule.cron fixed_offset_zone: "MST" is UTC-07:00/]],
    [{ rrule: "FREQ=HOURLY", timezone: "HST" }, [/"HST" is UTC-10:00.*"Pacific\/Honolulu"/]],
    [
      { every: "1h", exclude: ["SAT"], timezone: "Etc/GMT+5" },
      [/"Etc\/GMT\+5" is UTC-05:00 all year.*its sign is the other way round/],
    ],
    [
      { cron: "0 9 13 * 5", timezone: "UTC" },
      [
        /^schedule.cron day_or_weekday: .*either.*At 09:00, on day 13 of the month or on Friday.*"FREQ=MONTHLY;BYMONTHDAY=13;BYDAY=FR;BYHOUR=9;BYMINUTE=0"/,
      ],
    ],
    [
      { cron: "*/45 * * * *" },
      [/^schedule.cron uneven_step: minute "\*\/45" means 0 and 45 of every hour.*{"every": "45m"}/],
    ],
    [{ cron: "0 */5 * * *" }, [/uneven_step: hour "\*\/5" means 0, 5, 10, 15 and 20 of every day.*{"every": "5h"}/]],
    [{ cron: "7/13 * * * *" }, [/minute "7\/13" means 7, 20, 33, 46 and 59/]],
    [{ cron: "45/30 * * * *" }, [/minute "45\/30" means 45 of every hour.*{"every": "30m"}/]],
    [{ cron: "0-59/45 * * * *" }, [/minute "0-59\/45" means 0 and 45/]],
    [{ cron: "0 20/6 * * *", timezone: "UTC" }, [/hour "20\/6" means 20 of every day/]],
    [{ cron: "* * * * 2/2" }, [/day of week "2\/2" means 2, 4 and 6 of every week.*{"every": "2d"}/]],
    [{ at: "2027-07-15T14:30", timezone: "EST" }, [/^schedule.timezone fixed_offset_zone: "EST" is UTC-05:00/]],
    [{ cron: "* * */2 * *" }, [/day of month "\*\/2"/]],
    [{ cron: "* * 1 */5 *" }, [/month "\*\/5" means 1, 6 and 11.*"FREQ=MONTHLY;INTERVAL=5/]],
    [{ every: "1h", jitter: "5m" }, [/^schedule.jitter jitter_is_fixed: .*the same part of 5m/]],
    [
      { every: "1d" },
      [/^schedule.every anchor: it fires at 09:00:07 UTC, next on 2026-11-24.*"starts_at": "2026-11-24T09:00:00Z"/],
    ],
    [{ every: "1w", exclude: ["SAT"], jitter: "1h" }, [/jitter_is_fixed/, /anchor/]],
    [{ cron: "*/7 */5 1 * 1" }, [/day_or_weekday/, /minute "\*\/7"/, /hour "\*\/5"/]],
  ])("%j", (spec, expected) => {
    expect(warnings(spec)).toEqual(expected.map((pattern) => expect.stringMatching(pattern)));
  });

  it("an unknown anchor is called unknown", () => {
    expect(warnings({ every: "1d" }, null)).toEqual([
      expect.stringContaining("at the time of day at which the schedule was set"),
    ]);
  });
});

describe("a schedule that means what it says has none", () => {
  it.each<[ScheduleSpec]>([
    [{ cron: "0 9 * * 1-5", timezone: "Europe/Berlin" }],
    [{ cron: "0 9 * * *", timezone: "UTC" }],
    [{ cron: "TZ=Asia/Tokyo 0 9 * * *" }],
    [{ cron: "*/15 * * * *" }],
    [{ cron: "*/15 */6 * * *" }],
    [{ cron: "0-30/7 * * * *" }],
    [{ cron: "5/10 * * * *" }],
    [{ cron: "30 9-17/2 * * *", timezone: "UTC" }],
    [{ cron: "0 9 * 1/3 *", timezone: "Etc/UTC" }],
    [{ every: "30m" }],
    [{ every: "2w", starts_at: "2026-11-03T14:00:00+01:00" }],
    [{ at: "2027-01-15T14:30", timezone: "EST5EDT" }],
    [{ rrule: "FREQ=HOURLY;INTERVAL=6" }],
    [{ rrule: "FREQ=DAILY;INTERVAL=5;BYHOUR=9", timezone: "Asia/Tokyo" }],
    [{ manual: true }],
  ])("%j", (spec) => {
    expect(warnings(spec)).toEqual([]);
  });
});
