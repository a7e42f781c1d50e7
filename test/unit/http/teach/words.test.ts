import { describe, expect, it } from "vitest";
import { cronOf, instantOf } from "../../../../src/http/teach/words.ts";

const NOW = Date.UTC(2026, 10, 28, 12);

describe("everyday words", () => {
  it.each([
    ["every day at 9", "0 9 * * *"],
    ["daily at 8:30pm", "30 20 * * *"],
    ["every weekday at 7am", "0 7 * * 1-5"],
    ["Mondays at 12 am", "0 0 * * 1"],
    ["tuesday and thursday at 18:15", "15 18 * * 2,4"],
    ["weekends at 10", "0 10 * * 0,6"],
    ["every 5 minutes", undefined],
    ["every other tuesday at 14:00", undefined],
    ["at 9", undefined],
    ["daily at 25", undefined],
  ])("%s as cron: %s", (text, cron) => {
    expect(cronOf(text)).toBe(cron);
  });

  it.each([
    ["tomorrow 9am", "2026-11-29T09:00:00Z"],
    ["tomorrow at 17:30", "2026-11-29T17:30:00Z"],
    ["today at 6 pm", "2026-11-28T18:00:00Z"],
    ["tomorrow", "2026-11-29T09:00:00Z"],
    ["2027-01-15", "2027-01-15T09:00:00Z"],
    ["next week", undefined],
    ["tomorrow at 25:00", undefined],
    ["25:00", undefined],
    ["2027-02-30", undefined],
    ["2027-02-30 09:00", undefined],
    ["31 Feb 2027", undefined],
  ])("%s as a time: %s", (text, instant) => {
    expect(instantOf(text, NOW)).toBe(instant);
  });
});
