/**
 * What a job does while it is awake: decide, record, call, record. The alarm holds the loop for as long as calls are in
 * flight, so that due times, deadlines and cancellations in the meantime are dealt with on time; when no call is left, it
 * arms the next alarm and lets the object sleep.
 */

import { isUnlisted, pauseJob } from "../../src/domain/job/job.ts";
import { judgeIdleWake, NEAR_TIMER_MS } from "../../src/domain/limits/breaker.ts";
import type { Answer } from "../../src/domain/run/attempt-outcome.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { decideTick, type TickState, type TimerContext, timersOf } from "../../src/domain/run/tick.ts";
import { Deadline } from "../../src/outbound/deadline.ts";
import { MAX_ALARM_MS, Nap } from "../shared/wait.ts";
import type { JobHolder } from "./state.ts";

const INDEX_RETRY_MS = 5_000;
/** One more look at the clock this often while waiting, since a sleeping timer may be late. */
const MAX_NAP_MS = 60_000;

/** What the loop acts with; everything else it decides from the state. */
export type LoopEffects = {
  readonly now: () => number;
  readonly random: () => number;
  /** Why nothing fires at present, if so. */
  readonly held: (state: TickState) => string | undefined;
  /** Calls the agent for one attempt, until the deadline is interrupted; never throws. */
  readonly call: (state: TickState, run: Run, deadline: Deadline) => Promise<Answer>;
  /** Goes on with the fan-out whose time has come; never throws. */
  readonly fanOut: () => Promise<void>;
  /** Brings the directory in step with the record, or throws. */
  readonly index: () => Promise<void>;
  /** Removes the job altogether. */
  readonly remove: () => Promise<void>;
  /** Says in the log what went wrong, without payloads. */
  readonly report: (message: string, error: unknown) => void;
};

/** A call in flight, and when its time is over (epoch ms). */
type Call = { readonly deadline: Deadline; readonly endsAt: number };

export class JobLoop {
  readonly #holder: JobHolder;
  readonly #effects: LoopEffects;
  readonly #inFlight = new Map<string, Call>();
  readonly #answers = new Map<string, Answer>();
  #running = false;
  #erase = false;
  #hasSeenFanOut = false;
  #indexRetryAt: number | undefined;
  readonly #nap = new Nap();

  constructor(holder: JobHolder, effects: LoopEffects) {
    this.#holder = holder;
    this.#effects = effects;
  }

