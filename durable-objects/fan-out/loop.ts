/**
 * A shard of a fan-out that is awake: decide, record, call, record. Only the end of a run is recorded, one row a user, and ended
 * runs wait a moment in memory to be written together (`log.ts`). So a crash makes the calls that were in flight or just
 * answered again, under the same run ids, and never a second run in the log.
 */
import { ATTEMPT_GRACE_MS } from "../../src/agent/attempt.ts";
import {
  decideTurn,
  judgeRestart,
  MAX_DUE_PER_TURN,
  MAX_PER_TURN,
  nextTurnAt,
  type Turn,
} from "../../src/domain/fan-out/turn.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import type { CompiledJob } from "../../src/domain/job/definition.ts";
import type { Answer } from "../../src/domain/run/attempt-outcome.ts";
import { addSpend, dayOf, type Spent } from "../../src/domain/run/budget.ts";
import { rulesOf } from "../../src/domain/run/rules.ts";
import { isActive, type Run } from "../../src/domain/run/run.ts";
import { keyOfUserRun } from "../../src/domain/run/run-id.ts";
import { errorText } from "../../src/domain/text/error-text.ts";
import { formatDuration } from "../../src/domain/time/duration.ts";
import type { ShardStatus } from "../../src/objects/fan-out.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import type { Alarm } from "../shared/alarm.ts";
import { Calls } from "../shared/calls.ts";
import { MAX_ALARM_MS, Nap } from "../shared/wait.ts";
import { type CurrentFanOut, currentFanOut } from "./current.ts";
import { countsOf } from "./log.ts";
import type { OpenBatch } from "./queue.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";

/** A wait for the next allowed call or retry that is no longer than this is sat out: an alarm would cost a row. */
const MAX_NAP_MS = 10_000;

/** The outside of the loop. */
export type ShardEffects = {
  readonly now: () => number;
  readonly random: () => number;
  /** Why no further user is called (`MODE`, `USER_JOBS`), if so. */
  readonly held: (spec: FanOutSpec) => string | undefined;
  /** Calls the agent for one attempt, until the deadline is interrupted. */
  readonly call: (job: CompiledJob, spec: FanOutSpec, run: Run, deadline: Deadline) => Promise<Answer>;
  /** How many calls one wake may make: asked at the beginning of each. */
  readonly budget: () => CallBudget;
  /** Tells the job that this shard is idle, or was answered 410. Never throws. */
  readonly report: (spec: FanOutSpec) => Promise<void>;
  readonly alarm: Pick<Alarm, "set" | "by">;
};

/** `logged`: the log holds this run already, in an earlier form. */
type Flight = { readonly run: Run; readonly logged: boolean; readonly batch: OpenBatch | undefined };

export class FanOutLoop {
  readonly #store: FanOutStore;
  readonly #effects: ShardEffects;
  readonly #calls: Calls<Answer>;
  readonly #flights = new Map<string, Flight>();
  readonly #nap = new Nap();
  #current: CurrentFanOut | undefined;
  #loaded = false;
  #nextCallAt = 0;
  /** What the job has spent, where it has a budget. */
  #spent: Spent | undefined;
  /** Users still to be given up; undefined until the first one is begun after a restart. */
  #toGiveUp: number | undefined;
  #reported = false;
  #running = false;
  #stopped = false;
  /** Something has happened that the running loop has not looked at. */
  #dirty = false;
  /** An answer could not be recorded while no alarm was running. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: FanOutStore, effects: ShardEffects) {
    this.#store = store;
    this.#effects = effects;
    this.#calls = new Calls<Answer>({
      graceMs: ATTEMPT_GRACE_MS,
      givenUp: (timeoutMs) => ({
        kind: "retryable",
        reason: `timed out after ${formatDuration(timeoutMs)}: the call did not end when its time was over`,
      }),
      threw: (error) => ({ kind: "refused", reason: `the call could not be made: ${errorText(error)}` }),
      answered: () => this.#answered(),
    });
  }

  /** The fan-out that this shard works on: the newest that it was handed users of. Others are only kept. */
  get current(): CurrentFanOut | undefined {
    if (this.#loaded) return this.#current;
    const stored = this.#store.newest();
    this.#current = stored === undefined ? undefined : currentFanOut(stored, this.#store);
    this.#nextCallAt = stored?.nextCallAt ?? 0;
    this.#spent = stored?.spec.definition.budget === undefined ? undefined : this.#store.spent(stored.spec);
    this.#loaded = true;
    return this.#current;
  }

  /** Writes what of the log is still in memory, for whoever reads the tables. */
  write(): void {
    this.#current?.log.write();
  }

  /** After the tables were changed: everything is read again, and calls in flight are aborted. */
  reset(): void {
    this.#hangUp();
    this.#toGiveUp = undefined;
    this.#loaded = false;
    this.poke();
  }

  /** A fan-out has been opened in this process, which therefore was not restarted since. */
  opened(): void {
    this.reset();
    this.#toGiveUp = 0;
  }

  /** Ends for good: nothing is called, logged or armed from here any more. */
  stop(): void {
    this.#hangUp();
    this.#current = undefined;
    this.#loaded = true;
    this.#stopped = true;
    this.#nap.wake();
  }

  #hangUp(): void {
    this.#calls.abortAll();
    this.#flights.clear();
  }

