/**
 * What a shard of a fan-out does while it is awake: it takes users out of its batches, calls the agent for each within the
 * bounds, and logs the end of each run. A call is not recorded before it is made, only its end is: one row a user. So a crash
 * makes the calls that were in flight (or just answered) again, under the same run ids, and never a second run in the log.
 */

import { nextCallAt } from "../../src/domain/fan-out/shard.ts";
import { type FanOutSpec, startUserRun } from "../../src/domain/fan-out/user-run.ts";
import type { CompiledJob } from "../../src/domain/job/definition.ts";
import type { Answer } from "../../src/domain/run/attempt-outcome.ts";
import { rulesOf } from "../../src/domain/run/rules.ts";
import {
  beginAttempt,
  cancelRun,
  hasDeadline,
  interruptAttempt,
  isActive,
  type Run,
  settleAttempt,
  settleOverdue,
  skipRun,
} from "../../src/domain/run/run.ts";
import { keyOfUserRun } from "../../src/domain/run/run-id.ts";
import type { ShardStatus } from "../../src/objects/fan-out.ts";
import { Deadline } from "../../src/outbound/deadline.ts";
import { MAX_ALARM_MS, Nap } from "../shared/wait.ts";
import { type CurrentFanOut, currentFanOut } from "./current.ts";
import type { OpenBatch } from "./queue.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";

/** A wait for the next allowed call or retry that is no longer than this is sat out: an alarm would cost a row. */
const MAX_NAP_MS = 10_000;
/** So many users are dealt with in one go where nothing is called (held, or given up) before others get a turn. */
const MAX_PER_TURN = 500;
/** So many overdue runs are looked at in one go. */
const MAX_DUE_PER_TURN = 50;
/** After so many restarts in a row without one run logged, the users being called are given up: one of them kills the object. */
const MAX_STALLS = 5;

/** What the loop acts with. */
export type ShardEffects = {
  readonly now: () => number;
  readonly random: () => number;
  /** Why no further user is called (`MODE`, `USER_JOBS`), if so. */
  readonly held: (spec: FanOutSpec) => string | undefined;
  /** Calls the agent for one attempt, until the deadline is interrupted; never throws. */
  readonly call: (job: CompiledJob, spec: FanOutSpec, run: Run, deadline: Deadline) => Promise<Answer>;
  /** Tells the job that this shard has something to tell: it is idle, or was answered 410. Never throws. */
  readonly report: (spec: FanOutSpec) => Promise<void>;
  /** Sets the one alarm, or takes it off. */
  readonly armAt: (at: number | null) => void;
};

/** `logged`: the log holds this run already, in an earlier form. `endsAt`: when the attempt's time is over (epoch ms). */
type Call = {
  readonly run: Run;
  readonly logged: boolean;
  readonly batch: OpenBatch | undefined;
  readonly deadline: Deadline;
  readonly endsAt: number;
};

export class FanOutLoop {
  readonly #store: FanOutStore;
  readonly #effects: ShardEffects;
  readonly #calls = new Map<string, Call>();
  #current: CurrentFanOut | undefined;
  #loaded = false;
  #nextCallAt = 0;
  /** Users still to be given up; undefined until the first one is begun after a restart. */
  #toGiveUp: number | undefined;
  #reported = false;
  #running = false;
  #stopped = false;
  /** Something has happened that the running loop has not looked at. */
  #dirty = false;
  /** What an answer could not be recorded for. */
  #failure: { readonly error: unknown } | undefined;
  readonly #nap = new Nap();

  constructor(store: FanOutStore, effects: ShardEffects) {
    this.#store = store;
    this.#effects = effects;
  }

