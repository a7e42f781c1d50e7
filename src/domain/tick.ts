/**
 * What a job does when it wakes: one pure step from (state, now) to the next state, the runs to record and the calls to make.
 * It composes the rules: answers that came in, interrupted and expired runs, due and missed fires, overlap, buffered and
 * backfilled fires, retries, the end of the job. The shell records the result in one transaction and only then acts on it
 * (invariant 2). Deciding twice from the same state gives the same ids, so a repeat after a crash is harmless.
 */
import { FINISHED_RETENTION_MS } from "../schema/limits.ts";
import type { Trigger } from "../schema/run.ts";
import type { Answer } from "./answer.ts";
import type { CompiledJob } from "./definition.ts";
import { type Cursor, type JobRecord, nextDueAt } from "./job.ts";
import { jitterDelay } from "./jitter.ts";
import { decideMissed } from "./missed.ts";
import { decideOverlap } from "./overlap.ts";
import {
  beginAttempt,
  cancelRun,
  expireRun,
  interruptAttempt,
  isActive,
  type NewRun,
  type Run,
  settleAttempt,
  skippedRun,
  startRun,
} from "./run.ts";
import { backfillRunId, scheduledRunId } from "./run-id.ts";
import { sessionId } from "./session.ts";

/** Everything that a decision may look at. */
export type TickState = {
  readonly job: CompiledJob;
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs that have not ended, oldest first. */
  readonly active: readonly Run[];
};

export type TickContext = {
  readonly now: number;
  /** In [0, 1): spreads backoffs. */
  readonly random: number;
  /** Ids of runs whose call is being made by this very process. */
  readonly inFlight: ReadonlySet<string>;
  /** Answers that came in since the last tick, by run id. */
  readonly answers: ReadonlyMap<string, Answer>;
  /** Why nothing fires (`MODE`, `USER_JOBS`), if so. Held fires are skipped, not kept. */
  readonly held?: string | undefined;
};

export type TickResult = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs to write, each once, in its last form. */
  readonly changed: readonly Run[];
  readonly active: readonly Run[];
  /** Runs to call now, once recorded. */
  readonly calls: readonly Run[];
  /** Runs whose call in flight is to be hung up. */
  readonly aborts: readonly string[];
  /** The finished job's time is over: erase everything. */
  readonly erase: boolean;
};

/** At most this many runs of one job are active at a time; `allow_all` skips beyond it (invariant 5). */
export const MAX_ACTIVE_RUNS = 50;

/** Decides what happens at `now`. Deterministic in its arguments; applying it again to its own result changes nothing. */
export function decideTick(state: TickState, context: TickContext): TickResult {
  const draft = new Draft(state, context);
  draft.settleAnswers();
  draft.recoverAndExpire();
  if (state.record.finishedAt === undefined) {
    draft.fireWhatIsDue();
    draft.startBuffered();
    draft.startBackfilled();
  }
  draft.callPending();
  draft.finishIfOver();
  return draft.result();
}

/** One thing that a job waits for. All timers are read off the state; the earliest one is the alarm (invariant 3). */
export type Timer = { readonly kind: "fire" | "attempt" | "deadline" | "recover" | "queue" | "index" | "erase"; readonly at: number };

/** The job's table of timers. A call in flight has none: it is held by the process, and by the alarm that made it. */
export function timersOf(state: TickState, inFlight: ReadonlySet<string>, now: number): Timer[] {
  const { record, cursor, active, job } = state;
  const timers: Timer[] = [];
  if (record.version > record.indexedVersion || record.deletedAt !== undefined) timers.push({ kind: "index", at: now });
  for (const run of active) {
    if (run.phase === "pending") timers.push({ kind: "attempt", at: run.wakeAt ?? now });
    if (run.phase === "waiting") timers.push({ kind: "deadline", at: run.wakeAt ?? now });
    if (run.phase === "calling" && !inFlight.has(run.id)) timers.push({ kind: "recover", at: now });
  }
  if (record.finishedAt !== undefined) timers.push({ kind: "erase", at: record.finishedAt + FINISHED_RETENTION_MS });
  else {
    if (cursor.nextDueAt !== null && job.definition.exec_scope !== "all_users") {
      timers.push({ kind: "fire", at: cursor.nextDueAt });
    }
    const queued = record.bufferedDueAt !== undefined || record.backfills.length > 0;
    if (queued && active.length === 0) timers.push({ kind: "queue", at: now });
  }
  return timers;
}

