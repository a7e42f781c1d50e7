import { expect, it } from "vitest";
import type { Run } from "../../../../../src/schema/run.ts";
import { costByDay } from "../../../../../web/src/pages/job/cost-by-day.ts";
import { roundSpan } from "../../../../../web/src/time/format.ts";

const run = (finished_at: string, cost_usd?: number, tokens?: number): Run => ({
  id: finished_at,
  job_id: "j",
  session_id: "s",
  status: "success",
  trigger: "schedule",
  scheduled_at: finished_at,
  started_at: finished_at,
  finished_at,
  attempt: 1,
  ...(cost_usd === undefined ? {} : { cost_usd }),
  ...(tokens === undefined ? {} : { tokens }),
});

it("sums the cost of runs by the days of the schedule's zone, with days without a cost in between", () => {
  const runs = [
    run("2026-11-28T23:30:00Z", 0.2, 5),
    run("2026-11-28T22:30:00Z", 0.1),
    run("2026-11-26T12:00:00Z", 0.1),
    run("2026-11-26T11:00:00Z", 0.2),
    run("2026-11-20T12:00:00Z"),
  ];
  const days = costByDay({ schedule: { cron: "0 * * * *", timezone: "Europe/Berlin" } }, runs);
  expect(days).toHaveLength(14);
  expect(days.slice(-4).map(({ day, usd, tokens, count }) => [day, usd, tokens, count])).toEqual([
    ["2026-11-26", 0.3, 0, 2],
    ["2026-11-27", 0, 0, 0],
    ["2026-11-28", 0.1, 0, 1],
    ["2026-11-29", 0.2, 5, 1],
  ]);
  expect(costByDay({ schedule: { every: "1h" } }, [run("2026-11-20T12:00:00Z")])).toEqual([]);
});

it.each([
  [600_000, "10 min"],
  [5_000, "5 s"],
  [90 * 60_000, "1 h 30 min"],
  [2 * 3_600_000, "2 h"],
  [59_990, "1 min"],
])("shows %d ms as %s", (ms, words) => {
  expect(roundSpan(ms)).toBe(words);
});
