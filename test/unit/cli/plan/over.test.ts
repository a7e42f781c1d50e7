import { expect, it } from "vitest";
import { isOverAt } from "../../../../src/cli/plan/over.ts";

const NOW = Date.parse("2027-01-15T12:00:00Z");

it.each([
  [{ at: "2027-01-15T11:59:59Z" }, true],
  [{ at: "2027-01-15T12:00:01Z" }, false],
  // In Tokyo it is past nine in the evening.
  [{ at: "2027-01-15T20:59", timezone: "Asia/Tokyo" }, true],
  [{ at: "2027-01-15T21:01", timezone: "Asia/Tokyo" }, false],
  [{ every: "1h", ends_at: "2027-01-15T11:00:00Z" }, true],
  [{ every: "1h", ends_at: "2027-01-16T11:00:00Z" }, false],
  [{ cron: "0 9 * * *", ends_at: "2027-01-14T11:00:00Z" }, true],
  [{ rrule: "FREQ=DAILY;UNTIL=20270114T000000Z", starts_at: "2027-01-01T00:00:00Z" }, true],
  [{ rrule: "FREQ=DAILY;UNTIL=20270114T000000Z" }, true],
  [{ rrule: "FREQ=DAILY;COUNT=3", starts_at: "2027-01-01T00:00:00Z" }, true],
  // Counted from the creation that is to come.
  [{ rrule: "FREQ=DAILY;COUNT=3" }, false],
  [{ every: "1h", max_runs: 3 }, false],
  [{ manual: true }, false],
  // The service refuses wrong values.
  [{ at: "yesterday" }, false],
  [{ in: "5m" }, false],
  [{ rrule: "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30" }, false],
  [undefined, false],
])("%j is over: %s", (schedule, isOver) => {
  expect(isOverAt(schedule, NOW)).toBe(isOver);
});
