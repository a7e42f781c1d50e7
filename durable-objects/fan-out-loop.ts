/**
 * What a shard of a fan-out does while it is awake: it takes users out of its batches, calls the agent for each within the
 * bounds, and logs the end of each run. A call is not recorded before it is made, only its end is: one row a user. So a crash
 * makes the calls that were in flight again, under the same run ids, and never a second run in the log.
 */
import type { Answer } from "../src/domain/answer.ts";
import { type CompiledJob, defineJob } from "../src/domain/definition.ts";
import type { FanOutCounts } from "../src/domain/fan-out.ts";
import { concurrencyOf, intervalOf, nextCallAt } from "../src/domain/fan-out-shard.ts";
import {
  beginAttempt,
  cancelRun,
  expireRun,
  interruptAttempt,
  isActive,
  type Run,
  settleAttempt,
  skipRun,
} from "../src/domain/run.ts";
import { keyOfUserRun, userKey } from "../src/domain/run-id.ts";
import { type FanOutSpec, startUserRun } from "../src/domain/user-run.ts";
import type { FanOutStore, StoredFanOut } from "./fan-out-store.ts";

/** The platform ends an alarm after 15 minutes; before that, the next alarm takes the loop over, calls in flight included. */
const MAX_ALARM_MS = 10 * 60_000;
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
  /** Calls the agent for one attempt; never throws. */
  readonly call: (job: CompiledJob, spec: FanOutSpec, run: Run, signal: AbortSignal) => Promise<Answer>;
  /** Tells the job that this shard has something to tell: it is idle, or was answered 410. Never throws. */
  readonly report: (spec: FanOutSpec) => Promise<void>;
  /** Sets the one alarm, or takes it off. */
  readonly armAt: (at: number | null) => void;
};

/** A batch of which some users have been begun, and some of those perhaps not ended. */
type OpenBatch = { readonly seq: number; readonly users: readonly string[]; next: number; outstanding: number };

/** `logged`: the log holds this run already, in an earlier form. */
type Call = {
  readonly run: Run;
  readonly logged: boolean;
  readonly batch: OpenBatch | undefined;
  readonly controller: AbortController;
};

type Current = StoredFanOut & { readonly job: CompiledJob; readonly concurrency: number; readonly interval: number };

export type ShardStatus = {
  /** Nothing runs, waits or is queued. */
  readonly idle: boolean;
  readonly counts: FanOutCounts;
  readonly gone?: string;
};

export class FanOutLoop {
  readonly #store: FanOutStore;
  readonly #effects: ShardEffects;
  readonly #calls = new Map<string, Call>();
  #batches: OpenBatch[] = [];
  #current: Current | undefined;
  #loaded = false;
  #counts: { total: number; succeeded: number; failed: number; skipped: number; active: number } | undefined;
  /** Users in batches that are not open; undefined until they were counted. */
  #waiting: number | undefined;
  #nextCallAt = 0;
  /** Users still to be given up; undefined until the first one is begun after a restart. */
  #toGiveUp: number | undefined;
  #reported = false;
  #running = false;
  #stopped = false;
  /** Something has happened that the running loop has not looked at. */
  #dirty = false;
  #wake: () => void = () => {};

  constructor(store: FanOutStore, effects: ShardEffects) {
    this.#store = store;
    this.#effects = effects;
  }

