/**
 * The loop of a fan-out's shard that is awake. It takes turns until nothing can be called for now, and arms its alarm for
 * the next one. Ended runs stay in memory for a moment and are written together (`log.ts`). A crash in that moment repeats
 * their calls under the same run ids. It never leaves a second run in the log.
 */
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Alarm } from "../shared/alarm.ts";
import { MAX_ALARM_MS, Sleeper } from "../shared/wait.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";
import { ShardWork, type WorkEffects } from "./work.ts";

/** The longest wait for the next call or retry that is spent awake, since an alarm would cost a row. */
const MAX_SLEEP_MS = 10_000;

/** The outside of the loop. */
export type ShardEffects = Omit<WorkEffects, "answered"> & {
  readonly now: () => number;
  /** The number of calls that one wake may make. It is asked at the beginning of each wake. */
  readonly budget: () => CallBudget;
  /** Reports to the job that this shard is idle or got a 410. Never throws. */
  readonly report: (spec: FanOutSpec) => Promise<void>;
  readonly alarm: Pick<Alarm, "set" | "by">;
};

export class FanOutLoop {
  readonly work: ShardWork;
  readonly #effects: ShardEffects;
  readonly #sleeper = new Sleeper();
  #hasReported = false;
  #isRunning = false;
  #isStopped = false;
  /** Set when there is a change that the running loop has not looked at. */
  #isDirty = false;
  /** Set when an answer could not be recorded while no alarm was running. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: FanOutStore, effects: ShardEffects) {
    this.work = new ShardWork(store, { ...effects, answered: () => this.#answered() });
    this.#effects = effects;
  }

  /**
   * Reads everything again after the tables were changed. `isNew`: a fan-out was opened in this process, which was not
   * restarted since.
   */
  reload(of: { readonly isNew?: boolean } = {}): void {
    this.work.reload(of);
    this.wake();
  }

  /** Ends for good: this loop calls, logs and arms nothing any more. */
  stop(): void {
    this.work.end();
    this.#isStopped = true;
    this.#sleeper.wake();
  }

  /** Notes that a batch with this number of users has been stored. */
  added(users: number): void {
    this.work.current?.queue.added(users);
    this.wake();
  }

  /** Takes over a run that was changed from outside. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run): void {
    if (this.work.change(fanOut, key, before, after, this.#effects.now())) this.wake();
  }

  /** Makes the running loop look again, or sets an alarm that runs it. There may be only its end to report. */
  wake(): void {
    this.#hasReported = false;
    this.#isDirty = true;
    if (this.#isRunning) this.#sleeper.wake();
    else if (!this.#isStopped) this.#effects.alarm.by(this.#effects.now());
  }

  /** Makes sure that the alarm is set for the next turn. */
  awaken(): void {
    if (!this.#isRunning) this.#arm();
  }

  /**
   * The alarm. It returns when nothing can be called for now, or when its time or its calls are used up. Then the object is
   * armed. If it throws, the memory may be inconsistent, so continue with a new loop.
   */
  async run(): Promise<void> {
    this.#isRunning = true;
    const startedAt = this.#effects.now();
    const budget = this.#effects.budget();
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        this.#isDirty = false;
        const now = this.#effects.now();
        const turn = this.work.takeTurn(budget, now);
        await this.#reportIfIdle();
        // The next alarm is a new invocation with a budget of its own, and takes over the calls in flight.
        if (budget.isUsedUp || now - startedAt > MAX_ALARM_MS) break;
        const nextAt = Math.min(turn?.nextAt ?? Number.POSITIVE_INFINITY, this.work.nextDeadline(now));
        if (turn?.again) await this.#sleeper.sleep(now, now);
        else if (this.#isDirty) continue;
        else if (this.work.isCalling || nextAt - now <= MAX_SLEEP_MS) {
          await this.#sleeper.sleep(now, Math.min(nextAt, now + MAX_SLEEP_MS));
        } else break;
      }
    } finally {
      this.#isRunning = false;
      this.#sleeper.end();
      this.work.rest();
      this.#arm();
    }
  }

  /**
   * Has the running loop take up the answer. Between two alarms nothing holds the object in memory, so the answer is
   * written at once.
   */
  #answered(): void {
    if (!this.#isRunning && !this.#isStopped) {
      try {
        this.work.takeTurn(new CallBudget(0), this.#effects.now());
        this.work.write();
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.wake();
  }

  async #reportIfIdle(): Promise<void> {
    const { current } = this.work;
    if (current === undefined || this.#hasReported || !current.isIdle) return;
    this.#hasReported = true;
    current.log.write();
    await this.#effects.report(current.spec);
  }

  #arm(): void {
    if (this.#isStopped) return;
    const now = this.#effects.now();
    const { work } = this;
    if (work.isCalling) this.#effects.alarm.by(now);
    else this.#effects.alarm.set(Math.min(work.nextTurnAt(now), work.nextDeadline(now)));
  }
}