  /** The fan-out that this shard works on: the newest that it was handed users of. Others are only kept. */
  get current(): CurrentFanOut | undefined {
    if (this.#loaded) return this.#current;
    const stored = this.#store.newest();
    this.#current = stored === undefined ? undefined : currentFanOut(stored, this.#store);
    this.#nextCallAt = stored?.nextCallAt ?? 0;
    this.#loaded = true;
    return this.#current;
  }

  /** Writes what of the log is still in memory: for whoever reads the tables. */
  write(): void {
    this.#current?.log.write();
  }

  /** After the tables were changed: everything that was in memory is read anew. Calls in flight are hung up. */
  reset(): void {
    for (const { deadline } of this.#calls.values()) deadline.interrupt("aborted");
    this.#calls.clear();
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
    for (const { deadline } of this.#calls.values()) deadline.interrupt("aborted");
    this.#calls.clear();
    this.#current = undefined;
    this.#loaded = true;
    this.#stopped = true;
    this.#nap.wake();
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
    else if (!this.#stopped) this.#effects.armAt(this.#effects.now());
  }

  /** Makes sure that the alarm is set for what waits. */
  awaken(): void {
    if (!this.#running) this.#arm();
  }

  /** A run as it is now: in flight, or logged. */
  find(fanOut: StoredFanOut, key: string): Run | undefined {
    const current = this.current;
    if (fanOut.spec.no !== current?.spec.no) return this.#store.run(fanOut.spec, key);
    return this.#calls.get(key)?.run ?? current.log.find(key);
  }

  /** Calls in flight that the log does not hold. */
  unlogged(fanOut: StoredFanOut): Run[] {
    if (fanOut.spec.no !== this.current?.spec.no) return [];
    return [...this.#calls.values()].filter(({ logged }) => !logged).map(({ run }) => run);
  }

  /** Takes over a run that was changed from outside; a call of an ended one is hung up. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run): void {
    const current = this.current;
    if (fanOut.spec.no !== current?.spec.no) {
      this.#store.putRuns(fanOut.spec.no, [after]);
      return;
    }
    const call = this.#calls.get(key);
    current.log.put(after, call === undefined || call.logged ? before : undefined, this.#effects.now());
    // Whoever has changed it is told so.
    current.log.write();
    if (call === undefined) {
      this.poke();
      return;
    }
    if (isActive(after)) this.#calls.set(key, { ...call, run: after, logged: true });
    else {
      call.deadline.interrupt("aborted");
      this.#finish(key, call, current);
    }
  }

  /** Where the current fan-out stands in this shard. Users not run yet count once for each time that the source named them. */
  status(): ShardStatus {
    const current = this.current;
    if (current === undefined) return { idle: true, counts: { total: 0, succeeded: 0, failed: 0, skipped: 0 } };
    current.log.write();
    const { total, succeeded, failed, skipped } = current.log.tally;
    const toCome = current.queue.size + this.unlogged(current).length;
    return {
      idle: this.#isIdle(current),
      counts: { total: total + toCome, succeeded, failed, skipped },
      ...(current.gone === undefined ? {} : { gone: current.gone }),
    };
  }

  /**
   * The alarm. Returns when nothing is left to call for now, or when its time is over; the object is armed then. Where it throws,
   * what is in memory may be half done: go on with a new loop.
   */
  async run(): Promise<void> {
    this.#running = true;
    const startedAt = this.#effects.now();
    try {
      for (;;) {
        if (this.#failure !== undefined) throw this.#failure.error;
        this.#dirty = false;
        const now = this.#effects.now();
        const turn = this.#turn(now);
        await this.#reportIfIdle();
        if (now - startedAt > MAX_ALARM_MS) break;
        if (turn.again) await this.#nap.take(now, now);
        else if (this.#dirty) continue;
        else if (this.#calls.size > 0 || turn.nextAt - now <= MAX_NAP_MS) {
          await this.#nap.take(now, Math.min(turn.nextAt, now + MAX_NAP_MS));
        } else break;
      }
    } finally {
      this.#running = false;
      this.#nap.end();
      const current = this.current;
      current?.log.write();
      if (current !== undefined && current.interval > 0 && current.queue.size > 0) {
        this.#store.noteNextCall(current.spec.no, this.#nextCallAt);
      }
      this.#arm();
    }
  }

  /** Starts what may start. `nextAt` is when to look again without a call having ended; `again`: there is more to do at once. */
  #turn(now: number): { readonly again: boolean; readonly nextAt: number } {
    const current = this.current;
    if (current === undefined) return { again: false, nextAt: Number.POSITIVE_INFINITY };
    if (current.log.writeAt <= now) current.log.write();
    for (const { deadline, endsAt } of this.#calls.values()) if (endsAt <= now) deadline.interrupt("timeout");
    if (this.#settleDue(current, now)) return { again: true, nextAt: now };
    for (let dealtWith = 0; this.#calls.size < current.concurrency; dealtWith++) {
      if (dealtWith >= MAX_PER_TURN) return { again: true, nextAt: now };
      const retry = this.#nextRetry(current, now);
      const held = retry === undefined ? this.#held(current) : undefined;
      if (held === undefined && this.#nextCallAt > now) break;
      if (retry !== undefined) {
        const run = beginAttempt(retry);
        current.log.put(run, retry, now);
        this.#call(current, run, true, undefined, now);
        continue;
      }
      const taken = current.queue.next();
      if (taken === undefined) break;
      const { user, batch } = taken;
      const run = startUserRun(current.spec, user.userId, user.key, now);
      if (held !== undefined) this.#end(current, skipRun(run, held, now), batch, now);
      else if (this.#isGivenUp(current)) this.#end(current, cancelRun(run, now, KILLS), batch, now);
      else this.#call(current, beginAttempt(run), false, batch, now);
    }
    return { again: false, nextAt: this.#nextAt(current, now) };
  }

  /** Ends logged runs whose completion is overdue, and calls that nobody holds any more. True where there may be more of them. */
  #settleDue(current: CurrentFanOut, now: number): boolean {
    if (current.log.tally.active === 0) return false;
    const due = this.#store.dueRuns(current.spec, now, MAX_DUE_PER_TURN + this.#calls.size);
    let settled = 0;
    for (const run of due) {
      if (this.#calls.has(keyOfUserRun(run.id))) continue;
      if (run.phase === "pending") continue;
      settled++;
      const settle = hasDeadline(run) ? settleOverdue : interruptAttempt;
      current.log.put(settle(run, rulesOf(current.job), now, this.#effects.random()), run, now);
    }
    return settled >= MAX_DUE_PER_TURN;
  }

  #nextRetry(current: CurrentFanOut, now: number): Run | undefined {
    if (current.log.tally.active === 0) return undefined;
    const due = this.#store.dueRuns(current.spec, now, this.#calls.size + 1);
    return due.find((run) => run.phase === "pending" && !this.#calls.has(keyOfUserRun(run.id)));
  }

  /**
   * Whether this user is given up because calling these users has killed the object again and again. Found out when the first user
   * is begun after a restart, which costs one row.
   */
  #isGivenUp(current: CurrentFanOut): boolean {
    if (this.#toGiveUp === undefined) {
      const logged = current.log.tally.total;
      const stalls = logged === current.begunAtLogged ? current.stalls + 1 : 0;
      if (stalls > 0) current.log.writeThrough();
      this.#toGiveUp = stalls >= MAX_STALLS ? current.concurrency : 0;
      this.#store.noteBegin(current.spec.no, logged, stalls >= MAX_STALLS ? 0 : stalls);
    }
    if (this.#toGiveUp === 0) return false;
    this.#toGiveUp--;
    return true;
  }

  #call(current: CurrentFanOut, run: Run, logged: boolean, batch: OpenBatch | undefined, now: number): void {
    const key = keyOfUserRun(run.id);
    const { timeoutMs } = current.job;
    const deadline = new Deadline(timeoutMs);
    this.#calls.set(key, { run, logged, batch, deadline, endsAt: now + timeoutMs });
    if (current.interval > 0) this.#nextCallAt = nextCallAt(this.#nextCallAt, now, current.interval);
    void this.#effects
      .call(current.job, current.spec, run, deadline)
      .then((answer) => this.#answered(current, key, deadline, answer))
      .catch((error: unknown) => {
        this.#failure = { error };
        this.poke();
      });
  }

  #answered(current: CurrentFanOut, key: string, deadline: Deadline, answer: Answer): void {
    const call = this.#calls.get(key);
    // A call that was hung up has been taken out already; its run has ended.
    if (call?.deadline !== deadline) return;
    const next = settleAttempt(call.run, answer, rulesOf(current.job), this.#effects.now(), this.#effects.random());
    if (answer.kind === "gone") {
      this.#store.noteGone(current.spec.no, answer.reason);
      this.#current = { ...current, gone: current.gone ?? answer.reason };
    }
    current.log.put(next, call.logged ? call.run : undefined, this.#effects.now());
    this.#finish(key, call, current);
  }

  /** A run that ends without a call. */
  #end(current: CurrentFanOut, ended: Run, batch: OpenBatch, now: number): void {
    current.log.put(ended, undefined, now);
    this.#endIn(current, batch);
  }

  /** The call is over, and the log has what came of it. */
  #finish(key: string, call: Call, current: CurrentFanOut): void {
    this.#calls.delete(key);
    if (call.batch !== undefined) this.#endIn(current, call.batch);
    // Between two alarms nothing holds the object in memory.
    if (!this.#running) current.log.write();
    this.poke();
  }

  /** The users of a batch are dropped in the commit in which the log has the last of them. */
  #endIn({ queue, log }: CurrentFanOut, batch: OpenBatch): void {
    if (!queue.ended(batch)) return;
    log.write();
    queue.drop(batch);
  }

  /** When there is something to do next that no ending call announces. */
  #nextAt(current: CurrentFanOut, now: number): number {
    const room = this.#calls.size < current.concurrency;
    const hasUsers = room && current.queue.size > 0;
    const wakeAt = current.log.tally.active > 0 ? this.#store.nextWake(current.spec.no, now) : undefined;
    const retryWaits = room && this.#nextRetry(current, now) !== undefined;
    return Math.min(
      hasUsers || retryWaits ? Math.max(now, this.#nextCallAt) : Number.POSITIVE_INFINITY,
      wakeAt ?? Number.POSITIVE_INFINITY,
      current.log.writeAt,
      this.#nextCallEnd(now),
    );
  }

  /** When the first call's time is over; one that has been told so answers by itself. */
  #nextCallEnd(now: number): number {
    let next = Number.POSITIVE_INFINITY;
    for (const { endsAt } of this.#calls.values()) if (endsAt > now && endsAt < next) next = endsAt;
    return next;
  }

  #held(current: CurrentFanOut): string | undefined {
    return current.spec.trigger === "manual" ? undefined : this.#effects.held(current.spec);
  }

  #isIdle({ queue, log }: CurrentFanOut): boolean {
    return this.#calls.size === 0 && log.tally.active === 0 && queue.size === 0;
  }

  async #reportIfIdle(): Promise<void> {
    const current = this.current;
    if (current === undefined || this.#reported || !this.#isIdle(current)) return;
    this.#reported = true;
    current.log.write();
    await this.#effects.report(current.spec);
  }

  #arm(): void {
    if (this.#stopped) return;
    const current = this.current;
    const now = this.#effects.now();
    const at =
      current === undefined ? Number.POSITIVE_INFINITY : this.#calls.size > 0 ? now : this.#nextAt(current, now);
    this.#effects.armAt(Number.isFinite(at) ? Math.ceil(at) : null);
  }
}

const KILLS =
  "interrupted again and again: the scheduler did not survive calling the agent for this user and those beside";
