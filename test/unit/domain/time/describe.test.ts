import { describe, expect, it } from "vitest";
import { describeSchedule } from "../../../../src/domain/time/describe.ts";

describe("describeSchedule says in plain English", () => {
  it.each([
    [{ cron: "0 9 * * 1-5", timezone: "Europe/Berlin" }, "At 09:00, Monday through Friday (Europe/Berlin)"],
    [{ cron: "CRON_TZ=Asia/Tokyo 0 9 * * *" }, "At 09:00 (Asia/Tokyo)"],
    [{ cron: "@hourly" }, "Every hour (UTC)"],
    [{ cron: "*/15 9-17 * * mon-fri" }, "Every 15 minutes, between 09:00 and 17:59, Monday through Friday (UTC)"],
    [{ cron: "5/10 * * * *" }, "Every 10 minutes, starting at 5 minutes past the hour (UTC)"],
    [{ cron: "30 2,14 * * *" }, "At 02:30 and 14:30 (UTC)"],
    [{ cron: "0,* 2 ? * ?" }, "Every minute, between 02:00 and 02:59 (UTC)"],
    [{ cron: "0 9 1 * 1" }, "At 09:00, on day 1 of the month, and on Monday (UTC)"],
    [
      { cron: "0 9 * * mon#2,fril" },
      "At 09:00, on the second Monday of the month and on the last Friday of the month (UTC)",
    ],
    [{ cron: "0 0 l * *" }, "At 00:00, on the last day of the month (UTC)"],
    [{ cron: "0 0 WL * *" }, "At 00:00, on the last weekday of the month (UTC)"],
    [{ cron: "0 0 1W,15W * *" }, "By the cron expression 0 0 1W,15W * * (UTC)"],
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
