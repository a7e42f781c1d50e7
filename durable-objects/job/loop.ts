/**
 * The loop of a job that is awake: decide, record, call, record. The alarm holds the loop while calls are in flight, so
 * that due times, deadlines and cancellations are handled on time. When no call is left, the loop arms the next alarm and
 * lets the object sleep.
 */
import { isDirectoryBehind } from "../../src/domain/job/job.ts";
import { pauseJob } from "../../src/domain/job/stop.ts";
import { judgeIdleWake, NEAR_TIMER_MS } from "../../src/domain/limits/breaker.ts";
import type { AttemptOutcome } from "../../src/domain/run/attempt-outcome.ts";
import { isActive, type Run } from "../../src/domain/run/run.ts";
import { decideTick, type TickState, type TimerContext, timersOf } from "../../src/domain/run/tick.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import { attemptCalls } from "../shared/attempt-calls.ts";
import type { Calls } from "../shared/calls.ts";
import { MAX_ALARM_MS, Sleeper } from "../shared/wait.ts";
import type { JobFanOuts } from "./fan-outs/fan-outs.ts";
import type { JobListing } from "./listing.ts";
import type { JobState, StateChange } from "./state.ts";

const INDEX_RETRY_MS = 5_000;
/** The longest wait before another look at the clock, since a sleeping timer may be late. */
const MAX_SLEEP_MS = 60_000;

/** The outside of the loop. It decides everything else from the state. */
export type LoopEffects = {
  readonly now: () => number;
  readonly random: () => number;
  /** Why nothing fires at present, if that is so. */
  readonly held: (state: Pick<TickState, "record">) => string | undefined;
  /** Calls the agent for one attempt, until the deadline interrupts it. */
  readonly call: (state: TickState, run: Run, deadline: Deadline) => Promise<AttemptOutcome>;
  /** The number of calls that one wake may make. It is asked at the beginning of each wake. */
  readonly budget: () => CallBudget;
  /** Logs an error, without payloads. */
  readonly report: (message: string, error: unknown) => void;
};

/** The job's other parts that the loop uses. */
export type LoopParts = {
  readonly listing: Pick<JobListing, "index" | "remove">;
  readonly fanOuts: Pick<JobFanOuts, "work" | "erase">;
};

export class JobLoop {
  readonly #state: JobState;
  readonly #parts: LoopParts;
  readonly #effects: LoopEffects;
  readonly #calls: Calls<AttemptOutcome>;
  readonly #sleeper = new Sleeper();
  #running = false;
  #erase = false;
  #hasSeenFanOut = false;
  #indexRetryAt: number | undefined;

  constructor(state: JobState, parts: LoopParts, effects: LoopEffects) {
    this.#state = state;
    this.#parts = parts;
    this.#effects = effects;
    this.#calls = attemptCalls(() => this.#look());
  }

  /** Handles a commit that has changed the job. It aborts the calls of ended runs and makes the loop look again. */
  wake({ runs }: StateChange): void {
    for (const run of runs) if (!isActive(run)) this.#calls.abort(run.id);
    this.#look();
  }

  #look(): void {
    if (this.#running) this.#sleeper.wake();
    else this.#arm();
  }

  /** When the first call's time is over (epoch ms, or infinity). */
  nextCallEnd(now: number): number {
    return this.#calls.nextEnd(now);
  }

  /**
   * Aborts every call and deletes the job for good. A second call joins the first. Throws if an object cannot be reached.
   */
  async remove(): Promise<void> {
    this.#calls.abortAll();
    await this.#parts.listing.remove(() => this.#parts.fanOuts.erase());
  }

