import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileActiveHours, isActiveAt } from "../../../../src/domain/time/active-hours.ts";

const hours = (start: string, end: string, timezone = "UTC") => ({ start, end, timezone });

function windowOf(start: string, end: string, timezone = "UTC") {
  const window = compileActiveHours(hours(start, end, timezone));
  if (!window.ok) throw new Error(JSON.stringify(window.error));
  return window.value;
}

const minuteText = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, "0")}:${String(minute % 60).padStart(2, "0")}`;

describe("active hours", () => {
  it.each([
    ["08:00", "22:00", "UTC", "2026-11-23T07:59:59.999Z", false],
    ["08:00", "22:00", "UTC", "2026-11-23T08:00:00Z", true],
    ["08:00", "22:00", "UTC", "2026-11-23T21:59:59.999Z", true],
    ["08:00", "22:00", "UTC", "2026-11-23T22:00:00Z", false],
    ["22:00", "06:00", "UTC", "2026-11-23T21:59:00Z", false],
    ["22:00", "06:00", "UTC", "2026-11-23T23:30:00Z", true],
    ["22:00", "06:00", "UTC", "2026-11-24T00:00:00Z", true],
    ["22:00", "06:00", "UTC", "2026-11-24T05:59:00Z", true],
    ["22:00", "06:00", "UTC", "2026-11-24T06:00:00Z", false],
    ["20:00", "24:00", "UTC", "2026-11-23T23:59:00Z", true],
    ["20:00", "24:00", "UTC", "2026-11-24T00:00:00Z", false],
    ["08:00", "22:00", "Europe/Berlin", "2026-11-23T07:00:00Z", true],
    ["08:00", "22:00", "Europe/Berlin", "2026-11-23T21:00:00Z", false],
    ["08:00", "22:00", "Europe/Berlin", "2026-07-01T06:00:00Z", true],
    ["08:00", "22:00", "Asia/Kolkata", "2026-11-23T02:30:00Z", true],
    ["08:00", "22:00", "Asia/Kolkata", "2026-11-23T02:29:00Z", false],
    ["08:00", "22:00", "America/New_York", "2026-11-24T02:59:00Z", true],
    ["08:00", "22:00", "America/New_York", "2026-11-24T03:00:00Z", false],
  ])("%s to %s %s at %s: %s", (start, end, zone, at, active) => {
    expect(isActiveAt(windowOf(start, end, zone), Date.parse(at))).toBe(active);
  });

  it("hold for as many minutes of a day as lie between start and end, whether or not they cross midnight", () => {
    fc.assert(
      fc.property(fc.nat(1439), fc.nat(1440), fc.integer({ min: -20_000, max: 60_000 }), (start, end, day) => {
        fc.pre(start !== end);
        const window = windowOf(minuteText(start), minuteText(end));
        const minutes = Array.from({ length: 1440 }, (_, minute) => day * 86_400_000 + minute * 60_000);
        const active = minutes.filter((at) => isActiveAt(window, at)).length;
        expect(active).toBe((end - start + 1440) % 1440 || 1440);
      }),
      { numRuns: 50 },
    );
  });

  it.each([
    [hours("8:00", "22:00"), ["active_hours.start"]],
    [hours("08:00", "22:60"), ["active_hours.end"]],
    [hours("24:00", "08:00"), ["active_hours.start"]],
    [hours("08:00", "24:01"), ["active_hours.end"]],
    [hours("08:00", "08:00"), ["active_hours.end"]],
    [hours("08:00", "22:00", "CET-1"), ["active_hours.timezone"]],
    [hours("8", "22", "Mars"), ["active_hours.start", "active_hours.end", "active_hours.timezone"]],
  ])("%j are refused, naming %j", (written, paths) => {
    const window = compileActiveHours(written);
    expect(window.ok ? [] : window.error.map(({ path }) => path)).toEqual(paths);
  });
});
