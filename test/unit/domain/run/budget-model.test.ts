/**
 * A budget under random histories of decideTick: time passing over days and clock changes, kills, answers and completions that cost
 * something and steer the job, events, calls of people. What a job spends is recorded with its runs, so no kill loses or repeats any of it.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changeByPatch, changeByResume } from "../../../../src/domain/job/job-change.ts";
import { changeByRunNow } from "../../../../src/domain/job/start-run.ts";
import { ok } from "../../../../src/domain/result.ts";
import { dayOf } from "../../../../src/domain/run/budget.ts";
import { readControl } from "../../../../src/domain/run/control.ts";
import type { Run } from "../../../../src/domain/run/run.ts";
import { changeByCompletion } from "../../../../src/domain/run/run-change.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";
import { bySize } from "../../../size.ts";
import { World } from "./world.ts";

const ZONE = { timezone: "Europe/Berlin" };
/** Two days before the night in which Berlin's clocks go back, and forward. */
const STARTS = [Date.UTC(2026, 9, 23, 9), Date.UTC(2027, 2, 26, 9)];
const LIMITS = { runs_per_day: 9, usd_per_day: 5, usd_total: 40 };

type Step = (world: World) => void;
const PACING = { min: "3m", max: "6h" };
const cost = fc.integer({ min: 0, max: 4 });
/** What the agent asks for besides telling its cost; it is seldom done. */
const wish = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom({}, { next_in: "10m" }, { next_in: "1s" }, { next_in: "30h" }, { unchanged: true }),
  },
  { weight: 2, arbitrary: fc.constantFrom({ pause: "wait" }, { next_at: "2020-01-01T00:00:00Z" }, { next_in: "-1h" }) },
  { weight: 1, arbitrary: fc.constantFrom({ done: true }, { done: true, next_in: "10m" }) },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.integer({ min: 0, max: 9 * HOUR_MS }).map(
    (ms): Step =>
      (world) =>
        world.advance(ms, 0.5),
  ),
  fc.tuple(fc.nat(5), cost, wish).map(
    ([pick, cost_usd, wishes]): Step =>
      (world) => {
        const steering = readControl({ cost_usd, tokens: cost_usd * 100, ...wishes });
        world.answer(pick, { kind: "success", steering }, 0.5);
      },
  ),
  fc.nat(5).map(
    (pick): Step =>
      (world) =>
        world.answer(pick, { kind: "accepted", httpStatus: 202 }, 0.5),
  ),
  fc.tuple(fc.nat(5), cost, wish).map(
    ([pick, cost_usd, wishes]): Step =>
      (world) => {
        const waiting = world.state.active.filter(({ phase }) => phase === "waiting");
        const run = waiting[pick % Math.max(1, waiting.length)];
        const body = { status: "success" as const, control: { cost_usd, tokens: cost_usd * 100, ...wishes } };
        if (run !== undefined) world.change((state, now) => ok(changeByCompletion(state, run, body, now)));
      },
  ),
  fc.constant<Step>((world) => world.trigger()),
  fc.constant<Step>((world) => world.change(changeByResume)),
  fc.nat(5).map(
    (pick): Step =>
      (world) =>
        world.answer(pick, { kind: "retryable", reason: "503" }, 0),
  ),
  fc.nat(5).map(
    (pick): Step =>
      (world) =>
        world.cancel(pick),
  ),
  fc.integer({ min: 0, max: 30 * HOUR_MS }).map(
    (ms): Step =>
      (world) => {
        world.kill();
        world.now += ms;
      },
  ),
  fc.constantFrom("before" as const, "after record" as const).map(
    (when): Step =>
      (world) =>
        world.wake(0, new Map(), when),
  ),
  fc.constant<Step>((world) =>
    world.change((state, now) => changeByRunNow(state, {}, `call ${state.cursor.lastSeq}`, now)),
  ),
  fc.constant<Step>((world) =>
    world.change((state, now) => changeByPatch(state, { role: "admin" }, { description: String(now) }, now)),
  ),
);
const history = fc.record({
  overlap: fc.constantFrom("skip", "buffer_one", "allow_all"),
  start: fc.constantFrom(...STARTS),
  steps: fc.array(step, { maxLength: 40 }),
});

/** Runs that were begun, in the order of their beginning. */
const begun = (world: World): Run[] =>
  [...world.log.values()].filter(({ status }) => status !== "skipped").sort((a, b) => a.startedAt - b.startedAt);
const onDay = (at: number): string => dayOf(ZONE, at);

describe("a job with a budget", () => {
  it("never begins a run beyond it on any day, and knows its spend", { timeout: 600_000 }, () => {
    fc.assert(
      fc.property(history, ({ overlap, start, steps }) => {
        const schedule = { cron: "*/20 * * * *", ...ZONE };
        const world = new World({ overlap, schedule, budget: LIMITS, pacing: PACING, completion_timeout: "2h" }, start);
        for (const next of steps) next(world);

        const runs = begun(world);
        const days = new Map<string, number>();
        for (const run of runs) days.set(onDay(run.startedAt), (days.get(onDay(run.startedAt)) ?? 0) + 1);
        for (const [day, count] of days) expect([day, count <= LIMITS.runs_per_day]).toEqual([day, true]);
        for (const run of runs) {
          const paid = runs.filter(({ finishedAt = Number.POSITIVE_INFINITY }) => finishedAt < run.startedAt);
          const usd = (of: readonly Run[]) => of.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0);
          const today = paid.filter(({ finishedAt = 0 }) => onDay(finishedAt) === onDay(run.startedAt));
          expect(usd(today)).toBeLessThan(LIMITS.usd_per_day);
          expect(usd(paid)).toBeLessThan(LIMITS.usd_total);
        }
        const { total } = world.state.cursor.spent ?? { total: { runs: 0, usd: 0 } };
        expect(total.runs).toBe(runs.length);
        expect(total.usd).toBe(runs.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0));
        expect(world.slippedThrough).toEqual([]);
        for (const { nextAt, finishedAt = 0 } of runs) {
          if (nextAt === undefined) continue;
          expect(nextAt - finishedAt).toBeGreaterThanOrEqual(3 * MINUTE_MS);
          expect(nextAt - finishedAt).toBeLessThanOrEqual(6 * HOUR_MS);
        }
        const { finishedAt } = world.state.record;
        if (finishedAt !== undefined) expect(runs.every(({ startedAt }) => startedAt <= finishedAt)).toBe(true);
      }),
      { numRuns: bySize(200, 10_000) },
    );
  });
});
