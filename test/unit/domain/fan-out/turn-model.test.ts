/**
 * decideTurn under random histories: time passing, kills at any moment, answers, refusals of the platform, small budgets of calls.
 * The shell around it is modelled by the few lines of `World`; the written log is what survives a kill.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideTurn, MAX_DUE_PER_TURN, nextTurnAt, type ShardState } from "../../../../src/domain/fan-out/turn.ts";
import { type FanOutSpec, startUserRun } from "../../../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { addSpend, dayOf, type Spent } from "../../../../src/domain/run/budget.ts";
import { isActive, type Run } from "../../../../src/domain/run/run.ts";
import { keyOfUserRun, userKey } from "../../../../src/domain/run/run-id.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { bySize } from "../../../size.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const USERS = Array.from({ length: 25 }, (_, i) => ({ userId: `u${i}`, key: userKey(`u${i}`) }));
const RULES = {
  retry: { maxAttempts: 3, minBackoffMs: 1_000, maxBackoffMs: 8_000 },
  completionTimeoutMs: 30_000,
  claimTimeoutMs: 60_000,
};

function specOf(fields: Record<string, unknown> = {}): FanOutSpec {
  const given = { name: "n", message: "m", exec_scope: "all_users", schedule: { every: "1h" }, ...fields };
  const defined = defineJob(JobInput.parse(given));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return {
    ...{ number: 1, id: "j-f1", jobId: "j", trigger: "schedule", dueAt: T0, startedAt: T0, shards: 1 },
    definition: defined.value.definition,
  };
}
const spec = specOf();

type Limits = {
  readonly concurrency: number;
  readonly interval: number;
  readonly callsPerWake: number;
  readonly budget?: { readonly runs_per_day: number } | undefined;
};

class World {
  now = T0;
  held: string | undefined;
  /** What is on disk, and ended runs that wait in memory to be written. */
  readonly log = new Map<string, Run>();
  #unwritten = new Map<string, Run>();
  #flights = new Map<string, { readonly run: Run; readonly logged: boolean }>();
  #nextCallAt = T0;
  readonly calls: { readonly id: string; readonly attempt: number; readonly at: number }[] = [];
  mostInFlight = 0;
  mostCallsInAWake = 0;
  /** Users that were called although no user was to be begun. */
  begunWhileHeld = 0;
  readonly #limits: Limits;
  readonly #spec: FanOutSpec;
  #spent: Spent | undefined;

  constructor(limits: Limits) {
    this.#limits = limits;
    this.#spec = limits.budget === undefined ? spec : specOf({ budget: limits.budget });
  }

  /** One invocation: turns until there is nothing to do at once, or its calls are used up. */
  wake(random: number, answers: ReadonlyMap<string, AttemptOutcome> = new Map()): void {
    let callsLeft = this.#limits.callsPerWake;
    let steering = answers;
    for (let turns = 0; ; turns++) {
      if (turns > 100) throw new Error("the shard turns without end");
      const turn = decideTurn(this.#state(), { now: this.now, random, answers: steering, callsLeft, held: this.held });
      for (const { run, before } of turn.settle) this.#put(run, before);
      for (const key of steering.keys()) this.#flights.delete(key);
      for (const { run } of [...turn.skip, ...turn.giveUp]) this.#put(run, undefined);
      this.#spent = turn.spent;
      if (this.held !== undefined) this.begunWhileHeld += turn.call.filter(({ user }) => user !== undefined).length;
      for (const { run, before } of turn.call) {
        if (before !== undefined) this.#put(run, before);
        this.#flights.set(keyOfUserRun(run.id), { run, logged: before !== undefined });
        this.calls.push({ id: run.id, attempt: run.attempt, at: this.now });
      }
      callsLeft -= turn.call.length;
      if (turn.outOfCalls) callsLeft = 0;
      this.#nextCallAt = turn.nextCallAt;
      this.mostInFlight = Math.max(this.mostInFlight, this.#flights.size);
      this.mostCallsInAWake = Math.max(this.mostCallsInAWake, this.#limits.callsPerWake - callsLeft);
      steering = new Map();
      if (!turn.again) return;
    }
  }

  /** The object dies: calls in flight and unwritten results are lost. */
  kill(): void {
    this.#flights.clear();
    this.#unwritten.clear();
    // As the store counts it: from the log.
    const begun = this.runs.filter(({ status }) => status !== "skipped").length;
    this.#spent = begun === 0 ? undefined : addSpend(undefined, { runs: begun }, dayOf(spec.definition.schedule, T0));
  }

  write(): void {
    for (const [key, run] of this.#unwritten) this.log.set(key, run);
    this.#unwritten.clear();
  }

  answer(pick: number, answer: AttemptOutcome, random: number): void {
    const keys = [...this.#flights.keys()];
    const key = keys[pick % Math.max(1, keys.length)];
    if (key !== undefined) this.wake(random, new Map([[key, answer]]));
  }

  /** Wakes for every timer up to then, as the alarm does. */
  advance(ms: number, random: number): void {
    const until = this.now + ms;
    for (let wakes = 0; ; wakes++) {
      const next = nextTurnAt(this.#state(), this.now);
      if (next > until || wakes > 200) break;
      this.now = Math.max(this.now, next);
      this.wake(random);
      if (nextTurnAt(this.#state(), this.now) <= this.now) break;
    }
    this.now = until;
  }

  /** Whether something waits that no alarm and no call would take up. */
  get isForgotten(): boolean {
    const waits = this.#queued().length > 0 || [...this.log.values()].some(isActive);
    return waits && this.#flights.size === 0 && nextTurnAt(this.#state(), this.now) === Number.POSITIVE_INFINITY;
  }

  get runs(): Run[] {
    return [...this.log.values()];
  }

  #queued() {
    return USERS.filter(({ key }) => !this.log.has(key) && !this.#unwritten.has(key) && !this.#flights.has(key));
  }

  #state(): ShardState {
    const waiting = [...this.log.values()].filter(isActive);
    const at = (run: Run): number => run.wakeAt ?? run.startedAt;
    const due = waiting.filter((run) => at(run) <= this.now).sort((a, b) => at(a) - at(b));
    const later = waiting.filter((run) => at(run) > this.now).map(at);
    const queued = this.#queued();
    return {
      ...{ spec: this.#spec, rules: RULES, concurrency: this.#limits.concurrency, interval: this.#limits.interval },
      spent: this.#spent,
      ...{ nextCallAt: this.#nextCallAt, flights: this.#flights, toGiveUp: 0 },
      ...{ queued: queued.slice(0, 10), waiting: queued.length },
      due: due.slice(0, MAX_DUE_PER_TURN + this.#flights.size),
      nextWakeAt: later.length === 0 ? undefined : Math.min(...later),
    };
  }

  #put(run: Run, before: Run | undefined): void {
    const key = keyOfUserRun(run.id);
    if (before === undefined && !isActive(run)) this.#unwritten.set(key, run);
    else this.log.set(key, run);
  }
}

const random = fc.double({ min: 0, max: 0.999, noNaN: true });
const answer: fc.Arbitrary<AttemptOutcome> = fc.oneof(
  fc.constant<AttemptOutcome>({ kind: "success", httpStatus: 200 }),
  fc.constant<AttemptOutcome>({ kind: "accepted", httpStatus: 202 }),
  fc.constant<AttemptOutcome>({ kind: "refused", httpStatus: 404, reason: "404" }),
  fc.constant<AttemptOutcome>({ kind: "gone", httpStatus: 410, reason: "410" }),
  fc.constant<AttemptOutcome>({ kind: "retryable", reason: "503", httpStatus: 503 }),
  fc.constant<AttemptOutcome>({ kind: "postponed" }),
);
type Step = (world: World) => void;
const stepOf = (answers: fc.Arbitrary<AttemptOutcome>): fc.Arbitrary<Step> =>
  fc.oneof(
    {
      weight: 3,
      arbitrary: fc.tuple(fc.nat(5), answers, random).map(
        ([pick, what, r]): Step =>
          (world) =>
            world.answer(pick, what, r),
      ),
    },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.nat(20_000), random).map(
        ([ms, r]): Step =>
          (world) =>
            world.advance(ms, r),
      ),
    },
    {
      weight: 1,
      arbitrary: random.map(
        (r): Step =>
          (world) =>
            world.wake(r),
      ),
    },
    { weight: 1, arbitrary: fc.constant<Step>((world) => world.write()) },
    { weight: 1, arbitrary: fc.constant<Step>((world) => world.kill()) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(undefined, undefined, "held: MODE=stopped").map(
        (why): Step =>
          (world) => {
            world.held = why;
          },
      ),
    },
  );
const limits = fc.record({
  concurrency: fc.integer({ min: 1, max: 6 }),
  interval: fc.constantFrom(0, 0, 700),
  callsPerWake: fc.integer({ min: 1, max: 8 }),
  budget: fc.constantFrom(undefined, undefined, { runs_per_day: 9 }),
});
const plan = fc.record({ limits, steps: fc.array(stepOf(answer), { maxLength: 60 }) });

function play({ limits, steps }: { limits: Limits; steps: Step[] }): World {
  const world = new World(limits);
  for (const next of steps) next(world);
  return world;
}

/** The agent answers every call from now on, and the object is not killed any more. */
function finish(world: World): void {
  world.held = undefined;
  for (let round = 0; round < 400; round++) {
    world.advance(1_000, 0.5);
    for (let i = 0; i < 6; i++) world.answer(0, { kind: "success", httpStatus: 200 }, 0.5);
    world.write();
  }
}

describe("under any history, with kills at any moment", () => {
  it("each user has exactly one run in the end, and it has ended", () => {
    fc.assert(
      fc.property(plan, (history) => {
        const world = play(history);
        finish(world);
        expect(world.runs.map(({ userId }) => userId).sort()).toEqual(USERS.map(({ userId }) => userId).sort());
        expect(world.runs.filter(isActive)).toEqual([]);
      }),
      { numRuns: bySize(150, 3_000) },
    );
  });

  it("no user is begun while users are held, and none beyond the budget: each has a skip that says so", () => {
    fc.assert(
      fc.property(plan, ({ limits: some, steps }) => {
        const world = play({ limits: { ...some, budget: { runs_per_day: 9 } }, steps });
        finish(world);
        expect(world.begunWhileHeld).toBe(0);
        const skipped = world.runs.filter(({ status }) => status === "skipped");
        expect(world.runs.length - skipped.length).toBeLessThanOrEqual(9);
        const reasons = new Set(skipped.map(({ error }) => error));
        for (const reason of reasons) expect(reason).toMatch(/^(held: MODE=stopped|budget: runs_per_day 9 is used up)/);
      }),
      { numRuns: bySize(150, 3_000) },
    );
  });

  it("never more calls are in flight than the bound, nor made in one invocation than its budget", () => {
    fc.assert(
      fc.property(plan, (history) => {
        const world = play(history);
        expect(world.mostInFlight).toBeLessThanOrEqual(history.limits.concurrency);
        expect(world.mostCallsInAWake).toBeLessThanOrEqual(history.limits.callsPerWake);
      }),
      { numRuns: bySize(200, 3_000) },
    );
  });

  it("every waiting run has a call in flight or a time at which it is taken up", () => {
    fc.assert(
      fc.property(plan, ({ limits: some, steps }) => {
        const world = new World(some);
        for (const next of steps) {
          next(world);
          expect(world.isForgotten).toBe(false);
        }
      }),
      { numRuns: bySize(200, 3_000) },
    );
  });

  it("no run has more attempts than its retry allows", () => {
    fc.assert(
      fc.property(plan, (history) => {
        const world = play(history);
        finish(world);
        for (const { attempt } of world.runs) expect(attempt).toBeLessThanOrEqual(RULES.retry.maxAttempts);
      }),
      { numRuns: bySize(150, 3_000) },
    );
  });

  it("calls are spaced by the rate", () => {
    fc.assert(
      fc.property(plan, ({ limits: some, steps }) => {
        const world = play({ limits: { ...some, interval: 700 }, steps });
        const span = (world.calls.at(-1)?.at ?? T0) - (world.calls[0]?.at ?? T0);
        // Calls a little late may be caught up on, so that the rate is that of the whole.
        expect(world.calls.length).toBeLessThanOrEqual(span / 700 + 2);
      }),
      { numRuns: bySize(150, 3_000) },
    );
  });

  it("a call that the platform refused is no attempt: the agent answers each user at the first", () => {
    const answers = fc.constantFrom<AttemptOutcome>({ kind: "success" }, { kind: "postponed" }, { kind: "postponed" });
    const picked = fc.array(fc.tuple(fc.nat(5), answers), { maxLength: 200 });
    fc.assert(
      fc.property(limits, picked, (some, said) => {
        const world = new World({ ...some, budget: undefined });
        for (const [pick, what] of said) {
          world.advance(1_000, 0);
          world.answer(pick, what, 0);
        }
        finish(world);
        expect(world.runs.map(({ status, attempt }) => [status, attempt])).toEqual(USERS.map(() => ["success", 1]));
      }),
      { numRuns: bySize(100, 3_000) },
    );
  });
});

describe("a turn", () => {
  const world = () => ({
    ...{ spec, rules: RULES, concurrency: 6, interval: 0, nextCallAt: 0, flights: new Map(), due: [], toGiveUp: 0 },
    ...{ queued: USERS.slice(0, 6), waiting: 25 },
  });
  const context = { now: T0, random: 0, answers: new Map(), callsLeft: 40 };

  it("decides the same for the same state", () => {
    expect(decideTurn(world(), context)).toEqual(decideTurn(world(), context));
  });

  it("calls as many users as there is room for, and waits for one of them to end", () => {
    const { call, again, nextAt, outOfCalls } = decideTurn(world(), context);
    expect([call.length, again, nextAt, outOfCalls]).toEqual([6, false, Number.POSITIVE_INFINITY, false]);
  });

  it("says when the invocation has no call left for waiting users", () => {
    expect(decideTurn(world(), { ...context, callsLeft: 2 })).toMatchObject({ outOfCalls: true, nextAt: T0 });
  });

  it("skips waiting users while fires are held, with the reason", () => {
    const { skip, call } = decideTurn(world(), { ...context, held: "held: MODE=stopped" });
    expect(call).toEqual([]);
    expect(skip.map(({ run }) => [run.status, run.error])).toEqual(
      USERS.slice(0, 6).map(() => ["skipped", "held: MODE=stopped"]),
    );
  });

  it("gives up the first waiting users and calls the others", () => {
    const { giveUp, call } = decideTurn({ ...world(), toGiveUp: 2 }, context);
    expect([giveUp.map(({ user }) => user?.userId), call.length]).toEqual([["u0", "u1"], 4]);
    expect(giveUp[0]?.run).toMatchObject({ status: "error", error: expect.stringContaining("interrupted again") });
  });

  it("starts the run of a user under the id that a crash would give it again", () => {
    const { call } = decideTurn(world(), context);
    expect(call[0]?.run.id).toBe(startUserRun(spec, "u0", userKey("u0"), T0 + 9_000).id);
  });
});