  /** A batch of so many users has been stored. */
  took(users: number): void {
    this.current?.queue.took(users);
    this.poke();
  }

  /** Something has changed: the running loop looks again, or an alarm runs it, if only to report that nothing is left. */
  poke(): void {
    this.#reported = false;
    this.#dirty = true;
    if (this.#running) this.#nap.wake();
    else if (!this.#stopped) this.#effects.alarm.by(this.#effects.now());
  }

  /** Makes sure that the alarm is set for what waits. */
  awaken(): void {
    if (!this.#running) this.#arm();
  }

  /** A run as it is now: in flight, or logged. */
  find(fanOut: StoredFanOut, key: string): Run | undefined {
    const current = this.current;
    if (fanOut.spec.no !== current?.spec.no) return this.#store.run(fanOut.spec, key);
    return this.#flights.get(key)?.run ?? current.log.find(key);
  }

  /** Calls in flight that the log does not hold. */
  unlogged(fanOut: StoredFanOut): Run[] {
    if (fanOut.spec.no !== this.current?.spec.no) return [];
    return [...this.#flights.values()].filter(({ logged }) => !logged).map(({ run }) => run);
  }

  /** Takes over a run that was changed from outside; a call of an ended one is aborted. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run): void {
    const current = this.current;
    if (fanOut.spec.no !== current?.spec.no) {
      this.#store.putRuns(fanOut.spec.no, [after]);
      return;
    }
    const flight = this.#flights.get(key);
    const now = this.#effects.now();
    current.log.put(after, flight === undefined || flight.logged ? before : undefined, now);
    const { budget, schedule } = current.spec.definition;
    if (budget !== undefined && !isActive(after)) {
      this.#spent = addSpend(this.#spent, { usd: after.costUsd ?? 0, tokens: after.tokens ?? 0 }, dayOf(schedule, now));
    }
    // The client hears of the change, so that it is written first.
    current.log.write();
    // A run that is claimed while its offer is being made is the agent's: the offer's answer counts no more.
    if (flight !== undefined && after.phase === "calling")
      this.#flights.set(key, { ...flight, run: after, logged: true });
    else {
      this.#calls.abort(key);
      this.#land(current, key);
      this.poke();
    }
  }

  /** Where the current fan-out stands in this shard. Users not run yet count once for each time that the source named them. */
  status(): ShardStatus {
    const current = this.current;
    if (current === undefined) return { idle: true, counts: { total: 0, succeeded: 0, failed: 0, skipped: 0 } };
    current.log.write();
    const toCome = current.queue.size + this.unlogged(current).length;
    const counts = countsOf(current.log.tally);
    return {
      idle: this.#isIdle(current),
      counts: { ...counts, total: counts.total + toCome },
      ...(current.gone === undefined ? {} : { gone: current.gone }),
    };
  }

  /**
   * The alarm. Returns when nothing is left to call for now, or when its time or its calls are used up; the object is armed then.
   * Where it throws, what is in memory may be half done: go on with a new loop.
   */
  async run(): Promise<void> {
    this.#running = true;
    const startedAt = this.#effects.now();
    const budget = this.#effects.budget();
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        this.#dirty = false;
        const now = this.#effects.now();
        const turn = this.#turn(budget, now);
        await this.#reportIfIdle();
        // The next alarm is a new invocation: it has a budget of its own, and takes over the calls in flight.
        if (budget.isUsedUp || now - startedAt > MAX_ALARM_MS) break;
        const nextAt = Math.min(turn?.nextAt ?? Number.POSITIVE_INFINITY, this.#ownNextAt(now));
        if (turn?.again) await this.#nap.take(now, now);
        else if (this.#dirty) continue;
        else if (this.#calls.size > 0 || nextAt - now <= MAX_NAP_MS) {
          await this.#nap.take(now, Math.min(nextAt, now + MAX_NAP_MS));
        } else break;
      }
    } finally {
      this.#running = false;
      this.#nap.end();
      this.#rest();
    }
  }

  /** Decides, records and calls. Undefined where there is no fan-out. */
  #turn(budget: CallBudget, now: number): Turn | undefined {
    const current = this.current;
    if (current === undefined) return undefined;
    if (current.log.writeAt <= now) current.log.write();
    this.#calls.watch(now);
    const answers = this.#calls.takeAnswers();
    const held = current.spec.trigger === "manual" ? undefined : this.#effects.held(current.spec);
    const turn = decideTurn(this.#stateOf(current, budget, held, now), {
      ...{ now, random: this.#effects.random(), answers, callsLeft: budget.left, held },
    });
    this.#nextCallAt = turn.nextCallAt;
    this.#spent = turn.spent;
    if (turn.gone !== undefined) {
      this.#store.noteGone(current.spec.no, turn.gone);
      this.#current = { ...current, gone: current.gone ?? turn.gone };
    }
    if ([...answers.values()].some(({ kind }) => kind === "postponed") || turn.outOfCalls) budget.exhaust();
    for (const { run, before } of turn.settle) current.log.put(run, before, now);
    for (const key of answers.keys()) this.#land(current, key);
    for (const { run } of [...turn.giveUp, ...turn.skip]) {
      const taken = current.queue.next();
      current.log.put(run, undefined, now);
      if (taken !== undefined) this.#endIn(current, taken.batch);
    }
    this.#toGiveUp = this.#toGiveUp === undefined ? undefined : this.#toGiveUp - turn.giveUp.length;
    for (const { run, before } of turn.call) {
      budget.take();
      if (before !== undefined) current.log.put(run, before, now);
      const batch = before === undefined ? current.queue.next()?.batch : undefined;
      this.#begin(current, { run, logged: before !== undefined, batch }, now);
    }
    return turn;
  }

  #stateOf(current: CurrentFanOut, budget: CallBudget, held: string | undefined, now: number) {
    const { spec, queue, log, concurrency, interval } = current;
    const room = Math.min(concurrency, budget.left);
    if (this.#toGiveUp === undefined && held === undefined && room > 0 && queue.size > 0) this.#judgeRestart(current);
    const toGiveUp = this.#toGiveUp ?? 0;
    const queued = queue.peek(held !== undefined || toGiveUp > 0 ? MAX_PER_TURN : room);
    const hasActive = log.tally.active > 0;
    return {
      ...{ spec, rules: rulesOf(current.job), concurrency, interval, nextCallAt: this.#nextCallAt },
      ...{ flights: this.#flights, queued, waiting: queue.size, toGiveUp, spent: this.#spent },
      due: hasActive ? this.#store.dueRuns(spec, now, MAX_DUE_PER_TURN + this.#flights.size) : [],
      nextWakeAt: hasActive ? this.#store.nextWake(spec.no, now) : undefined,
    };
  }

  #judgeRestart(current: CurrentFanOut): void {
    const { toGiveUp, writeThrough, note } = judgeRestart(current, current.log.tally.total, current.concurrency);
    if (writeThrough) current.log.writeThrough();
    this.#toGiveUp = toGiveUp;
    this.#store.noteBegin(current.spec.no, note.begunAtLogged, note.stalls);
  }

  #begin(current: CurrentFanOut, flight: Flight, now: number): void {
    const { run } = flight;
    const key = keyOfUserRun(run.id);
    this.#flights.set(key, flight);
    this.#calls.begin(key, current.job.timeoutMs, now, (deadline) =>
      this.#effects.call(current.job, current.spec, run, deadline),
    );
  }

  /** The running loop takes the answer up; between two alarms nothing holds the object in memory, and it is written at once. */
  #answered(): void {
    if (!this.#running && !this.#stopped) {
      try {
        this.#turn(new CallBudget(0), this.#effects.now());
        this.#current?.log.write();
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.poke();
  }

  /** The call is over, and the log has what came of it. */
  #land(current: CurrentFanOut, key: string): void {
    const flight = this.#flights.get(key);
    this.#flights.delete(key);
    if (flight?.batch !== undefined) this.#endIn(current, flight.batch);
  }

  /** The users of a batch are dropped in the commit in which the log has the last of them. */
  #endIn({ queue, log }: CurrentFanOut, batch: OpenBatch): void {
    if (!queue.ended(batch)) return;
    log.write();
    queue.drop(batch);
  }

  #isIdle({ queue, log }: CurrentFanOut): boolean {
    return this.#flights.size === 0 && log.tally.active === 0 && queue.size === 0;
  }

  async #reportIfIdle(): Promise<void> {
    const current = this.current;
    if (current === undefined || this.#reported || !this.#isIdle(current)) return;
    this.#reported = true;
    current.log.write();
    await this.#effects.report(current.spec);
  }

  /** Writes what is in memory, and arms for what waits. */
  #rest(): void {
    const current = this.current;
    current?.log.write();
    if (current !== undefined && current.interval > 0 && current.queue.size > 0) {
      this.#store.noteNextCall(current.spec.no, this.#nextCallAt);
    }
    this.#arm();
  }

  /** When the loop itself has something to do: to write its log, or to end a call. */
  #ownNextAt(now: number): number {
    return Math.min(this.#current?.log.writeAt ?? Number.POSITIVE_INFINITY, this.#calls.nextEnd(now));
  }

  #arm(): void {
    if (this.#stopped) return;
    const now = this.#effects.now();
    const current = this.current;
    if (current === undefined) this.#effects.alarm.set(null);
    else if (this.#flights.size > 0) this.#effects.alarm.by(now);
    else {
      const nextAt = nextTurnAt(this.#stateOf(current, new CallBudget(0), undefined, now), now);
      this.#effects.alarm.set(Math.min(nextAt, this.#ownNextAt(now)));
    }
  }
}