  get inFlight(): ReadonlySet<string> {
    return new Set(this.#inFlight.keys());
  }

  /** After a change from outside: the running loop looks again, or the alarm is set for what now waits. */
  poke(): void {
    if (this.#running) this.#nap.wake();
    else this.#arm();
  }

  /** When the first call's time is over (epoch ms, or infinity); one that has been told so answers by itself. */
  nextCallEnd(now: number): number {
    return Math.min(...[...this.#inFlight.values()].map(({ endsAt }) => endsAt).filter((endsAt) => endsAt > now));
  }

  /** Hangs up a call in flight; its answer no longer counts. */
  abort(runId: string): void {
    this.#inFlight.get(runId)?.deadline.interrupt("aborted");
    this.#inFlight.delete(runId);
  }

  abortAll(): void {
    for (const runId of [...this.#inFlight.keys()]) this.abort(runId);
  }

  /** The alarm. Returns when nothing is in flight any more, or when its time is over; the object is armed then. */
  async run(): Promise<void> {
    this.#running = true;
    this.#holder.alarmTaken();
    const startedAt = this.#effects.now();
    try {
      this.#countIdleWake(startedAt);
      while (this.#step()) {
        await this.#sideWork();
        await this.#fanOut();
        const now = this.#effects.now();
        if (this.#inFlight.size === 0 || now - startedAt > MAX_ALARM_MS) break;
        await this.#wait(now);
      }
    } finally {
      this.#running = false;
      this.#nap.end();
      this.#arm();
    }
  }

  /** A wake with nothing due and nothing near is idle; a job with too many of them is paused (domain/breaker.ts). */
  #countIdleWake(now: number): void {
    const state = this.#holder.stored;
    if (state === undefined || this.#inFlight.size > 0 || this.#answers.size > 0) return;
    const near = timersOf(state, this.#timerContext(now)).some((timer) => timer.at <= now + NEAR_TIMER_MS);
    if (near) return;
    const verdict = judgeIdleWake(state.record.idleWakes, now);
    if (!verdict.tripped) this.#holder.commit({ record: { ...state.record, idleWakes: verdict.idleWakes } });
    else this.#holder.commit(pauseJob(state.record, state.cursor, verdict.reason, now));
  }

  /** Decides and records; starts what is to be called. False where there is no job (any more). */
  #step(): boolean {
    const before = this.#holder.state;
    if (before === undefined) return false;
    if (before.record.deletedAt !== undefined) return true;
    const now = this.#effects.now();
    for (const { deadline, endsAt } of this.#inFlight.values()) if (endsAt <= now) deadline.interrupt("timeout");
    const result = decideTick(before, {
      now,
      random: this.#effects.random(),
      inFlight: this.inFlight,
      answers: new Map(this.#answers),
      held: this.#effects.held(before),
    });
    for (const runId of this.#answers.keys()) this.#inFlight.delete(runId);
    this.#answers.clear();
    const { changed, record, cursor } = result;
    if (changed.length > 0 || record !== before.record || cursor !== before.cursor) {
      // The end of a job is written when the directory has been told of it, with the note that it has.
      const recordLater = result.onlyFinishes && changed.length > 0;
      const after = this.#holder.commit({ runs: changed, record, cursor, recordLater });
      for (const runId of result.aborts) this.abort(runId);
      for (const run of result.calls) this.#call({ ...after, job: before.job }, run);
      // Nothing to hold the alarm for: the alarm for what comes next belongs to the same commit. With the directory still to be
      // told, it is set once that is done: until this alarm has ended, the platform rings it again after a crash.
      if (this.#inFlight.size === 0 && !isUnlisted(after.record)) this.#arm();
    }
    this.#erase = result.erase;
    return true;
  }

  #call(state: TickState, run: Run): void {
    const deadline = new Deadline(state.job.timeoutMs);
    const call = { deadline, endsAt: this.#effects.now() + state.job.timeoutMs };
    this.#inFlight.set(run.id, call);
    void this.#effects.call(state, run, deadline).then((answer) => {
      // A call that was hung up has been taken out already; its run has ended.
      if (this.#inFlight.get(run.id) !== call) return;
      this.#answers.set(run.id, answer);
      this.poke();
    });
  }

  /** Work that waits for other objects. One that cannot be reached is asked again later: the job goes on meanwhile. */
  async #sideWork(): Promise<void> {
    const record = this.#holder.stored?.record;
    if (record === undefined) return;
    const behind = isUnlisted(record);
    const now = this.#effects.now();
    if (!this.#erase && record.deletedAt === undefined && (!behind || now < (this.#indexRetryAt ?? 0))) return;
    try {
      if (this.#erase || record.deletedAt !== undefined) await this.#effects.remove();
      else await this.#effects.index();
      this.#indexRetryAt = undefined;
    } catch (error) {
      this.#indexRetryAt = this.#effects.now() + INDEX_RETRY_MS;
      this.#effects.report("The directory could not be brought up to date; trying again", error);
    }
  }

  async #fanOut(): Promise<void> {
    const state = this.#holder.stored;
    if (state?.fanOut === undefined || state.record.deletedAt !== undefined) return;
    // A report that came just before a restart is not in storage; that there was an alarm tells of it.
    if (this.#hasSeenFanOut && state.fanOut.wakeAt > this.#effects.now()) return;
    this.#hasSeenFanOut = true;
    await this.#effects.fanOut();
  }

  async #wait(now: number): Promise<void> {
    const state = this.#holder.stored;
    if (state === undefined || this.#answers.size > 0) return;
    const next = Math.min(...timersOf(state, this.#timerContext(now)).map((timer) => timer.at), this.nextCallEnd(now));
    await this.#nap.take(now, Math.min(Math.max(now, next), now + MAX_NAP_MS));
  }

  /**
   * How long what the job waits for has been due, in ms: 0 too, as for a call that nobody holds any more. Undefined while the loop runs
   * or nothing is due.
   */
  overdueMs(now: number): number | undefined {
    const state = this.#holder.stored;
    if (state === undefined || this.#running) return undefined;
    const earliest = Math.min(...timersOf(state, this.#timerContext(now)).map((timer) => timer.at));
    return earliest <= now ? now - earliest : undefined;
  }

  /** Sets the alarm whatever is believed of it: for an object that was found asleep with something due. */
  awaken(): void {
    this.#holder.alarmTaken();
    this.#arm();
  }

  #timerContext(now: number): TimerContext {
    return { now, inFlight: this.inFlight, indexRetryAt: this.#indexRetryAt };
  }

  /** Calls left in flight, or answers to them, are taken up by an alarm at once; otherwise the earliest timer counts. */
  #arm(): void {
    const now = this.#effects.now();
    if (this.#inFlight.size > 0) this.#holder.armAt(now);
    else this.#holder.arm(this.#timerContext(now));
  }
}
