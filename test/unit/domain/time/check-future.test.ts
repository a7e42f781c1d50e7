import { describe, expect, it } from "vitest";
import { checkFuture } from "../../../../src/domain/time/check-future.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";
import { ANCHOR, compile, NOW } from "./schedule-fixture.ts";

describe("checkFuture refuses", () => {
  it.each<[string, ScheduleSpec, string, string]>([
    [
      "an at that is now",
      { at: "2026-11-23T09:00:07.123Z" },
      "schedule.at",
      "is not in the future (it is 2026-11-23T09:00:07.123Z)",
    ],
    [
      "an at that is over",
      { at: "2026-11-23T10:00:00+01:00" },
      "schedule.at",
      "2026-11-23T09:00:00.000Z is not in the future",
    ],
    ["an end that is over", { every: "1m", ends_at: "2026-11-23T09:00:00Z" }, "schedule.ends_at", "is in the past"],
    [
      "an end before the first fire",
      { every: "1h", ends_at: "2026-11-23T10:00:00Z" },
      "schedule",
      "never fires between",
    ],
    [
      "bounds that no time falls into",
      { cron: "0 9 29 2 *", ends_at: "2028-02-29T08:59:59Z" },
      "schedule",
      "never fires between",
    ],
    [
      "an at before its start",
      { at: "2027-01-01T00:00:00Z", starts_at: "2027-01-02T00:00:00Z" },
      "schedule",
      "never fires",
    ],
    ["an at after its end", { at: "2027-01-03T00:00:00Z", ends_at: "2027-01-02T00:00:00Z" }, "schedule", "never fires"],
    [
      "an excluded everything",
      { cron: "0 9 * * 1-5", exclude: ["08:00-10:00"] },
      "schedule.exclude",
      "everything after 2026-11-23T09:00:07.123Z is excluded",
    ],
    [
      "all weekdays excluded",
      { every: "1m", exclude: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"] },
      "schedule.exclude",
      "exclude less",
    ],
    [
      "all hours excluded",
      { every: "1s", exclude: ["00:00-12:00", "12:00-00:00"] },
      "schedule.exclude",
      "exclude less",
    ],
    [
      "a rule without a day",
      { rrule: "FREQ=MONTHLY;BYMONTH=2;BYMONTHDAY=30" },
      "schedule.rrule",
      "the rule never fires",
    ],
    [
      "an hourly rule without a day",
      { rrule: "FREQ=HOURLY;BYMONTH=2;BYMONTHDAY=30" },
      "schedule.rrule",
      "the rule never fires",
    ],
    ["a rule that is over", { rrule: "FREQ=DAILY;UNTIL=20261101T000000Z" }, "schedule.rrule", "the rule never fires"],
    [
      "times that the clock always skips",
      { cron: "* 2 * 3 7L", timezone: "Europe/Berlin" },
      "schedule",
      "never fires after",
    ],
  ])("%s", (_what, spec, path, message) => {
    expect(checkFuture(compile(spec), ANCHOR, NOW)).toEqual([{ path, message: expect.stringContaining(message) }]);
  });

  it.each<[ScheduleSpec]>([
    [{ at: "2026-11-23T09:00:07.124Z" }],
    [{ every: "365d" }],
    [{ manual: true }],
    [{ rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29" }],
    [{ rrule: "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=29;BYDAY=MO" }],
    [{ every: "1h", ends_at: "2026-11-23T10:00:07.123Z" }],
    [{ cron: "0 9 29 2 *", ends_at: "2028-02-29T09:00:00Z" }],
    [{ cron: "0 9 * * *", starts_at: "2020-01-01T00:00:00Z" }],
  ])("and nothing about %j", (spec) => {
    expect(checkFuture(compile(spec), ANCHOR, NOW)).toEqual([]);
  });
});
