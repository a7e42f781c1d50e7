/**
 * decideTick under random histories: time passing, kills before and after each step, agents' answers, cancellations.
 * The shell around it is modelled by the few lines of `World`; the recorded state is what survives a kill.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { waitingBackfills } from "../../../../src/domain/job/backfill.ts";
import { restOf } from "../../../../src/domain/job/job.ts";
import { changeByPatch, changeByPause, changeByResume } from "../../../../src/domain/job/job-change.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { readControl } from "../../../../src/domain/run/control.ts";
import { isActive } from "../../../../src/domain/run/run.ts";
import { isOver, MAX_CALLS, timersOf } from "../../../../src/domain/run/tick.ts";
import { HELD_CHECK_MS } from "../../../../src/schema/limits.ts";
import { bySize } from "../../../size.ts";
import { EVERY_MS, T0, World } from "./world.ts";

const answer: fc.Arbitrary<AttemptOutcome> = fc.oneof(
  fc.constant<AttemptOutcome>({ kind: "success", httpStatus: 200 }),
  fc.constant<AttemptOutcome>({ kind: "accepted", httpStatus: 202 }),
  fc.constant<AttemptOutcome>({ kind: "refused", httpStatus: 404, reason: "404" }),
  fc.constant<AttemptOutcome>({ kind: "retryable", reason: "503", httpStatus: 503 }),
  fc.constant<AttemptOutcome>({ kind: "retryable", reason: "429", retryAfterMs: 20_000 }),
);
const random = fc.double({ min: 0, max: 0.999, noNaN: true });
type Step = (world: World) => void;
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 30_000 }), random).map(
    ([ms, r]): Step =>
      (world) =>
        world.advance(ms, r),
  ),
  fc.tuple(fc.nat(5), answer, random).map(
    ([pick, what, r]): Step =>
      (world) =>
        world.answer(pick, what, r),
  ),
  fc.nat(5).map(
    (pick): Step =>
      (world) =>
        world.cancel(pick),
  ),
  fc.integer({ min: 0, max: 90_000 }).map(
    (ms): Step =>
      (world) => {
        world.kill();
        world.now += ms;
      },
  ),
  fc.tuple(random, fc.constantFrom("before" as const, "after record" as const)).map(
    ([r, when]): Step =>
      (world) =>
        world.wake(r, new Map(), when),
  ),
);
const hold: fc.Arbitrary<Step> = fc.constantFrom(undefined, "held: MODE=stopped", "held: USER_JOBS=false").map(
  (why): Step =>
    (world) => {
      world.held = why;
    },
);
/** Calls of people during the history. */
const call: fc.Arbitrary<Step> = fc.oneof(
  fc.constant<Step>((world) => world.change((state, now) => changeByPause(state, {}, now))),
  fc.constant<Step>((world) => world.change((state, now) => changeByPause(state, { until: "25s" }, now))),
  fc.constant<Step>((world) => world.change(changeByResume)),
  fc.constantFrom("5s", "7s", "11s").map(
    (every): Step =>
      (world) =>
        world.change((state, now) => changeByPatch(state, { role: "admin" }, { schedule: { every } }, now)),
  ),
  fc.integer({ min: 1, max: 6 }).map(
    (fires): Step =>
      (world) =>
        world.backfill(fires),
  ),
  fc.constant<Step>((world) => world.dropBackfills()),
  fc.constant<Step>((world) => world.trigger()),
  fc.constantFrom("1s", "7s", "20s").map(
    (next_in): Step =>
      (world) =>
        world.answer(0, { kind: "success", steering: readControl({ next_in }) }, 0),
  ),
);
const history = fc.record({
  overlap: fc.constantFrom("skip", "buffer_one", "cancel_other", "allow_all"),
  catchup: fc.constantFrom("0s", "10s", "24h"),
  attempts: fc.integer({ min: 1, max: 3 }),
  callsPerWake: fc.constantFrom(1, 2, 40),
  steps: fc.array(fc.oneof({ arbitrary: step, weight: 5 }, { arbitrary: hold, weight: 1 }), { maxLength: 40 }),
});
/** A history with calls of the API in between. */
const busyHistory = history.chain((plan) =>
  fc
    .array(fc.oneof({ arbitrary: step, weight: 3 }, { arbitrary: hold, weight: 1 }, { arbitrary: call, weight: 2 }), {
      maxLength: 60,
    })
    .map((steps) => ({ ...plan, steps })),
);

