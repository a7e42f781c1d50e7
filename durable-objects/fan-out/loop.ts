/**
 * The loop of a shard of a fan-out that is awake. It takes turns (`turn.ts`) until nothing is left to call for now,
 * and arms its alarm for the next one. Ended runs wait a moment in memory to be written together (`log.ts`). A crash
 * in that moment makes their calls again, under the same run ids, and never a second run in the log.
 */
import type { Turn } from "../../src/domain/fan-out/turn.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Alarm } from "../shared/alarm.ts";
import { MAX_ALARM_MS, Sleeper } from "../shared/wait.ts";
import { CurrentFanOut } from "./current.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";
import { type TurnEffects, Turns } from "./turn.ts";

/** A wait for the next allowed call or retry that is no longer than this is sat out. An alarm would cost a row. */
const MAX_SLEEP_MS = 10_000;

/** The outside of the loop. */
export type ShardEffects = TurnEffects & {
  readonly now: () => number;
  /** The number of calls that one wake may make; asked at the beginning of each. */
  readonly budget: () => CallBudget;
  /** Tells the job that this shard is idle, or was answered 410. Never throws. */
  readonly report: (spec: FanOutSpec) => Promise<void>;
  /** Hears of each run as it ends. */
  readonly ended: (spec: FanOutSpec, run: Run) => void;
  readonly alarm: Pick<Alarm, "set" | "by">;
};

type Work = { readonly current: CurrentFanOut; readonly turns: Turns };

export class FanOutLoop {
  readonly #store: FanOutStore;
  readonly #effects: ShardEffects;
  readonly #sleeper = new Sleeper();
  /** The newest fan-out that this shard was handed users of, null if there is none; undefined until it was read. */
  #work: Work | null | undefined;
  #isNew = false;
  #reported = false;
  #running = false;
  #stopped = false;
  /** A change that the running loop has not looked at. */
  #dirty = false;
  /** An answer could not be recorded while no alarm was running. */
  #failure: { readonly error: unknown } | undefined;

  constructor(store: FanOutStore, effects: ShardEffects) {
    this.#store = store;
    this.#effects = effects;
  }

  /** The fan-out that this shard works on; older ones are only stored. */
  get current(): CurrentFanOut | undefined {
    return this.#loaded()?.current;
  }

  /** This fan-out, if it is the one that the shard works on. */
  working(fanOut: StoredFanOut): CurrentFanOut | undefined {
    const { current } = this;
    return current?.spec.no === fanOut.spec.no ? current : undefined;
  }

  #loaded(): Work | undefined {
    if (this.#work === undefined) this.#work = this.#load() ?? null;
    return this.#work ?? undefined;
  }

  #load(): Work | undefined {
    const stored = this.#store.newest();
    if (stored === undefined) return undefined;
    const { ended } = this.#effects;
    const current = new CurrentFanOut(stored, this.#store, { answered: () => this.#answered(), ended });
    return { current, turns: new Turns(current, stored, this.#store, this.#effects, { isNew: this.#isNew }) };
  }

  /** Writes the part of the log that is still in memory, before somebody reads the tables. */
  write(): void {
    this.#work?.current.log.write();
  }

  /** After the tables were changed: everything is read again, and calls in flight are aborted. */
  reset(): void {
    this.#drop(undefined);
    this.wake();
  }

  /** A fan-out has been opened in this process, which therefore was not restarted since. */
  opened(): void {
    this.reset();
    this.#isNew = true;
  }

  /** Ends for good: nothing is called, logged or armed from here any more. */
  stop(): void {
    this.#drop(null);
    this.#stopped = true;
    this.#sleeper.wake();
  }

  #drop(next: null | undefined): void {
    this.#work?.current.flights.abortAll();
    this.#work = next;
    this.#isNew = false;
  }

  /** A batch of so many users has been stored. */
  took(users: number): void {
    this.current?.queue.took(users);
    this.wake();
  }

  /** Takes over a run that was changed from outside. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run): void {
    const current = this.working(fanOut);
    if (current === undefined) this.#store.putRuns(fanOut.spec.no, [after]);
    else if (current.change(key, before, after, this.#effects.now())) this.wake();
  }

  /** The running loop looks again, or an alarm runs it, if only to report that nothing is left. */
  wake(): void {
    this.#reported = false;
    this.#dirty = true;
    if (this.#running) this.#sleeper.wake();
    else if (!this.#stopped) this.#effects.alarm.by(this.#effects.now());
  }

  /** Makes sure that the alarm is set for the next turn. */
  awaken(): void {
    if (!this.#running) this.#arm();
  }

  /**
   * The alarm. Returns when nothing is left to call for now, or when its time or its calls are used up; the object is armed then.
   * When it throws, memory may be half done: go on with a new loop.
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
        if (turn?.again) await this.#sleeper.sleep(now, now);
        else if (this.#dirty) continue;
        else if (this.#isCalling || nextAt - now <= MAX_SLEEP_MS) {
          await this.#sleeper.sleep(now, Math.min(nextAt, now + MAX_SLEEP_MS));
        } else break;
      }
    } finally {
      this.#running = false;
      this.#sleeper.end();
      this.write();
      this.#loaded()?.turns.noteNextCall();
      this.#arm();
    }
  }

  #turn(budget: CallBudget, now: number): Turn | undefined {
    return this.#loaded()?.turns.take(budget, now);
  }

  /**
   * The running loop takes the answer up. Between two alarms nothing holds the object in memory, and it is written at
   * once.
   */
  #answered(): void {
    if (!this.#running && !this.#stopped) {
      try {
        this.#turn(new CallBudget(0), this.#effects.now());
        this.write();
      } catch (error) {
        this.#failure = { error };
      }
    }
    this.wake();
  }

  async #reportIfIdle(): Promise<void> {
    const { current } = this;
    if (current === undefined || this.#reported || !current.isIdle) return;
    this.#reported = true;
    current.log.write();
    await this.#effects.report(current.spec);
  }

  get #isCalling(): boolean {
    return (this.#work?.current.flights.size ?? 0) > 0;
  }

  /** When the loop itself has something to do: to write its log, or to end a call. */
  #ownNextAt(now: number): number {
    if (!this.#work) return Number.POSITIVE_INFINITY;
    const { log, flights } = this.#work.current;
    return Math.min(log.writeAt, flights.nextEnd(now));
  }

  #arm(): void {
    if (this.#stopped) return;
    const now = this.#effects.now();
    const work = this.#loaded();
    if (work === undefined) this.#effects.alarm.set(null);
    else if (this.#isCalling) this.#effects.alarm.by(now);
    else this.#effects.alarm.set(Math.min(work.turns.nextAt(now), this.#ownNextAt(now)));
  }
}
