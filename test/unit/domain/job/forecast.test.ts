/** The coming fires of a job, day by day. The forecast equals the fires, and stops at the budget and at max_runs. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { type ForecastState, forecastJob } from "../../../../src/domain/job/forecast.ts";
import { sumForecasts } from "../../../../src/domain/job/forecast-sums.ts";
import { type Cursor, firesOf, newJob } from "../../../../src/domain/job/job.ts";
import { addSpend } from "../../../../src/domain/run/budget.ts";
import { formatLocal } from "../../../../src/domain/time/instant.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 9, 23, 9, 0, 0);
const WEEK = { from: T0, to: T0 + 7 * DAY_MS, timeZone: "UTC" };

type More = { readonly cursor?: Partial<Cursor>; readonly usersPerFire?: number };

function job(fields: Record<string, unknown>, more: More = {}): ForecastState {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const { record, cursor } = newJob("j1", defined.value, T0);
  return { job: defined.value, record, cursor: { ...cursor, ...more.cursor }, usersPerFire: more.usersPerFire };
}

const spentOf = (runs: number, usd: number, tokens: number) => addSpend(undefined, { runs, usd, tokens }, "2026-10-01");
const firesByDay = (state: ForecastState, window = WEEK, now = T0) =>
  Object.fromEntries(forecastJob(state, window, now).days.map(({ day, fires }) => [day, fires]));

describe("the fires of a job by day", () => {
  it("are those of its schedule, for any schedule, zone and window", () => {
    const schedules = fc.constantFrom<Record<string, unknown>>(
      { every: "37m" },
      { every: "90m", exclude: ["SAT", "22:00-07:00"], timezone: "Europe/Berlin" },
      { cron: "30 2 * * *", timezone: "Europe/Berlin" },
      { cron: "*/20 0-3 * * *", timezone: "America/Havana", jitter: "10m" },
      { rrule: "FREQ=HOURLY;INTERVAL=5", timezone: "America/New_York" },
      { cron: "0 9 * * 1-5", starts_at: "2026-10-27T00:00:00Z", ends_at: "2026-11-02T12:00:00Z" },
      { at: "2026-10-25T00:30:00Z" },
    );
    const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe");
    fc.assert(
      fc.property(
        schedules,
        zones,
        fc.integer({ min: 0, max: 3 * 24 * 60 }),
        fc.integer({ min: 1, max: 14 * 24 * 60 }),
        (schedule, timeZone, startMinutes, minutes) => {
          const state = job({ schedule });
          const from = T0 + startMinutes * MINUTE_MS;
          const to = from + minutes * MINUTE_MS;
          const expected: Record<string, number> = {};
          for (const at of firesOf(state.job, state.record).between(Math.max(from, T0 + 1), to - 1, 10_000)) {
            const day = formatLocal(at, timeZone).slice(0, 10);
            expected[day] = (expected[day] ?? 0) + 1;
          }
          expect(firesByDay(state, { from, to, timeZone })).toEqual(expected);
        },
      ),
      { numRuns: 100 },
    );
  });

  it("begin with the one that the agent asked for, and continue in the schedule's phase", () => {
    const chosen = job({ schedule: { every: "1h" } }, { cursor: { nextDueAt: T0 + 50 * HOUR_MS + MINUTE_MS } });
    expect(firesByDay(chosen, { ...WEEK, to: T0 + 52 * HOUR_MS })).toEqual({ "2026-10-25": 2 });
  });

  it("are none while the job is paused, and begin at its resumption if it resumes by itself", () => {
    const paused = job({ schedule: { every: "1h" }, enabled: false });
    expect(forecastJob(paused, WEEK, T0)).toMatchObject({ fires: 0, days: [] });
    const until = { ...paused, record: { ...paused.record, resumeAt: T0 + 6 * DAY_MS } };
    expect(firesByDay(until)).toEqual({ "2026-10-29": 14, "2026-10-30": 9 });
    expect(forecastJob({ ...paused, record: { ...paused.record, finishedAt: T0 } }, WEEK, T0).fires).toBe(0);
  });

  it("that lie before now are not counted, and one that is overdue comes now", () => {
    const state = job({ schedule: { every: "1h" } });
    const now = T0 + 5.5 * HOUR_MS;
    expect(forecastJob(state, { ...WEEK, to: T0 + 8.5 * HOUR_MS }, now).fires).toBe(1 + 3);
  });

  it("end with max_runs, which a fire that the budget skips does not count against", () => {
    const three = { schedule: { every: "6h", max_runs: 3 } };
    expect(forecastJob(job(three), WEEK, T0).fires).toBe(3);
    expect(forecastJob(job(three, { cursor: { fires: 2 } }), WEEK, T0).fires).toBe(1);
    expect(forecastJob(job({ ...three, budget: { runs_per_day: 1 } }), WEEK, T0)).toMatchObject({
      fires: 2 + 4 + 1,
      runs: 3,
    });
  });

  it("use up max_runs and the whole budget from now on, also before a window that begins later", () => {
    const later = { ...WEEK, from: T0 + 2 * DAY_MS };
    const nine = { schedule: { every: "6h", max_runs: 9 } };
    expect(forecastJob(job(nine), later, T0).fires).toBe(2);
    expect(forecastJob(job({ ...nine, budget: { runs_per_day: 3 } }), later, T0).runs).toBe(3);
    expect(forecastJob(job({ schedule: { rrule: "FREQ=HOURLY;INTERVAL=6", max_runs: 9 } }), later, T0).fires).toBe(2);
    const spent = { cursor: { spent: spentOf(10, 10, 0) } };
    expect(forecastJob(job({ schedule: { every: "6h" }, budget: { usd_total: 19 } }, spent), later, T0).runs).toBe(2);
    const farFrom = T0 + 365_000 * DAY_MS;
    const far = { ...WEEK, from: farFrom, to: farFrom + DAY_MS };
    const many = { schedule: { every: "6h", max_runs: 4 * 365_000 }, budget: { runs_per_day: 9 } };
    expect(forecastJob(job(many), far, T0).fires).toBe(1);
  });

  it("are counted without a walk for a job every second, and estimated for a rule that fires as often", () => {
    const month = { ...WEEK, to: T0 + 31 * DAY_MS };
    const everySecond = forecastJob(job({ schedule: { every: "1s" } }), month, T0);
    expect(everySecond).toMatchObject({ fires: 31 * 86_400 - 1 });
    expect(everySecond).not.toHaveProperty("estimated");
    const rule = forecastJob(job({ schedule: { rrule: "FREQ=MINUTELY;BYSECOND=0,30" } }), month, T0);
    expect(rule.estimated).toBe(true);
    expect(Math.abs(rule.fires - 31 * 2_880)).toBeLessThan(10);
    const later = { ...month, from: month.from + 40 * DAY_MS, to: month.to + 40 * DAY_MS };
    const afterwards = forecastJob(job({ schedule: { rrule: "FREQ=MINUTELY;BYSECOND=0,30" } }), later, T0);
    expect(Math.abs(afterwards.fires - 31 * 2_880)).toBeLessThan(10);
  });
});

