/** Calendars in parts as one expression (src/http/teach/calendar-parts.ts). */
import { expect, it } from "vitest";
import { cronOfParts } from "../../../../src/http/teach/calendar-parts.ts";

it.each([
  [{ hour: 9, minute: 30, day_of_week: "mon-fri" }, "30 9 * * 1-5"],
  [{ hour: 9, day_of_week: "fri-sun" }, "0 9 * * 5-7"],
  [{ hour: 9, day_of_week: "*" }, "0 9 * * *"],
  // Schedulers count weekdays from another day each, so the name shows what the number was taken for.
  [{ hour: 9, day_of_week: 0 }, "0 9 * * SUN"],
  [{ hour: 9, day_of_week: [1, 3] }, "0 9 * * MON,WED"],
  [{ hour: "9", day_of_week: "1-5" }, "0 9 * * MON-FRI"],
  // It may as well be the first day of the month.
  [{ hour: 9, day: 1 }, undefined],
  [{ hour: 9, day_of_month: 15 }, "0 9 15 * *"],
  [{ hour: 9, day_of_month: 45 }, undefined],
  [{ hour: 9, day_of_week: "someday" }, undefined],
  [{ days: 3 }, undefined],
])("%j is %s", (parts, cron) => {
  expect(cronOfParts(parts)).toBe(cron);
});