class Draft {
  readonly #job: CompiledJob;
  readonly #context: TickContext;
  readonly #runs: Map<string, Run>;
  readonly #changed = new Set<string>();
  readonly #calls: string[] = [];
  readonly #aborts: string[] = [];
  #record: JobRecord;
  #cursor: Cursor;
  #erase = false;

  constructor(state: TickState, context: TickContext) {
    this.#job = state.job;
    this.#record = state.record;
    this.#cursor = state.cursor;
    this.#context = context;
    this.#runs = new Map(state.active.map((run) => [run.id, run]));
  }

  settleAnswers(): void {
    for (const [id, answer] of this.#context.answers) {
      const run = this.#runs.get(id);
      // An answer to a call whose run was cancelled or completed meanwhile has nothing left to decide.
      if (run?.phase !== "calling") continue;
      this.#put(settleAttempt(run, answer, this.#rules, this.#context.now, this.#context.random));
      if (answer.kind === "gone") this.#pause(answer.reason);
    }
  }

  recoverAndExpire(): void {
    const { now, inFlight, random } = this.#context;
    for (const run of this.#active()) {
      if (run.phase === "calling" && !inFlight.has(run.id)) this.#put(interruptAttempt(run, this.#rules, now, random));
      else if (run.phase === "waiting" && (run.wakeAt ?? 0) <= now) this.#put(expireRun(run, now));
    }
  }

