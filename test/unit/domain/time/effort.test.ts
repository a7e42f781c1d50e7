/**
 * Schedules that hardly ever fire, or never. Each question about one is answered within its effort (docs/contract.md §13).
 */
import { describe, expect, it } from "vitest";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { rateOf } from "../../../../src/domain/time/rate.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

const NOW = Date.UTC(2026, 10, 28, 12);
const all = (size: number) => Array.from({ length: size }, (_, value) => value).join(",");
const timezone = "Europe/Berlin";
const leapMonday = "BYMONTH=2;BYMONTHDAY=29;BYDAY=MO";
const everyDay = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"];

/** The schedule, and its first fire if it has one. */
const SPARSE: readonly (readonly [ScheduleSpec, string | null])[] = [
  [{ rrule: `FREQ=DAILY;${leapMonday};BYHOUR=1;BYMINUTE=0` }, "2044-02-29T01:00"],
  [{ rrule: `FREQ=MINUTELY;${leapMonday};BYHOUR=0;BYMINUTE=0`, timezone }, "2044-02-28T23:00"],
  [{ rrule: `FREQ=MINUTELY;${leapMonday};BYHOUR=0;BYMINUTE=0`, timezone, exclude: ["MON"] }, null],
  [{ rrule: "FREQ=MINUTELY;BYMONTH=2;BYMONTHDAY=30" }, null],
  [{ rrule: "FREQ=MINUTELY;INTERVAL=1439;BYHOUR=3;BYMINUTE=7", timezone }, "2028-09-11T01:07"],
  [{ rrule: "FREQ=HOURLY;INTERVAL=24;BYHOUR=3", timezone }, null],
  [{ rrule: `FREQ=YEARLY;BYDAY=MO,TU,WE,TH,FR,SA,SU;BYHOUR=${all(24)};BYMINUTE=${all(41)};BYSETPOS=366` }, null],
  [{ rrule: `FREQ=HOURLY;BYMINUTE=${all(60)};BYSECOND=${all(43)};BYSETPOS=366` }, "2026-11-28T12:08"],
  [{ rrule: "FREQ=YEARLY;INTERVAL=4;BYMONTH=2;BYMONTHDAY=29", starts_at: "2027-01-01T00:00:00Z" }, null],
  [{ rrule: `FREQ=MINUTELY;COUNT=10000;${leapMonday}`, timezone, starts_at: "0100-01-01T00:00:00Z" }, null],
  [{ rrule: "FREQ=MINUTELY;COUNT=10000", timezone, starts_at: "2026-11-21T00:00:00Z" }, null],
  [{ cron: "30 2 * * *", timezone, exclude: ["02:00-03:00"] }, "2027-03-28T01:00"],
  [{ cron: "* * * * *", exclude: everyDay }, null],
  [{ every: "1s", timezone, exclude: everyDay }, null],
  [{ cron: "* 2 * 3 7L", timezone }, null],
];

// Before the work was bounded, one of these five questions took up to 47 seconds, which is longer than a test may take.
describe("a schedule that hardly ever fires", () => {
  it.each(SPARSE)("%j is answered within the time of a test", (spec, first) => {
    const compiled = compileSchedule(spec, { tickAligned: false });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const fires = bindFires(compiled.value, { anchorAt: NOW });
    const next = fires.next(NOW);
    fires.take(NOW, 100);
    fires.last(NOW + 400 * 86_400_000);
    fires.count(NOW - 400 * 86_400_000, NOW, 1_000);
    rateOf(compiled.value, NOW);
    if (first !== null || next === null) expect(next && new Date(next).toISOString().slice(0, 16)).toBe(first);
  });
});

describe("a COUNT that is nearly used up is counted to its end", () => {
  const last = (rrule: string, starts_at: string) => {
    const compiled = compileSchedule({ rrule, starts_at, timezone }, { tickAligned: false });
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const { rrule: unbounded } = { rrule: rrule.replace(/;COUNT=\d+/, "") };
    const whole = compileSchedule({ rrule: unbounded, starts_at, timezone }, { tickAligned: false });
    if (!whole.ok) throw new Error(JSON.stringify(whole.error));
    const from = Date.parse(starts_at) - 1;
    const all = bindFires(whole.value, { anchorAt: NOW }).between(from, NOW * 2, 10_001);
    const fires = bindFires(compiled.value, { anchorAt: NOW });
    return { ends: [all.at(-2), null], found: [fires.next(all.at(-3) ?? 0), fires.next(all.at(-2) ?? 0)] };
  };

  it.each([
    ["FREQ=MINUTELY;BYHOUR=9,10;COUNT=10000", "2026-09-01T00:00:00Z"],
    ["FREQ=HOURLY;BYMINUTE=0,5,10,15,20,25,30,35,40,45,50,55;BYDAY=MO,TU;COUNT=10000", "2026-01-01T00:00:00Z"],
    ["FREQ=DAILY;BYDAY=MO,TU,WE,TH,FR;BYHOUR=9;BYMINUTE=0;COUNT=10000", "1990-01-01T00:00:00Z"],
    ["FREQ=MONTHLY;BYDAY=MO,TU,WE;BYHOUR=1,2,3;BYMINUTE=0;COUNT=10000", "1990-01-01T00:00:00Z"],
  ])("%s", (rrule, starts_at) => {
    const { ends, found } = last(rrule, starts_at);
    expect(found).toEqual(ends);
  });
});
