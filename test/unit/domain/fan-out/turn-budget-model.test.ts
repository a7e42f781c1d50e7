/**
 * The budget of a fan-out under random histories of decideTurn: answers in any order, each with its cost, kills that lose calls in
 * flight and what is not written, and midnight between two users. The spend of a shard is read off its log again after a kill.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideTurn, type ShardState } from "../../../../src/domain/fan-out/turn.ts";
import type { FanOutSpec } from "../../../../src/domain/fan-out/user-run.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { addSpend, dayOf, type Spent } from "../../../../src/domain/run/budget.ts";
import { readControl } from "../../../../src/domain/run/control.ts";
import type { Run } from "../../../../src/domain/run/run.ts";
import { keyOfUserRun, userKey } from "../../../../src/domain/run/run-id.ts";
import type { Budget } from "../../../../src/schema/control.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { MINUTE_MS } from "../../../../src/schema/limits.ts";
import { bySize } from "../../../size.ts";

const ZONE = { timezone: "Europe/Berlin" };
/** Ten minutes before the midnight of a day in whose night Berlin's clocks go back. */
const T0 = Date.UTC(2026, 9, 24, 21, 50, 0);
const USERS = Array.from({ length: 20 }, (_, i) => ({ userId: `u${i}`, key: userKey(`u${i}`) }));
const RULES = {
  retry: { maxAttempts: 2, minBackoffMs: 1_000, maxBackoffMs: 1_000 },
  completionTimeoutMs: 30_000,
  claimTimeoutMs: 60_000,
};

function specOf(budget: Budget, spent: Spent | undefined): FanOutSpec {
  const schedule = { cron: "50 23 * * *", ...ZONE };
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", exec_scope: "all_users", schedule, budget }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  const common = {
    number: 1,
    id: "j-f1",
    jobId: "j",
    trigger: "schedule",
    dueAt: T0,
    startedAt: T0,
    shards: 1,
  } as const;
  return { ...common, definition: defined.value.definition, spent };
}

class Shard {
  now = T0;
  readonly log = new Map<string, Run>();
  readonly flights = new Map<string, { readonly run: Run; readonly logged: boolean }>();
  spent: Spent | undefined;
  readonly #spec: FanOutSpec;
  readonly #concurrency: number;

  constructor(spec: FanOutSpec, concurrency: number) {
    this.#spec = spec;
    this.#concurrency = concurrency;
    this.spent = spec.spent;
  }

  get queued() {
    return USERS.filter(({ key }) => !this.log.has(key) && !this.flights.has(key));
  }