  fireWhatIsDue(): void {
    const { now, held } = this.#context;
    const due = this.#cursor.nextDueAt;
    if (due === null || due > now || this.#job.definition.exec_scope === "all_users") return;

    const delay = jitterDelay(this.#record.id, this.#job.jitterMs);
    const verdict = decideMissed(this.#job, this.#record.anchorAt, delay, due, now);
    if (held !== undefined) this.#skip(verdict.dueAt, held, verdict.missed);
    else if (verdict.kind === "too_late") this.#skip(verdict.dueAt, verdict.reason, verdict.missed);
    else this.#fire(verdict.dueAt, verdict.missed);

    this.#cursor = { ...this.#cursor, nextDueAt: nextDueAt(this.#job, this.#record, this.#cursor.fires, verdict.dueAt) };
  }

  startBuffered(): void {
    const due = this.#record.bufferedDueAt;
    if (due === undefined || this.#active().length > 0) return;
    const { bufferedDueAt: _due, ...record } = this.#record;
    this.#record = record;
    this.#start("schedule", due, scheduledRunId(this.#record.id, due), 0);
  }

  startBackfilled(): void {
    const [first, ...rest] = this.#record.backfills;
    if (first === undefined || this.#active().length > 0) return;
    const [due, ...later] = first.due;
    this.#record = { ...this.#record, backfills: later.length > 0 ? [{ no: first.no, due: later }, ...rest] : rest };
    if (due !== undefined) this.#start("backfill", due, backfillRunId(this.#record.id, first.no, due), 0);
  }

  callPending(): void {
    for (const run of this.#active()) {
      if (run.phase !== "pending" || (run.wakeAt ?? 0) > this.#context.now) continue;
      this.#put(beginAttempt(run));
      this.#calls.push(run.id);
    }
  }

  finishIfOver(): void {
    const { now } = this.#context;
    if (this.#record.finishedAt !== undefined) {
      this.#erase = this.#record.finishedAt + FINISHED_RETENTION_MS <= now;
      return;
    }
    const waits = this.#record.bufferedDueAt !== undefined || this.#record.backfills.length > 0;
    if (this.#cursor.nextDueAt !== null || !this.#job.definition.enabled || waits || this.#active().length > 0) return;
    if (this.#job.definition.exec_scope === "all_users") return;
    this.#record = { ...this.#record, finishedAt: now, version: this.#record.version + 1, updatedAt: now };
  }

  result(): TickResult {
    const runs = [...this.#runs.values()];
    return {
      record: this.#record,
      cursor: this.#cursor,
      changed: runs.filter((run) => this.#changed.has(run.id)),
      active: runs.filter(isActive),
      calls: runs.filter((run) => this.#calls.includes(run.id)),
      aborts: this.#aborts,
      erase: this.#erase,
    };
  }

  get #rules() {
    return { retry: this.#job.retry, completionTimeoutMs: this.#job.completionTimeoutMs };
  }

  #active(): Run[] {
    return [...this.#runs.values()].filter(isActive);
  }

  #fire(due: number, missed: number): void {
    const active = this.#active();
    const verdict = decideOverlap(this.#job.definition.overlap, active.length, this.#record.bufferedDueAt, MAX_ACTIVE_RUNS);
    switch (verdict.kind) {
      case "skip":
        return this.#skip(due, verdict.reason, missed);
      case "buffer":
        this.#record = { ...this.#record, bufferedDueAt: due };
        return;
      case "replace":
        for (const run of active) {
          if (run.phase === "calling") this.#aborts.push(run.id);
          this.#put(cancelRun(run, this.#context.now, "cancelled: the next fire came due (overlap: cancel_other)"));
        }
        break;
      case "start":
        break;
    }
    this.#start("schedule", due, scheduledRunId(this.#record.id, due), missed);
  }

  #start(trigger: Trigger, due: number, id: string, missed: number): void {
    this.#put(startRun(this.#newRun(trigger, due, id, missed), this.#context.now));
    if (trigger === "schedule") this.#cursor = { ...this.#cursor, fires: this.#cursor.fires + 1 };
  }

  #skip(due: number, reason: string, missed: number): void {
    const id = scheduledRunId(this.#record.id, due);
    this.#put(skippedRun(this.#newRun("schedule", due, id, missed), reason, this.#context.now));
  }

  #newRun(trigger: Trigger, dueAt: number, id: string, missed: number): NewRun {
    const seq = this.#cursor.lastSeq + 1;
    this.#cursor = { ...this.#cursor, lastSeq: seq };
    return newRun(this.#record, { id, seq, trigger, dueAt, missed });
  }

  #put(run: Run): void {
    const before = this.#runs.get(run.id);
    this.#runs.set(run.id, run);
    this.#changed.add(run.id);
    if (!isActive(run) && (before === undefined || isActive(before))) this.#cursor = countEnded(this.#cursor, run);
  }

  #pause(reason: string): void {
    const { now } = this.#context;
    const definition = { ...this.#record.definition, enabled: false };
    this.#record = { ...this.#record, definition, pausedReason: reason, version: this.#record.version + 1, updatedAt: now };
    this.#cursor = { ...this.#cursor, nextDueAt: null };
  }
}

/** A run of this job with its session id, which every attempt of it keeps. */
export function newRun(
  record: JobRecord,
  run: { readonly id: string; readonly seq: number; readonly trigger: Trigger; readonly dueAt: number; readonly missed?: number },
): NewRun {
  const { definition } = record;
  const session = sessionId({
    jobId: record.id,
    agentId: definition.agent_id,
    userId: definition.user_id,
    mode: definition.session_mode,
    startedAt: run.dueAt,
  });
  return { ...run, sessionId: session, userId: definition.user_id };
}

/** An ended run in the job's own count: skips are left out (CONTRACT.md §5). */
export function countEnded(cursor: Cursor, run: Run): Cursor {
  if (run.status === "skipped") return cursor;
  const { lastError: _lastError, ...rest } = cursor;
  return {
    ...rest,
    runCount: cursor.runCount + 1,
    consecutiveFailures: run.status === "error" ? cursor.consecutiveFailures + 1 : 0,
    lastRunAt: run.startedAt,
    lastStatus: run.status,
    ...(run.error === undefined ? {} : { lastError: run.error }),
  };
}
