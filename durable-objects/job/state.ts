/**
 * A job in memory, and how it changes: loaded once, written through, armed. All of it is synchronous, so one turn's changes
 * are one commit of rows, cursor and alarm (docs/architecture.md, invariants 2 and 3). Every commit is published. The loop
 * and the listeners of events subscribe, so no part has to call them.
 */

import { owing } from "../../src/domain/event/event.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import { type FanOut, goingOf } from "../../src/domain/fan-out/fan-out.ts";
import {
  type Caller,
  canChange,
  canRun,
  canSee,
  changeRefused,
  runRefused,
  type Scoped,
} from "../../src/domain/job/access.ts";
import { type CompiledJob, defineJob } from "../../src/domain/job/definition.ts";
import type { Cursor, JobRecord } from "../../src/domain/job/job.ts";
import { ok } from "../../src/domain/result.ts";
import { isActive, type Run } from "../../src/domain/run/run.ts";
import { type TickState, type TimerContext, timersOf } from "../../src/domain/run/tick.ts";
import { Alarm } from "../shared/alarm.ts";
import { JobFanOutStore } from "./fan-outs/store.ts";
import { JobStore } from "./store.ts";

/** The change of one step. Fields that are left out stay. */
export type Change = {
  readonly record?: JobRecord | undefined;
  /**
   * Takes the record over without writing it. Its changes would be decided again after a crash, and its next change writes
   * all of it.
   */
  readonly recordLater?: boolean;
  /** Set if no client can see the change. */
  readonly isNote?: boolean;
  readonly runs?: readonly Run[] | undefined;
  readonly cursor?: Cursor | undefined;
  /** A fan-out that is opened, continues, or ends. It is one row. */
  readonly fanOut?: FanOut | undefined;
};

/** One commit, as subscribers see it. */
export type StateChange = {
  readonly rev: number;
  readonly runs: readonly Run[];
  /** Whether the job itself has changed. */
  readonly job: boolean;
  /** Whether the job's agent or user has changed, and with them who may see its offers. */
  readonly hasMoved?: boolean;
  /** A fan-out that has opened or ended. */
  readonly fanOut?: FanOut | undefined;
};

export type Listener = (change: StateChange) => void;

/** A stored job: its state without the parts that are compiled from the definition. `fanOut` is the running one. */
export type StoredState = Omit<TickState, "job" | "fanOut"> & { readonly fanOut?: FanOut | undefined };

export class JobState {
  /** The job's one physical alarm. */
  readonly alarm: Alarm;
  readonly #storage: DurableObjectStorage;
  readonly #retention: number;
  readonly #listeners = new Set<Listener>();
  #store: JobStore;
  #fanOuts: JobFanOutStore;
  /** The job as stored, null if there is none. Undefined until it was read. */
  #stored: StoredState | null | undefined;
  #job: CompiledJob | undefined;

  constructor(storage: DurableObjectStorage, retention: number) {
    this.#storage = storage;
    this.#retention = retention;
    this.alarm = new Alarm(storage);
    this.#store = new JobStore(storage.sql, retention);
    this.#fanOuts = new JobFanOutStore(storage.sql);
  }

  get store(): JobStore {
    return this.#store;
  }

  get fanOuts(): JobFanOutStore {
    return this.#fanOuts;
  }

  /**
   * The job with its compiled definition, or undefined if there is none. Finding that out writes nothing
   * (docs/architecture.md, invariant 6). Throws if this version of the code cannot read the definition.
   */
  get current(): TickState | undefined {
    const { stored } = this;
    if (stored === undefined) return undefined;
    this.#job ??= compiled(stored.record);
    return { ...stored, job: this.#job };
  }

  /**
   * The job as stored, for showing it. It works even if this version of the code cannot read the definition. After a
   * rollback a job can be in that state until the later version is deployed again.
   */
  get stored(): StoredState | undefined {
    if (this.#stored === undefined) this.#stored = this.#load() ?? null;
    return this.#stored ?? undefined;
  }

  /** The running fan-out, unless the job is being deleted. */
  get going(): FanOut | undefined {
    const { stored } = this;
    return stored?.record.deletedAt === undefined ? stored?.fanOut : undefined;
  }

  #load(): StoredState | undefined {
    const stored = this.#store.load();
    if (stored === undefined) return undefined;
    const { record, cursor, active, hasFannedOut } = stored;
    if (!hasFannedOut) return { record, cursor, active };
    const rev = Math.max(cursor.rev, this.#fanOuts.rev);
    return { record, active, cursor: { ...cursor, rev }, fanOut: goingOf(this.#fanOuts.newest()) };
  }

  /** Creates the job and arms it, in one commit. */
  create(record: JobRecord, cursor: Cursor, now: number): void {
    this.#undoing(() =>
      this.#storage.transactionSync(() => {
        this.#store.create(record, cursor);
        this.#stored = { record, cursor, active: [] };
        this.arm({ now, inFlight: NO_CALLS });
      }),
    );
  }

  /** Runs a write. If it fails, the state in memory is dropped too, since only the tables were rolled back. */
  #undoing(write: () => void): void {
    try {
      write();
    } catch (error) {
      this.#forget();
      throw error;
    }
  }

