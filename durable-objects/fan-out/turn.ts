/**
 * The turns of a shard. Each reads the state for `decideTurn`, then records and calls what it decided. Only the end of a
 * run is recorded, one row a user, so a crash repeats the calls in flight under the same run ids.
 */
import { judgeRestart } from "../../src/domain/fan-out/restart.ts";
import {
  decideTurn,
  MAX_DUE_PER_TURN,
  MAX_PER_TURN,
  nextTurnAt,
  type ShardState,
  type Turn,
} from "../../src/domain/fan-out/turn.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import type { CompiledJob } from "../../src/domain/job/definition.ts";
import type { AttemptOutcome } from "../../src/domain/run/attempt-outcome.ts";
import { rulesOf } from "../../src/domain/run/rules.ts";
import type { Run } from "../../src/domain/run/run.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import type { CurrentFanOut } from "./current.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";

/** The outside of a turn. */
export type TurnEffects = {
  readonly random: () => number;
  /** Why no further user is called (`MODE`, `USER_JOBS`), if that is so. */
  readonly held: (spec: FanOutSpec) => string | undefined;
  /** Calls the agent for one attempt, until the deadline interrupts it. */
  readonly call: (job: CompiledJob, spec: FanOutSpec, run: Run, deadline: Deadline) => Promise<AttemptOutcome>;
};

export class Turns {
  readonly #current: CurrentFanOut;
  readonly #stored: StoredFanOut;
  readonly #store: FanOutStore;
  readonly #effects: TurnEffects;
  #nextCallAt: number;
  /** The number of users still to be given up. Undefined until the first user begins after a restart. */
  #toGiveUp: number | undefined;

  /** `isNew`: the fan-out was opened in this process, so there is no restart to judge. */
  constructor(
    current: CurrentFanOut,
    stored: StoredFanOut,
    store: FanOutStore,
    effects: TurnEffects,
    { isNew }: { readonly isNew: boolean },
  ) {
    this.#current = current;
    this.#stored = stored;
    this.#store = store;
    this.#effects = effects;
    this.#nextCallAt = stored.nextCallAt;
    this.#toGiveUp = isNew ? 0 : undefined;
  }

  /** Decides, records and calls. It takes the calls out of the budget. */
  take(budget: CallBudget, now: number): Turn {
    const { spec, log, flights } = this.#current;
    if (log.writeAt <= now) log.write();
    const answers = flights.takeAnswers(now);
    const held = spec.trigger === "manual" ? undefined : this.#effects.held(spec);
    const turn = decideTurn(this.#state(budget.left, held, now), {
      ...{ now, random: this.#effects.random(), answers, callsLeft: budget.left, held },
    });
    this.#record(turn, answers.keys(), now);
    if ([...answers.values()].some(({ kind }) => kind === "postponed") || turn.outOfCalls) budget.exhaust();
    this.#call(turn, budget, now);
    return turn;
  }

  /** The time of the next turn that no ending call announces (epoch ms, or infinity). */
  nextAt(now: number): number {
    return nextTurnAt(this.#state(0, undefined, now), now);
  }

  /** Stores when the next call is allowed, since the object may be asleep by then. */
  noteNextCall(): void {
    const { interval, queue, spec } = this.#current;
    if (interval > 0 && queue.size > 0) this.#store.noteNextCall(spec.number, this.#nextCallAt);
  }

  /** Reads the users to run next and the runs that are due. */
  #state(callsLeft: number, held: string | undefined, now: number): ShardState {
    const { spec, job, queue, log, flights, concurrency, interval, spent } = this.#current;
    const room = Math.min(concurrency, callsLeft);
    if (this.#toGiveUp === undefined && held === undefined && room > 0 && queue.size > 0) this.#judgeRestart();
    const toGiveUp = this.#toGiveUp ?? 0;
    const queued = queue.peek(held !== undefined || toGiveUp > 0 ? MAX_PER_TURN : room);
    const hasActive = log.tally.active > 0;
    return {
      ...{ spec, rules: rulesOf(job), concurrency, interval, nextCallAt: this.#nextCallAt },
      ...{ flights: flights.byKey, queued, waiting: queue.size, toGiveUp, spent },
      due: hasActive ? this.#store.dueRuns(spec, now, MAX_DUE_PER_TURN + flights.size) : [],
      nextWakeAt: hasActive ? this.#store.nextWake(spec.number, now) : undefined,
    };
  }

  #judgeRestart(): void {
    const { spec, log, concurrency } = this.#current;
    const { toGiveUp, writeThrough, note } = judgeRestart(this.#stored, log.tally.total, concurrency);
    if (writeThrough) log.writeThrough();
    this.#toGiveUp = toGiveUp;
    this.#store.noteBegin(spec.number, note.loggedAtLastStart, note.restartsWithoutProgress);
  }

  /** Settles ended runs in the log, in the spend, and in the batches of their users. */
  #record({ settle, giveUp, skip, agentGone, nextCallAt, spent }: Turn, answered: Iterable<string>, now: number): void {
    const current = this.#current;
    this.#nextCallAt = nextCallAt;
    current.noteSpent(spent);
    if (agentGone !== undefined) current.noteAgentGone(agentGone);
    for (const { run, before } of settle) current.log.put(run, before, now);
    for (const key of answered) current.land(key);
    for (const { run } of [...giveUp, ...skip]) {
      const taken = current.queue.next();
      current.log.put(run, undefined, now);
      if (taken !== undefined) current.endIn(taken.batch);
    }
    if (this.#toGiveUp !== undefined) this.#toGiveUp -= giveUp.length;
  }

  #call(turn: Turn, budget: CallBudget, now: number): void {
    const { spec, job, log, queue } = this.#current;
    for (const { run, before } of turn.call) {
      budget.take();
      if (before !== undefined) log.put(run, before, now);
      const batch = before === undefined ? queue.next()?.batch : undefined;
      this.#current.begin({ run, logged: before !== undefined, batch }, now, (deadline) =>
        this.#effects.call(job, spec, run, deadline),
      );
    }
  }
}