describe("the cost", () => {
  it("is the average of the runs so far, and unknown before the first", () => {
    const daily = { schedule: { cron: "0 12 * * *" } };
    const known = forecastJob(job(daily, { cursor: { spent: spentOf(4, 1, 1000) } }), WEEK, T0);
    expect(known).toMatchObject({ fires: 7, runs: 7, usd: 1.75, tokens: 1750, average: { usd: 0.25, tokens: 250 } });
    expect(known.days[0]).toEqual({ day: "2026-10-23", fires: 1, runs: 1, usd: 0.25, tokens: 250 });
    expect(forecastJob(job(daily), WEEK, T0)).not.toHaveProperty("usd");
  });

  it.each([
    ["runs_per_day", { runs_per_day: 5 }, 5, 5 * 7 + 5],
    ["usd_per_day, the last run going beyond it", { usd_per_day: 1.1 }, 5, 40],
    ["tokens_per_day", { tokens_per_day: 1000 }, 4, 32],
    ["usd_total, of which 2 are spent", { usd_total: 3 }, 4, 4],
  ])("stops at the budget: %s", (_, budget, onFirstDay, inAll) => {
    const state = job({ schedule: { every: "1h" }, budget }, { cursor: { spent: spentOf(8, 2, 2000) } });
    const forecast = forecastJob(state, { ...WEEK, to: T0 + 7 * DAY_MS }, T0);
    expect(forecast.days[0]?.runs).toBe(onFirstDay);
    expect(forecast.runs).toBe(inAll);
    expect(forecast.fires).toBe(7 * 24 - 1);
  });

  it("is bound by the days of the budget's zone, even if days of another zone are shown", () => {
    const spent = addSpend(undefined, { runs: 3 }, "2026-10-23");
    const state = job({ schedule: { every: "1h" }, budget: { runs_per_day: 5 } }, { cursor: { spent } });
    const shown = forecastJob(state, { ...WEEK, timeZone: "Asia/Tokyo" }, T0);
    // Days of Tokyo begin at 15:00 UTC: five runs after each midnight of UTC, all in the second part of a day that is shown.
    expect(shown.days.map(({ runs }) => runs)).toEqual([2, 5, 5, 5, 5, 5, 5, 5]);
    expect(shown.runs).toBe(forecastJob(state, WEEK, T0).runs);
  });

  it("subtracts what was spent today", () => {
    const spent = addSpend(undefined, { runs: 3 }, "2026-10-23");
    const state = job({ schedule: { every: "1h" }, budget: { runs_per_day: 5 } }, { cursor: { spent } });
    expect(forecastJob(state, WEEK, T0).days.map(({ runs }) => runs)).toEqual([2, 5, 5, 5, 5, 5, 5, 5]);
  });

  it("of a job for all users is that of a run for each user of its last fan-out", () => {
    const fields = { schedule: { cron: "0 12 * * *" }, exec_scope: "all_users" };
    const state = job(fields, { cursor: { spent: spentOf(100, 10, 0) }, usersPerFire: 50 });
    expect(forecastJob(state, WEEK, T0)).toMatchObject({ fires: 7, runs: 350, usd: 35 });
  });

  it("is summed over jobs by day", () => {
    const one = forecastJob(job({ schedule: { cron: "0 12 * * *" } }), WEEK, T0);
    const other = forecastJob(
      job({ schedule: { cron: "0 12 * * 1" } }, { cursor: { spent: spentOf(1, 0.1, 3) } }),
      WEEK,
      T0,
    );
    const sums = sumForecasts([one, other, other]);
    expect(sums.map(({ day }) => day)).toEqual(one.days.map(({ day }) => day));
    expect(sums.find(({ day }) => day === "2026-10-26")).toEqual({
      day: "2026-10-26",
      fires: 3,
      runs: 3,
      usd: 0.2,
      tokens: 6,
    });
  });
});
