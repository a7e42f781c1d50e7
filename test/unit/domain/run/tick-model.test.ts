/**
 * decideTick under random histories: time passing, kills before and after each step, agents' answers, cancellations.
 * The shell around it is modelled by the few lines of `World`; the recorded state is what survives a kill.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import type { Answer } from "../../../../src/domain/run/attempt-outcome.ts";
import { countEnded } from "../../../../src/domain/run/new-run.ts";
import { cancelRun, isActive, type Run } from "../../../../src/domain/run/run.ts";
import { decideTick, type TickState, timersOf } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const EVERY_MS = 7_000;

class World {
  now = T0;
  state: TickState;
  readonly log = new Map<string, Run>();
  readonly calls: { id: string; attempt: number }[] = [];
  #inFlight = new Set<string>();

  constructor(fields: Record<string, unknown>) {
    const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "7s" }, ...fields });
    const defined = defineJob(input);
    if (!defined.ok) throw new Error(JSON.stringify(defined.error));
    this.state = { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
  }

  /** The object wakes: decides, records, and (unless it is killed in between) acts. */
  wake(
    random: number,
    answers: ReadonlyMap<string, Answer> = new Map(),
    killed: "never" | "before" | "after record" = "never",
  ) {
    if (killed === "before") return this.kill();
    const context = { now: this.now, random, inFlight: this.#inFlight, answers };
    const result = decideTick(this.state, context);
    for (const id of answers.keys()) this.#inFlight.delete(id);
    for (const run of result.changed) this.log.set(run.id, run);
    this.state = { ...this.state, ...result };
    if (killed === "after record") return this.kill();
    for (const id of result.aborts) this.#inFlight.delete(id);
    for (const run of result.calls) {
      this.calls.push({ id: run.id, attempt: run.attempt });
      this.#inFlight.add(run.id);
    }
  }

  kill() {
    this.#inFlight = new Set();
  }

  /** Wakes by itself for every timer up to `until`, as the alarm and the loop do. */
  advance(ms: number, random: number) {
    const until = this.now + ms;
    for (;;) {
      const next = Math.min(
        ...timersOf(this.state, { now: this.now, inFlight: this.#inFlight })
          .filter((t) => t.kind !== "index" && t.kind !== "erase")
          .map((t) => t.at),
      );
      if (next > until) break;
      this.now = Math.max(this.now, next);
      this.wake(random);
    }
    this.now = until;
  }

  answer(pick: number, answer: Answer, random: number) {
    const ids = [...this.#inFlight];
    const id = ids[pick % Math.max(1, ids.length)];
    if (id !== undefined) this.wake(random, new Map([[id, answer]]));
  }

  cancel(pick: number) {
    const run = this.state.active[pick % Math.max(1, this.state.active.length)];
    if (run === undefined) return;
    const ended = cancelRun(run, this.now);
    this.#inFlight.delete(run.id);
    this.log.set(run.id, ended);
    this.state = {
      ...this.state,
      active: this.state.active.filter((other) => other.id !== run.id),
      cursor: countEnded(this.state.cursor, ended),
    };
  }

  get inFlight(): ReadonlySet<string> {
    return this.#inFlight;
  }
}

const answer: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant<Answer>({ kind: "success", httpStatus: 200 }),
  fc.constant<Answer>({ kind: "accepted", httpStatus: 202 }),
  fc.constant<Answer>({ kind: "refused", httpStatus: 404, reason: "404" }),
  fc.constant<Answer>({ kind: "retryable", reason: "503", httpStatus: 503 }),
  fc.constant<Answer>({ kind: "retryable", reason: "429", retryAfterMs: 20_000 }),
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
const history = fc.record({
  overlap: fc.constantFrom("skip", "buffer_one", "cancel_other", "allow_all"),
  catchup: fc.constantFrom("0s", "10s", "24h"),
  attempts: fc.integer({ min: 1, max: 3 }),
  steps: fc.array(step, { maxLength: 40 }),
});

function play({
  overlap,
  catchup,
  attempts,
  steps,
}: {
  overlap: string;
  catchup: string;
  attempts: number;
  steps: Step[];
}): World {
  const world = new World({
    overlap,
    catchup_window: catchup,
    completion_timeout: "30s",
    retry: { max_attempts: attempts },
  });
  for (const next of steps) {
    next(world);
    checkAlways(world);
  }
  return world;
}

function checkAlways(world: World) {
  const { state, now } = world;
  const timers = timersOf(state, { now, inFlight: world.inFlight });
  // Whatever waits is either held by a call in flight or has a timer: the object is always armed.
  for (const run of state.active) {
    const held = run.phase === "calling" && world.inFlight.has(run.id);
    expect(
      held || timers.some((timer) => timer.kind === "attempt" || timer.kind === "deadline" || timer.kind === "recover"),
    ).toBe(true);
  }
  expect(timers.some((timer) => timer.kind === "fire")).toBe(true);
}

describe("whatever happens, and whenever the process is killed", () => {
  it("each due time has exactly one run or skip, or is counted in one", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        world.advance(0, 0);
        const runs = [...world.log.values()];
        const dueTimes = runs.map((run) => run.dueAt);
        expect(new Set(dueTimes).size).toBe(dueTimes.length);
        const accounted = runs.reduce((sum, run) => sum + 1 + (run.missed ?? 0), 0);
        const waiting = world.state.record.buffered === undefined ? 0 : 1 + world.state.record.buffered.missed;
        expect(accounted + waiting).toBe(Math.floor((world.now - T0) / EVERY_MS));
      }),
      { numRuns: 300 },
    );
  });

  it("a run that stands for missed fires began within catchup_window of its due time", () => {
    fc.assert(
      fc.property(history, ({ overlap, ...plan }) => {
        // A fire that waits for the active run to end (buffer_one) begins later, and was caught up with all the same.
        const world = play({ ...plan, overlap: overlap === "buffer_one" ? "skip" : overlap });
        for (const run of world.log.values()) {
          if (run.status === "skipped" || !run.missed) continue;
          expect(run.startedAt - run.dueAt).toBeLessThanOrEqual(world.state.job.catchupWindowMs);
        }
      }),
      { numRuns: 300 },
    );
  });

  it("no run stays running past its deadlines once the agent is silent", () => {
    fc.assert(
      fc.property(history, (plan) => {
        const world = play(plan);
        const before = world.state.active.map((run) => run.id);
        // No answer ever comes again: every call is cut off by a kill, every wait runs out.
        for (let i = 0; i < 12; i++) {
          world.kill();
          world.advance(30_000, 0.5);
        }
        const still = world.state.active.filter((run) => before.includes(run.id));
        expect(still).toEqual([]);
      }),
      { numRuns: 200 },
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
      { numRuns: 200 },
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
      { numRuns: 200 },
    );
  });
});