type History = {
  readonly overlap: string;
  readonly catchup: string;
  readonly attempts: number;
  readonly callsPerWake: number;
  readonly steps: readonly Step[];
};

function play({ overlap, catchup, attempts, callsPerWake, steps }: History): World {
  const world = new World({
    overlap,
    catchup_window: catchup,
    completion_timeout: "30s",
    pacing: { min: "2s", max: "15s" },
    retry: { max_attempts: attempts },
  });
  world.callsPerWake = callsPerWake;
  for (const next of steps) {
    next(world);
    checkAlways(world);
  }
  return world;
}

function checkAlways(world: World) {
  const { state, now } = world;
  const timers = timersOf(state, { now, inFlight: world.inFlight, held: world.held });
  const calling = state.active.filter((run) => run.phase === "calling");
  expect(calling.length).toBeLessThanOrEqual(MAX_CALLS);
  // Every waiting run or fire has a call in flight or a timer, so the object is always armed.
  for (const run of state.active) {
    const held = run.phase === "calling" && world.inFlight.has(run.id);
    // Beyond six calls a run waits for one of them to end. Each of the six has a holder or a timer.
    const waits = run.phase === "pending" && calling.length === MAX_CALLS;
    expect(
      held ||
        waits ||
        timers.some((timer) => timer.kind === "attempt" || timer.kind === "deadline" || timer.kind === "recover"),
    ).toBe(true);
  }
  const rest = restOf(state.record, state.cursor);
  expect(rest?.kind === "paused" || timers.some((timer) => timer.kind === "fire")).toBe(true);
  const { resumeAt } = state.record;
  if (resumeAt !== undefined) expect(timers).toContainEqual({ kind: "resume", at: resumeAt });
  expect(isOver(state)).toBe(false);
  const { backfills: waiting, buffered } = state.record;
  const backfills = waiting.length > 0 && buffered === undefined && state.active.length === 0;
  const queueAt = world.held === undefined ? now : now + HELD_CHECK_MS;
  const queue = timers.filter((timer) => timer.kind === "queue").map(({ at }) => at);
  if (backfills) expect(queue).toEqual(rest === undefined ? [queueAt] : []);
}