  /** Writes a change and applies it in memory. It writes one row for each run, and one if the record changed. */
  commit(change: Change): StoredState {
    const before = this.stored;
    if (before === undefined) throw new Error("A job that does not exist cannot change");
    const record = change.record ?? before.record;
    const runs = change.runs ?? [];
    const moved = owing(
      before,
      { record, cursor: change.cursor ?? before.cursor, runs, fanOut: change.fanOut },
      Date.now(),
    );
    const cursor = { ...moved, rev: before.cursor.rev + 1 };
    const recordChanged = record !== before.record || (runs.length === 0 && change.cursor !== undefined);
    const recordWritten = recordChanged && change.recordLater !== true;
    const write = (): void => {
      this.#store.record({ runs, cursor, ...(recordWritten ? { record } : {}) });
      if (change.fanOut !== undefined) this.#fanOuts.put(change.fanOut, cursor.rev);
    };
    // A single row is written wholly or not at all. Several rows need a transaction.
    const isOne = runs.length + (recordWritten ? 1 : 0) === 1 && change.fanOut === undefined;
    this.#undoing(isOne ? write : () => this.#storage.transactionSync(write));
    if (record.definition !== before.record.definition) this.#job = undefined;
    const changed = new Map(runs.map((run) => [run.id, run]));
    const active = before.active.map((run) => changed.get(run.id) ?? run);
    for (const run of runs) if (!active.includes(run)) active.push(run);
    const fanOut = change.fanOut === undefined ? before.fanOut : goingOf(change.fanOut);
    const after = { record, cursor, active: active.filter(isActive), fanOut };
    this.#stored = after;
    const turned = before.fanOut === undefined || change.fanOut?.status !== "running" ? change.fanOut : undefined;
    const job = (recordChanged && !change.isNote) || runs.length > 0;
    const hasMoved = isMoved(before.record.definition, record.definition);
    this.#publish({ rev: cursor.rev, runs, job, hasMoved, fanOut: turned });
    return after;
  }

  /**
   * Moves the next look at the running fan-out forward, in memory alone. If this report gets lost, asking the shards finds
   * it.
   */
  wakeFanOutAt(at: number): void {
    const { stored } = this;
    const going = stored?.fanOut;
    if (stored === undefined || going === undefined) return;
    this.#stored = { ...stored, fanOut: { ...going, wakeAt: Math.min(at, going.wakeAt) } };
    this.#publish({ rev: stored.cursor.rev, runs: [], job: false });
  }

  /**
   * Puts off the next look at the running fan-out, in memory alone. It moves with each report of a shard. The earlier time
   * in storage only costs one look after a restart.
   */
  restFanOutUntil(at: number): void {
    const { stored } = this;
    if (stored?.fanOut !== undefined) this.#stored = { ...stored, fanOut: { ...stored.fanOut, wakeAt: at } };
  }

  /** Sets the alarm to the earliest timer, even if that is past. Removes it if nothing waits. */
  arm(context: TimerContext): void {
    const { stored } = this;
    if (stored === undefined) return;
    this.alarm.set(Math.min(...timersOf(stored, context).map(({ at }) => at)));
  }

  /** Erases everything, including tables and alarm. */
  async erase(): Promise<void> {
    await this.#storage.deleteAll();
    this.#forget();
    this.alarm.taken();
  }

  /** Drops the state in memory. It is read again on demand. */
  #forget(): void {
    this.#store = new JobStore(this.#storage.sql, this.#retention);
    this.#fanOuts = new JobFanOutStore(this.#storage.sql);
    this.#stored = undefined;
    this.#job = undefined;
  }

  /** Subscribes to every commit from now on. The returned function ends the subscription. */
  onCommit(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #publish(change: StateChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

/** Whether a change gives the job to another agent or user. */
const isMoved = (before: Scoped, after: Scoped): boolean =>
  before.agent_id !== after.agent_id || before.user_id !== after.user_id;

const NO_CALLS: ReadonlySet<string> = new Set();

function compiled({ id, definition }: JobRecord): CompiledJob {
  const job = defineJob(definition, { stored: true });
  if (job.ok) return job.value;
  throw new Error(`The stored definition of job ${id} cannot be read: ${JSON.stringify(job.error)}`);
}

/** The stored job, if it exists and this caller may see it. */
export function visibleRecord(state: JobState, caller: Caller): Outcome<StoredState> {
  const { stored } = state;
  if (stored === undefined || stored.record.deletedAt !== undefined) return notFound("job");
  return canSee(caller, stored.record.definition) ? ok(stored) : notFound("job");
}

/** The compiled job, if it exists and this caller may see it. */
export function visibleJob(state: JobState, caller: Caller): Outcome<TickState> {
  const { current } = state;
  if (current === undefined || current.record.deletedAt !== undefined) return notFound("job");
  return canSee(caller, current.record.definition) ? ok(current) : notFound("job");
}

/** The stored job, if it exists and this caller may change it. Errors: `not_found`, `forbidden`. */
export const changeableRecord = (state: JobState, caller: Caller): Outcome<StoredState> =>
  refusingChange(caller, visibleRecord(state, caller));

/** The compiled job, if it exists and this caller may change and run it. Errors: `not_found`, `forbidden`. */
export const changeableJob = (state: JobState, caller: Caller): Outcome<TickState> =>
  refusingChange(caller, visibleJob(state, caller));

/** The compiled job, if it exists and this caller may have its agent called. Errors: `not_found`, `forbidden`. */
export function runnableJob(state: JobState, caller: Caller): Outcome<TickState> {
  const seen = changeableJob(state, caller);
  return seen.ok && !canRun(caller, seen.value.record.definition) ? runRefused : seen;
}

const refusingChange = <S extends Pick<StoredState, "record">>(caller: Caller, seen: Outcome<S>): Outcome<S> =>
  seen.ok && !canChange(caller, seen.value.record.definition) ? changeRefused : seen;
