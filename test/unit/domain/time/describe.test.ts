import { describe, expect, it } from "vitest";
import { describeSchedule } from "../../../../src/domain/time/describe.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

describe("describeSchedule says in plain English", () => {
  it.each<[ScheduleSpec, string]>([
    [{ cron: "0 9 * * 1-5", timezone: "Europe/Berlin" }, "At 09:00, Monday through Friday (Europe/Berlin)"],
    [{ cron: "CRON_TZ=Asia/Tokyo 0 9 * * *" }, "At 09:00 (Asia/Tokyo)"],
    [{ cron: "@hourly" }, "Every hour (UTC)"],
    [{ cron: "*/15 9-17 * * mon-fri" }, "Every 15 minutes, between 09:00 and 17:59, Monday through Friday (UTC)"],
    [{ cron: "5/10 * * * *" }, "Every 10 minutes, starting at 5 minutes past the hour (UTC)"],
    [{ cron: "30 2,14 * * *" }, "At 02:30 and 14:30 (UTC)"],
    [{ cron: "0,* 2 ? * ?" }, "Every minute, between 02:00 and 02:59 (UTC)"],
    [{ cron: "0 9 1 * 1" }, "At 09:00, on day 1 of the month or on Monday (UTC)"],
    [
      { cron: "0 9 * * mon#2,fril" },
      "At 09:00, on the second Monday of the month and on the last Friday of the month (UTC)",
    ],
    [{ cron: "0 0 l * *" }, "At 00:00, on the last day of the month (UTC)"],
    [{ cron: "0 0 WL * *" }, "At 00:00, on the last weekday of the month (UTC)"],
    [
      { cron: "0 0 1W,15W * *" },
      "At 00:00, on the weekday nearest to day 1 of the month and on the weekday nearest to day 15 of the month (UTC)",
    ],
    [{ cron: "*/45 * * * *" }, "At 0 and 45 minutes past the hour (UTC)"],
    [{ cron: "*/7 * * * *" }, "At 0, 7, 14, 21, 28, 35, 42, 49 and 56 minutes past the hour (UTC)"],
    [{ cron: "0 */5 * * *" }, "At 00:00, 05:00, 10:00, 15:00 and 20:00 (UTC)"],
    [{ cron: "0 */4 * * *" }, "Every 4 hours (UTC)"],
    [{ cron: "15 1/6 * * *" }, "Every 6 hours, starting at 01:15 (UTC)"],
    [{ cron: "*/20 8,9,14 * * *" }, "At 08:00, 08:20, 08:40, 09:00, 09:20, 09:40, 14:00, 14:20 and 14:40 (UTC)"],
    [{ cron: "*/10 1-3,22 * * *" }, "Every 10 minutes, in the hours 01 through 03 and 22 (UTC)"],
    [{ cron: "0 0 13 * 5L" }, "At 00:00, on day 13 of the month or on the last Friday of the month (UTC)"],
    [{ cron: "0 0 L,15 * *" }, "At 00:00, on day 15 of the month and on the last day of the month (UTC)"],
    [{ cron: "0 0 1 1,4-6 *" }, "At 00:00, on day 1 of the month, in January and April through June (UTC)"],
    [{ cron: "0 0 * * 6,0" }, "At 00:00, on Saturday and Sunday (UTC)"],
    [
      { rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0", timezone: "Europe/Berlin" },
      "Every 2 weeks, on Tuesday, at 14:00 (Europe/Berlin)",
    ],
    [
      { rrule: "FREQ=WEEKLY", starts_at: "2027-01-05T13:00:00Z", timezone: "Europe/Berlin" },
      "Every week, on Tuesday, at 14:00 (Europe/Berlin), from 2027-01-05T13:00:00.000Z",
    ],
    [{ rrule: "FREQ=DAILY" }, "Every day, at the time of day of the job's creation (UTC)"],
    [
      { rrule: "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1;BYHOUR=17;BYMINUTE=30;COUNT=12" },
      "Every month, on Monday through Friday, at 17:30, of these only the last of each month, 12 times (UTC)",
    ],
    [
      { rrule: "FREQ=MONTHLY;BYDAY=FR;BYMONTHDAY=13;BYHOUR=9;BYMINUTE=0\nEXDATE:20270813T090000" },
      "Every month, on day 13 of the month, where it is Friday, at 09:00, except at 2027-08-13T09:00:00 (UTC)",
    ],
    [
      { rrule: "FREQ=YEARLY;BYMONTH=12;BYMONTHDAY=-1;BYHOUR=23;BYMINUTE=0;UNTIL=20300101T000000Z" },
      "Every year, on the last day of the month, in December, at 23:00, until 2030-01-01T00:00:00.000Z (UTC)",
    ],
    [{ rrule: "FREQ=HOURLY;INTERVAL=6;BYMINUTE=30" }, "Every 6 hours, at minute 30 of the hour (UTC)"],
    [{ rrule: "FREQ=MINUTELY;INTERVAL=20;BYHOUR=9,10,11" }, "Every 20 minutes, in the hours 09 through 11 (UTC)"],
    [{ manual: true }, "Never by itself, only when it is run or triggered"],
    [{ at: "2027-01-15T14:30", timezone: "Asia/Tokyo" }, "Once, at 2027-01-15T14:30:00+09:00 (Asia/Tokyo)"],
    [
      {
        every: "1h",
        timezone: "Europe/Berlin",
        exclude: ["2026-12-25", "2026-12-27/2027-01-01", "SAT", "22:00-07:00"],
      },
      "Every hour (Europe/Berlin), except on 2026-12-25, from 2026-12-27 through 2027-01-01, on Saturday and between 22:00 and 07:00",
    ],
    [{ every: "30m" }, "Every 30 minutes"],
    [{ every: "1h" }, "Every hour"],
    [{ every: "90s" }, "Every 1 minute 30 seconds"],
    [{ every: "1h1m1.5s" }, "Every 1 hour 1 minute 1.5 seconds"],
    [{ every: "1d" }, "Every 24 hours"],
    [{ every: "2w" }, "Every 14 days"],
    [{ at: "2027-01-15T14:30:00+08:00" }, "Once, at 2027-01-15T14:30:00+08:00"],
    [{ at: "2027-01-15T14:30:00Z" }, "Once, at 2027-01-15T14:30:00+00:00"],
    [
      {
        every: "30m",
        jitter: "5m",
        starts_at: "2027-01-01T00:00:00+01:00",
        ends_at: "2027-02-01T00:00:00Z",
        max_runs: 10,
      },
      "Every 30 minutes, each fire delayed by a fixed part of 5m, from 2026-12-31T23:00:00.000Z, until 2027-02-01T00:00:00.000Z, at most 10 runs",
    ],
    [{ every: "30m", max_runs: 1 }, "Every 30 minutes, at most 1 run"],
    [{ cron: "0 0 30 2 *" }, "Invalid schedule"],
  ])("%j", (spec, text) => {
    expect(describeSchedule(spec)).toBe(text);
  });
});