describe("under any history, with kills at any moment", () => {
  it("each due time has exactly one run or skip, or is counted in one", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        world.advance(0, 0);
        const runs = [...world.log.values()];
        const dueTimes = runs.map((run) => run.dueAt);
        expect(new Set(dueTimes).size).toBe(dueTimes.length);
        const accounted = runs.reduce((sum, run) => sum + (run.count ?? 1) + (run.missed ?? 0), 0);
        const waiting = world.state.record.buffered === undefined ? 0 : 1 + world.state.record.buffered.missed;
        expect(accounted + waiting).toBe(Math.floor((world.now - T0) / EVERY_MS));
      }),
      { numRuns: bySize(300, 5_000) },
    );
  });

  it("a run that stands for missed fires began within catchup_window of its due time", () => {
    fc.assert(
      fc.property(history, ({ overlap, ...plan }) => {
        // A fire that waits for the active run to end (buffer_one) begins later, although it was caught up on.
        const world = play({ ...plan, overlap: overlap === "buffer_one" ? "skip" : overlap });
        for (const run of world.log.values()) {
          if (run.status === "skipped" || !run.missed) continue;
          expect(run.startedAt - run.dueAt).toBeLessThanOrEqual(world.state.job.catchupWindowMs);
        }
      }),
      { numRuns: bySize(300, 5_000) },
    );
  });

  it("no run stays running past its deadlines once the agent is silent", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        const before = world.state.active.map((run) => run.id);
        // No answer comes any more. Every call is cut off by a kill, and every wait runs out.
        for (let i = 0; i < 12; i++) {
          world.kill();
          world.advance(30_000, 0.5);
        }
        const still = world.state.active.filter((run) => before.includes(run.id));
        expect(still).toEqual([]);
      }),
      { numRuns: bySize(200, 5_000) },
    );
  });

  it("no attempt is made twice, and none without its run in the log", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        const keys = world.calls.map((call) => `${call.id} ${call.attempt}`);
        expect(new Set(keys).size).toBe(keys.length);
        for (const call of world.calls) expect(world.log.has(call.id)).toBe(true);
      }),
      { numRuns: bySize(200, 5_000) },
    );
  });

  it("at most one run is active at a time, except under allow_all; and the count of ended runs is the log's", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        if (plan.overlap !== "allow_all") expect(world.state.active.length).toBeLessThanOrEqual(1);
        const ended = [...world.log.values()].filter((run) => !isActive(run) && run.status !== "skipped");
        expect(world.state.cursor.runCount).toBe(ended.length);
      }),
      { numRuns: bySize(200, 5_000) },
    );
  });

  it("no wake exceeds its calls, and the next wake makes the remaining ones", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play({ ...plan, overlap: "allow_all" });
        expect(world.mostCallsInAWake).toBeLessThanOrEqual(plan.callsPerWake);
        world.advance(0, 0);
        const waits = world.state.active.filter((run) => run.phase === "pending" && (run.wakeAt ?? 0) <= world.now);
        const calling = world.state.active.filter((run) => run.phase === "calling").length;
        expect(waits.length === 0 || calling === MAX_CALLS).toBe(true);
      }),
      { numRuns: bySize(200, 5_000) },
    );
  });

  it("fires that are held in a row for one reason are one skipped run", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const runs = [...play(plan).log.values()].sort((a, b) => a.seq - b.seq);
        for (const [i, run] of runs.entries()) {
          if (run.count !== undefined) expect(run.error).not.toBe(runs[i - 1]?.error);
        }
      }),
      { numRuns: bySize(200, 5_000) },
    );
  });
});

describe("with any calls by people in between", () => {
  it("no fire or backfill starts while the job is paused or held", () => {
    fc.assert(
      fc.property(busyHistory, (plan) => {
        expect(play(plan).slippedThrough).toEqual([]);
      }),
      { numRuns: bySize(300, 5_000) },
    );
  });

  it("each due time of a schedule has one run or skip at most", () => {
    fc.assert(
      fc.property(busyHistory, (plan) => {
        const fires = [...play(plan).log.values()].filter((run) => run.trigger === "schedule");
        expect(new Set(fires.map((run) => run.dueAt)).size).toBe(fires.length);
      }),
      { numRuns: bySize(300, 5_000) },
    );
  });

  it("each event that was accepted has one run or skip, or waits for the active run", () => {
    fc.assert(
      fc.property(busyHistory, (plan) => {
        const world = play(plan);
        const waiting = world.state.record.buffered?.event?.id;
        for (const id of world.events) expect(world.log.has(id) !== (id === waiting)).toBe(true);
      }),
      { numRuns: bySize(300, 5_000) },
    );
  });

  it("each backfilled fire runs once, unless it is dropped: in the end none waits", () => {
    fc.assert(
      fc.property(busyHistory, (plan) => {
        // Only between two fires is a backfill begun, so the schedule leaves room for it in the end.
        const world = play(plan);
        const runs = () => [...world.log.values()].filter((run) => run.trigger === "backfill").length;
        expect(runs() + waitingBackfills(world.state.record)).toBe(world.backfilled);
        world.held = undefined;
        world.change(changeByResume);
        for (let i = 0; i < 2_000 && waitingBackfills(world.state.record) > 0; i++) {
          world.advance(500, 0);
          for (const id of [...world.inFlight]) world.wake(0, new Map([[id, { kind: "success" }]]));
        }
        expect(runs()).toBe(world.backfilled);
      }),
      { numRuns: bySize(100, 5_000) },
    );
  });
});