  turn(answers: ReadonlyMap<string, AttemptOutcome> = new Map()): void {
    for (let steering = answers; ; steering = new Map()) {
      const turn = decideTurn(this.#state(), { now: this.now, random: 0, answers: steering, callsLeft: 40 });
      this.spent = turn.spent;
      for (const { run } of [...turn.settle, ...turn.skip, ...turn.giveUp]) this.log.set(keyOfUserRun(run.id), run);
      for (const key of steering.keys()) this.flights.delete(key);
      for (const { run, before } of turn.call) {
        this.flights.set(keyOfUserRun(run.id), { run, logged: before !== undefined });
      }
      if (!turn.again) return;
    }
  }

  answer(pick: number, answer: AttemptOutcome): void {
    const key = [...this.flights.keys()][pick % Math.max(1, this.flights.size)];
    if (key !== undefined) this.turn(new Map([[key, answer]]));
  }

  kill(): void {
    this.flights.clear();
    const { schedule } = this.#spec.definition;
    let spent = this.#spec.spent;
    for (const { status, startedAt, finishedAt = startedAt, costUsd = 0, tokens = 0 } of this.log.values()) {
      if (status === "skipped") continue;
      spent = addSpend(spent, { runs: 1 }, dayOf(schedule, startedAt));
      if (costUsd + tokens > 0) spent = addSpend(spent, { usd: costUsd, tokens }, dayOf(schedule, finishedAt));
    }
    this.spent = spent;
    this.turn();
  }

  #state(): ShardState {
    const due = [...this.log.values()].filter((run) => run.phase !== "ended" && (run.wakeAt ?? 0) <= this.now);
    return {
      ...{ spec: this.#spec, rules: RULES, concurrency: this.#concurrency, interval: 0, nextCallAt: T0, due },
      ...{ flights: this.flights, toGiveUp: 0, queued: this.queued.slice(0, 10), waiting: this.queued.length },
      spent: this.spent,
    };
  }
}

const paid = (cost_usd: number): AttemptOutcome => ({
  kind: "success",
  steering: readControl({ cost_usd, tokens: 100 }),
});

/** Answers what is in flight until every user has had a run or a skip. */
function toTheEnd(shard: Shard, cost: number): void {
  for (let i = 0; i < 500 && (shard.flights.size > 0 || shard.queued.length > 0); i++) {
    shard.now += 1_500;
    shard.turn();
    shard.answer(0, paid(cost));
  }
}

const outcomes = (shard: Shard) => {
  const runs = [...shard.log.values()];
  return {
    ran: runs.filter(({ status }) => status !== "skipped"),
    skipped: runs.filter(({ status }) => status === "skipped"),
    usd: runs.reduce((sum, { costUsd = 0 }) => sum + costUsd, 0),
  };
};

describe("a fan-out with a budget", () => {
  it.each([
    ["usd_per_day", { usd_per_day: 5 }, 5],
    ["usd_total", { usd_total: 4.5 }, 5],
    ["tokens_per_day", { tokens_per_day: 300 }, 3],
    ["runs_per_day", { runs_per_day: 7 }, 7],
  ])("of runs that cost the same begins as many as %s has room for, at any concurrency", (_, budget, most) => {
    for (const concurrency of [1, 6, 20]) {
      const shard = new Shard(specOf(budget, undefined), concurrency);
      shard.turn();
      toTheEnd(shard, 1);
      expect([concurrency, outcomes(shard).ran.length, outcomes(shard).skipped.length]).toEqual([
        concurrency,
        most,
        20 - most,
      ]);
    }
  });

  it("of dollars does not reduce concurrency if runs cost nothing, or if only runs are limited", () => {
    const free = new Shard(specOf({ usd_per_day: 5 }, undefined), 6);
    free.turn();
    expect(free.flights.size).toBe(1);
    free.answer(0, paid(0));
    expect(free.flights.size).toBe(6);
    const bound = new Shard(specOf({ runs_per_day: 10 }, undefined), 6);
    bound.turn();
    expect(bound.flights.size).toBe(6);
  });

  it("is never exceeded on any day, survives kills without losing a run, and the fan-out ends", {
    timeout: 600_000,
  }, () => {
    const step = fc.oneof(
      fc.tuple(fc.nat(20), fc.integer({ min: 0, max: 3 })).map(
        ([pick, cost]) =>
          (shard: Shard) =>
            shard.answer(pick, paid(cost)),
      ),
      fc.nat(20).map((pick) => (shard: Shard) => shard.answer(pick, { kind: "retryable", reason: "503" })),
      fc.constant((shard: Shard) => shard.kill()),
      fc.integer({ min: 1, max: 4 * MINUTE_MS }).map((ms) => (shard: Shard) => {
        shard.now += ms;
        shard.turn();
      }),
    );
    const budgets = fc.constantFrom<Budget>(
      { runs_per_day: 7 },
      { usd_per_day: 5 },
      { usd_total: 9, runs_per_day: 12 },
      { tokens_per_day: 600 },
    );
    fc.assert(
      fc.property(budgets, fc.integer({ min: 1, max: 8 }), fc.array(step, { maxLength: 40 }), (budget, most, steps) => {
        const before = addSpend(undefined, { runs: 2, usd: 1, tokens: 200 }, dayOf(ZONE, T0));
        const shard = new Shard(specOf(budget, before), most);
        shard.turn();
        for (const next of steps) next(shard);
        toTheEnd(shard, 1);
        const { ran, skipped, usd } = outcomes(shard);
        expect(ran.length + skipped.length).toBe(USERS.length);
        expect(shard.spent?.total).toMatchObject({ runs: 2 + ran.length, usd: 1 + usd });
        for (const run of ran) {
          const day = dayOf(ZONE, run.startedAt);
          const had = day === before.day ? before.today : { runs: 0, usd: 0, tokens: 0 };
          const onDay = ran.filter(
            ({ finishedAt = Number.POSITIVE_INFINITY }) =>
              finishedAt < run.startedAt && dayOf(ZONE, finishedAt) === day,
          );
          const sum = (field: "costUsd" | "tokens") => onDay.reduce((all, one) => all + (one[field] ?? 0), 0);
          if (budget.usd_per_day) expect(had.usd + sum("costUsd")).toBeLessThan(budget.usd_per_day);
          if (budget.tokens_per_day) expect(had.tokens + sum("tokens")).toBeLessThan(budget.tokens_per_day);
          const begun = ran.filter(({ startedAt }) => dayOf(ZONE, startedAt) === day).length;
          if (budget.runs_per_day) expect(had.runs + begun).toBeLessThanOrEqual(budget.runs_per_day);
        }
      }),
      { numRuns: bySize(150, 10_000) },
    );
  });
});