  /**
   * The alarm. It returns when nothing is in flight, or when its time or its calls are used up. Then the object is armed.
   */
  async run(): Promise<void> {
    this.#running = true;
    this.#state.alarm.taken();
    const startedAt = this.#effects.now();
    const budget = this.#effects.budget();
    try {
      this.#countIdleWake(startedAt);
      while (this.#step(budget)) {
        await this.#sideWork();
        await this.#fanOut(budget);
        const now = this.#effects.now();
        // The next alarm is a new invocation with a budget of its own, and takes over the calls in flight.
        if (this.#calls.size === 0 || budget.isUsedUp || now - startedAt > MAX_ALARM_MS) break;
        await this.#wait(now);
      }
    } finally {
      this.#running = false;
      this.#sleeper.end();
      this.#arm();
    }
  }

  /**
   * Counts an idle wake: one with nothing due and nothing near. A job with too many is paused
   * (src/domain/limits/breaker.ts).
   */
  #countIdleWake(now: number): void {
    const state = this.#state.stored;
    if (state === undefined || this.#calls.size > 0) return;
    const near = timersOf(state, this.#timerContext(now)).some((timer) => timer.at <= now + NEAR_TIMER_MS);
    if (near) return;
    const verdict = judgeIdleWake(state.record.idleWakes, now);
    if (!verdict.tripped) this.#state.commit({ record: { ...state.record, idleWakes: verdict.idleWakes } });
    else this.#state.commit(pauseJob(state.record, state.cursor, { by: "breaker", reason: verdict.reason }, now));
  }

  /** Decides, records, and starts the calls. False if the job does not exist (any more). */
  #step(budget: CallBudget): boolean {
    const before = this.#state.current;
    if (before === undefined) return false;
    if (before.record.deletedAt !== undefined) return true;
    const now = this.#effects.now();
    this.#calls.watch(now);
    const inFlight = this.#calls.keys;
    const answers = this.#calls.takeAnswers();
    // The platform counts calls too. A call that it refused shows that the budget is used up.
    if ([...answers.values()].some(({ kind }) => kind === "postponed")) budget.exhaust();
    const result = decideTick(before, {
      now,
      random: this.#effects.random(),
      inFlight,
      answers,
      callsLeft: budget.left,
      held: this.#effects.held(before),
    });
    const { changed, record, cursor } = result;
    if (changed.length > 0 || record !== before.record || cursor !== before.cursor) {
      // The end of a job is written only once, together with the note that the directory knows it.
      const recordLater = result.onlyFinishes && changed.length > 0;
      const after = this.#state.commit({ runs: changed, record, cursor, recordLater });
      for (const run of result.calls) {
        budget.take();
        this.#call({ ...after, job: before.job }, run, now);
      }
      // Without a call to hold the alarm for, the next alarm belongs to the same commit. If the directory is behind, the
      // alarm is set after the directory was updated. Until this alarm has ended, the platform repeats it after a crash.
      if (this.#calls.size === 0 && !isDirectoryBehind(after)) this.#arm();
    }
    this.#erase = result.erase;
    return true;
  }

  #call(state: TickState, run: Run, now: number): void {
    this.#calls.begin(run.id, state.job.timeoutMs, now, (deadline) => this.#effects.call(state, run, deadline));
  }

  /**
   * Does the work that waits for other objects. An object that cannot be reached is asked again later, and the job
   * continues meanwhile.
   */
  async #sideWork(): Promise<void> {
    const { stored } = this.#state;
    if (stored === undefined) return;
    const { record } = stored;
    const behind = isDirectoryBehind(stored);
    const now = this.#effects.now();
    if (!this.#erase && record.deletedAt === undefined && (!behind || now < (this.#indexRetryAt ?? 0))) return;
    try {
      if (this.#erase || record.deletedAt !== undefined) await this.remove();
      else await this.#parts.listing.index();
      this.#indexRetryAt = undefined;
    } catch (error) {
      this.#indexRetryAt = this.#effects.now() + INDEX_RETRY_MS;
      this.#effects.report("The directory could not be brought up to date; trying again", error);
    }
  }

  async #fanOut(budget: CallBudget): Promise<void> {
    const state = this.#state.stored;
    if (state?.fanOut === undefined || state.record.deletedAt !== undefined) return;
    // A report just before a restart is not in storage. The alarm itself shows that there may have been one.
    if (this.#hasSeenFanOut && state.fanOut.wakeAt > this.#effects.now()) return;
    this.#hasSeenFanOut = true;
    await this.#parts.fanOuts.work(budget);
  }

  async #wait(now: number): Promise<void> {
    const state = this.#state.stored;
    if (state === undefined || this.#calls.hasAnswers) return;
    const next = Math.min(...timersOf(state, this.#timerContext(now)).map((timer) => timer.at), this.nextCallEnd(now));
    await this.#sleeper.sleep(now, Math.min(Math.max(now, next), now + MAX_SLEEP_MS));
  }

  /**
   * The time in ms for which the earliest timer has been due. It is 0 for a call that no process holds any more. Undefined
   * while the loop runs or if nothing is due.
   */
  overdueMs(now: number): number | undefined {
    const state = this.#state.stored;
    if (state === undefined || this.#running) return undefined;
    const earliest = Math.min(...timersOf(state, this.#timerContext(now)).map((timer) => timer.at));
    return earliest <= now ? now - earliest : undefined;
  }

  /** Sets the alarm again, for an object that was found asleep with something due. */
  awaken(): void {
    this.#state.alarm.doubt();
    this.#arm();
  }

  #timerContext(now: number): TimerContext {
    const { stored } = this.#state;
    const held = stored === undefined ? undefined : this.#effects.held(stored);
    return { now, inFlight: this.#calls.keys, held, indexRetryAt: this.#indexRetryAt };
  }

  /** Arms the alarm. Calls in flight and their answers need an alarm at once. Otherwise the earliest timer counts. */
  #arm(): void {
    const now = this.#effects.now();
    if (this.#calls.size > 0) this.#state.alarm.set(now);
    else this.#state.arm(this.#timerContext(now));
  }
}