  /** The fan-out that this shard works on: the newest that it was handed users of. Others are only kept. */
  get current(): Current | undefined {
    if (this.#loaded) return this.#current;
    const stored = this.#store.newest();
    this.#current = stored === undefined ? undefined : prepare(stored);
    this.#nextCallAt = stored?.nextCallAt ?? 0;
    this.#loaded = true;
    return this.#current;
  }

  /** After the tables were changed: everything that was in memory is read anew. Calls in flight are hung up. */
  reset(): void {
    for (const { controller } of this.#calls.values()) controller.abort();
    this.#calls.clear();
    this.#batches = [];
    this.#counts = undefined;
    this.#waiting = undefined;
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
    for (const { controller } of this.#calls.values()) controller.abort();
    this.#calls.clear();
    this.#batches = [];
    this.#current = undefined;
    this.#loaded = true;
    this.#stopped = true;
    this.#wake();
  }

  /** A batch of so many users has been stored. */
  took(users: number): void {
    if (this.#waiting !== undefined) this.#waiting += users;
    this.poke();
  }

  /** Something has changed: the running loop looks again, or an alarm runs it, if only to report that nothing is left. */
  poke(): void {
    this.#reported = false;
    this.#dirty = true;
    if (this.#running) this.#wake();
    else if (!this.#stopped) this.#effects.armAt(this.#effects.now());
  }

  /** Makes sure that the alarm is set for what waits. */
  awaken(): void {
    if (!this.#running) this.#arm();
  }

  /** A run as it is now: in flight, or logged. */
  find(fanOut: StoredFanOut, key: string): Run | undefined {
    const call = fanOut.spec.no === this.current?.spec.no ? this.#calls.get(key) : undefined;
    return call?.run ?? this.#store.run(fanOut.spec, key);
  }

  /** Calls in flight that the log does not hold. */
  unlogged(fanOut: StoredFanOut): Run[] {
    if (fanOut.spec.no !== this.current?.spec.no) return [];
    return [...this.#calls.values()].filter(({ logged }) => !logged).map(({ run }) => run);
  }

  /** Takes over a run that was changed from outside; a call of an ended one is hung up. */
  change(fanOut: StoredFanOut, key: string, before: Run, after: Run): void {
    const isCurrent = fanOut.spec.no === this.current?.spec.no;
    const call = isCurrent ? this.#calls.get(key) : undefined;
    if (!isCurrent) this.#store.putRun(fanOut.spec.no, after);
    else this.#log(after, call === undefined || call.logged ? before : undefined);
    if (call === undefined) {
      this.poke();
      return;
    }
    if (isActive(after)) this.#calls.set(key, { ...call, run: after, logged: true });
    else {
      call.controller.abort();
      this.#finish(key, call);
    }
  }

  /** Where the current fan-out stands in this shard. Users not run yet count once for each time that the source named them. */
  status(): ShardStatus {
    const current = this.current;
    if (current === undefined) return { idle: true, counts: { total: 0, succeeded: 0, failed: 0, skipped: 0 } };
    const { total, succeeded, failed, skipped, active } = this.#tally(current);
    const queued = this.#queued(current);
    const unlogged = this.unlogged(current).length;
    return {
      idle: queued === 0 && this.#calls.size === 0 && active === 0,
      counts: { total: total + queued + unlogged, succeeded, failed, skipped },
      ...(current.gone === undefined ? {} : { gone: current.gone }),
    };
  }

  /** The alarm. Returns when nothing is left to call for now, or when its time is over; the object is armed then. */
  async run(): Promise<void> {
    this.#running = true;
    const startedAt = this.#effects.now();
    try {
      for (;;) {
        this.#dirty = false;
        const now = this.#effects.now();
        const turn = this.#turn(now);
        await this.#reportIfIdle();
        if (now - startedAt > MAX_ALARM_MS) break;
        if (turn.again) await this.#nap(0);
        else if (this.#calls.size > 0 || turn.nextAt - now <= MAX_NAP_MS) await this.#nap(turn.nextAt - now);
        else break;
      }
    } finally {
      this.#running = false;
      const current = this.current;
      if (current !== undefined && current.interval > 0 && this.#queued(current) > 0) {
        this.#store.noteNextCall(current.spec.no, this.#nextCallAt);
      }
      this.#arm();
    }
  }

  /** Starts what may start. `nextAt` is when to look again without a call having ended; `again`: there is more to do at once. */
  #turn(now: number): { readonly again: boolean; readonly nextAt: number } {
    const current = this.current;
    if (current === undefined) return { again: false, nextAt: Number.POSITIVE_INFINITY };
    if (this.#settleDue(current, now)) return { again: true, nextAt: now };
    for (let dealtWith = 0; this.#calls.size < current.concurrency; dealtWith++) {
      if (dealtWith >= MAX_PER_TURN) return { again: true, nextAt: now };
      const retry = this.#nextRetry(current, now);
      const held = retry === undefined ? this.#held(current) : undefined;
      if (held === undefined && this.#nextCallAt > now) break;
      if (retry !== undefined) {
        const run = beginAttempt(retry);
        this.#log(run, retry);
        this.#call(current, run, true, undefined, now);
        continue;
      }
      const user = this.#nextUser(current);
      if (user === undefined) break;
      const run = startUserRun(current.spec, user.userId, now);
      user.batch.outstanding++;
      if (held !== undefined) this.#end(skipRun(run, held, now), user.batch);
      else if (this.#isGivenUp(current)) this.#end(cancelRun(run, now, KILLS), user.batch);
      else this.#call(current, beginAttempt(run), false, user.batch, now);
    }
    return { again: false, nextAt: this.#nextAt(current, now) };
  }

  /** Ends logged runs whose completion is overdue, and calls that nobody holds any more. True where there may be more of them. */
  #settleDue(current: Current, now: number): boolean {
    if (this.#tally(current).active === 0) return false;
    const due = this.#store.dueRuns(current.spec, now, MAX_DUE_PER_TURN + this.#calls.size);
    let settled = 0;
    for (const run of due) {
      if (this.#calls.has(keyOfUserRun(run.id))) continue;
      if (run.phase === "pending") continue;
      settled++;
      if (run.phase === "waiting") this.#log(expireRun(run, now), run);
      else this.#log(interruptAttempt(run, rulesOf(current.job), now, this.#effects.random()), run);
    }
    return settled >= MAX_DUE_PER_TURN;
  }

  #nextRetry(current: Current, now: number): Run | undefined {
    if (this.#tally(current).active === 0) return undefined;
    const due = this.#store.dueRuns(current.spec, now, this.#calls.size + 1);
    return due.find((run) => run.phase === "pending" && !this.#calls.has(keyOfUserRun(run.id)));
  }

  /** The next user without a run: not in the log, and not being called. Repeats are passed over here. */
  #nextUser(current: Current): { readonly userId: string; readonly batch: OpenBatch } | undefined {
    for (;;) {
      const batch = this.#batches.find(({ next, users }) => next < users.length) ?? this.#openBatch(current);
      if (batch === undefined) return undefined;
      const userId = batch.users[batch.next++];
      if (userId === undefined) continue;
      const key = userKey(userId);
      if (!this.#calls.has(key) && !this.#store.has(current.spec.no, key)) return { userId, batch };
      this.#closeIfDone(batch);
    }
  }

  #openBatch(current: Current): OpenBatch | undefined {
    const stored = this.#store.nextBatch(current.spec.no, this.#openSeqs());
    if (stored === undefined) return undefined;
    if (this.#waiting !== undefined) this.#waiting -= stored.users.length;
    const batch = { ...stored, next: 0, outstanding: 0 };
    this.#batches.push(batch);
    return batch;
  }

  #closeIfDone(batch: OpenBatch): void {
    if (batch.next < batch.users.length || batch.outstanding > 0) return;
    this.#store.deleteBatch(batch.seq);
    this.#batches = this.#batches.filter((other) => other !== batch);
  }

  #openSeqs(): number[] {
    return this.#batches.map(({ seq }) => seq);
  }

  /**
   * Whether this user is given up because calling these users has killed the object again and again. Found out when the first user
   * is begun after a restart, which costs one row.
   */
  #isGivenUp(current: Current): boolean {
    if (this.#toGiveUp === undefined) {
      const logged = this.#tally(current).total;
      const stalls = logged === current.begunAtLogged ? current.stalls + 1 : 0;
      this.#toGiveUp = stalls >= MAX_STALLS ? current.concurrency : 0;
      this.#store.noteBegin(current.spec.no, logged, stalls >= MAX_STALLS ? 0 : stalls);
    }
    if (this.#toGiveUp === 0) return false;
    this.#toGiveUp--;
    return true;
  }

  #call(current: Current, run: Run, logged: boolean, batch: OpenBatch | undefined, now: number): void {
    const key = keyOfUserRun(run.id);
    const controller = new AbortController();
    this.#calls.set(key, { run, logged, batch, controller });
    if (current.interval > 0) this.#nextCallAt = nextCallAt(this.#nextCallAt, now, current.interval);
    void this.#effects.call(current.job, current.spec, run, controller.signal).then((answer) => {
      const call = this.#calls.get(key);
      // A call that was hung up has been taken out already; its run has ended.
      if (call?.controller !== controller) return;
      const next = settleAttempt(call.run, answer, rulesOf(current.job), this.#effects.now(), this.#effects.random());
      if (answer.kind === "gone") {
        this.#store.noteGone(current.spec.no, answer.reason);
        this.#current = { ...current, gone: current.gone ?? answer.reason };
      }
      this.#log(next, call.logged ? call.run : undefined);
      this.#finish(key, call);
    });
  }

  /** A run that ends without a call. */
  #end(ended: Run, batch: OpenBatch): void {
    this.#log(ended, undefined);
    batch.outstanding--;
    this.#closeIfDone(batch);
  }

  /** The call is over, and the log has what came of it. */
  #finish(key: string, call: Call): void {
    this.#calls.delete(key);
    if (call.batch !== undefined) {
      call.batch.outstanding--;
      this.#closeIfDone(call.batch);
    }
    this.poke();
  }

  /** Writes a run; `before` is the form in which the log holds it, if it does. */
  #log(run: Run, before: Run | undefined): void {
    const current = this.current;
    if (current === undefined) return;
    const counts = this.#tally(current);
    this.#store.putRun(current.spec.no, run);
    if (before === undefined) counts.total++;
    else if (isActive(before)) counts.active--;
    if (isActive(run)) counts.active++;
    else if (run.status === "success") counts.succeeded++;
    else if (run.status === "error") counts.failed++;
    else counts.skipped++;
  }

  #tally(current: Current) {
    this.#counts ??= this.#store.counts(current.spec.no);
    return this.#counts;
  }

  #queued(current: Current): number {
    const open = this.#batches.reduce((sum, { users, next }) => sum + users.length - next, 0);
    this.#waiting ??= this.#store.queued(current.spec.no, this.#openSeqs());
    return open + this.#waiting;
  }

  /** When there is something to do next that no ending call announces. */
  #nextAt(current: Current, now: number): number {
    const room = this.#calls.size < current.concurrency;
    const hasUsers = room && this.#queued(current) > 0;
    const wakeAt = this.#tally(current).active > 0 ? this.#store.nextWake(current.spec.no, now) : undefined;
    const retryWaits = room && this.#nextRetry(current, now) !== undefined;
    return Math.min(
      hasUsers || retryWaits ? Math.max(now, this.#nextCallAt) : Number.POSITIVE_INFINITY,
      wakeAt ?? Number.POSITIVE_INFINITY,
    );
  }

  #held(current: Current): string | undefined {
    return current.spec.trigger === "manual" ? undefined : this.#effects.held(current.spec);
  }

  async #reportIfIdle(): Promise<void> {
    const current = this.current;
    if (current === undefined || this.#reported) return;
    if (!this.status().idle) return;
    this.#reported = true;
    await this.#effects.report(current.spec);
  }

  async #nap(ms: number): Promise<void> {
    if (this.#dirty) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, Math.min(MAX_NAP_MS, Math.max(0, ms)));
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = () => {};
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

/** What a fan-out's runs are judged by. */
export const rulesOf = (job: CompiledJob) => ({ retry: job.retry, completionTimeoutMs: job.completionTimeoutMs });

function prepare(stored: StoredFanOut): Current {
  const { spec, k } = stored;
  const job = defineJob(spec.definition);
  if (!job.ok)
    throw new Error(`The stored definition of fan-out ${spec.id} cannot be read: ${JSON.stringify(job.error)}`);
  const bound = spec.definition.fan_out ?? { concurrency: 1 };
  return {
    ...stored,
    job: job.value,
    concurrency: concurrencyOf(bound, spec.shards, k),
    interval: intervalOf(bound, spec.shards),
  };
}
