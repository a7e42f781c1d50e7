/**
 * One step of a job that wakes, decided purely. State and time become the next state, the runs to record and the calls to
 * make. It combines the rules: answers, interrupted and expired runs, due and missed fires, overlap, buffered and
 * backfilled fires, retries, and the end of the job. The shell records the result in one transaction and acts on it only
 * then (docs/architecture.md, invariant 2). The same state always gives the same ids, so a repeat after a crash is
 * harmless.
 */
import { FINISHED_RETENTION_MS, HELD_CHECK_MS } from "../../schema/limits.ts";
import type { CompiledJob } from "../job/definition.ts";
import { aim, type Cursor, firesOf, isDirectoryBehind, isExhausted, type JobRecord } from "../job/job.ts";
import { causeOf, dropBackfills, pauseJob, resumeJob } from "../job/stop.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import type { Steering } from "./control.ts";
import { type GateVerdict, mayStart, type Start } from "./gate.ts";
import { decideMissed } from "./missed.ts";
import { beginRun, countEnded, type RunCause, skipFire } from "./new-run.ts";
import { decideOverlap, REPLACED } from "./overlap.ts";
import { rulesOf } from "./rules.ts";
import {
  beginAttempt,
  cancelRun,
  hasDeadline,
  interruptAttempt,
  isActive,
  type Run,
  settleAttempt,
  settleOverdue,
} from "./run.ts";
import { backfillRunId, scheduledRunId } from "./run-id.ts";
import { steer } from "./steer.ts";

/** The running fan-out, as far as a job's timers and its end depend on it. */
export type FanOutTimer = { readonly wakeAt: number };

/** The state that a decision may look at. */
export type TickState = {
  readonly job: CompiledJob;
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs that have not ended, oldest first. */
  readonly active: readonly Run[];
  /** The job's running fan-out, which is looked after at its time (`domain/fan-out/fan-out.ts`). */
  readonly fanOut?: FanOutTimer | undefined;
};

export type TickContext = {
  readonly now: number;
  /** In [0, 1): spreads backoffs. */
  readonly random: number;
  /** The ids of runs that this process is calling. */
  readonly inFlight: ReadonlySet<string>;
  /** Answers that came in since the last tick, by run id. */
  readonly answers: ReadonlyMap<string, AttemptOutcome>;
  /**
   * The number of calls that this invocation may still make. Further runs stay pending for the next one. Left out: no
   * limit.
   */
  readonly callsLeft?: number;
  /** Why nothing fires (`MODE`, `USER_JOBS`), if that is so. Held fires are skipped, not kept. */
  readonly held?: string | undefined;
};

export type TickResult = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs to write, each once, in its latest state. */
  readonly changed: readonly Run[];
  readonly active: readonly Run[];
  /** Runs to call as soon as they are recorded. */
  readonly calls: readonly Run[];
  /** Runs whose call in flight is to be aborted. */
  readonly aborts: readonly string[];
  /** The finished job's retention is over, so everything is erased. */
  readonly erase: boolean;
  /** The record changes only because the job finishes. A repeat reaches the same decision from the old record. */
  readonly onlyFinishes: boolean;
};

/** The number of active runs of one job. `allow_all` skips beyond it (docs/architecture.md, invariant 5). */
export const MAX_ACTIVE_RUNS = 50;

/**
 * The number of one job's calls under way at a time. An object may have six connections open. A further call would only
 * queue, and its timeout would run out before the agent hears anything (docs/contract.md §3).
 */
export const MAX_CALLS = 6;

/** Decides the step at `now`. It depends on its arguments alone, and applied to its own result it changes nothing. */
export function decideTick(state: TickState, context: TickContext): TickResult {
  const draft = new Draft(state, context);
  draft.settleAnswers();
  draft.recoverAndExpire();
  if (state.record.finishedAt === undefined) {
    draft.resume();
    draft.fireWhatIsDue();
    draft.startBuffered();
    draft.startBackfilled();
  }
  draft.callPending();
  draft.finishIfOver();
  return draft.result();
}

/**
 * One thing that a job waits for. All timers are derived from the state, and the earliest is the alarm
 * (docs/architecture.md, invariant 3).
 */
export type Timer = {
  readonly kind: "resume" | "fire" | "attempt" | "deadline" | "recover" | "queue" | "index" | "erase" | "fan_out";
  readonly at: number;
};

/** The facts outside the state that the timers depend on. */
export type TimerContext = {
  readonly now: number;
  readonly inFlight: ReadonlySet<string>;
  /** Why nothing fires at present, if that is so. */
  readonly held?: string | undefined;
  /** The directory could not be reached and is not asked again before this time. */
  readonly indexRetryAt?: number | undefined;
};

/** The job's table of timers. A call in flight has none: its process holds it, and so does the alarm that made it. */
export function timersOf(state: Omit<TickState, "job">, context: TimerContext): Timer[] {
  const { now, inFlight, held, indexRetryAt } = context;
  const { record, cursor, active, fanOut } = state;
  const timers: Timer[] = [];
  // A deleted job waits only for its removal. Any other timer would ring again and again.
  if (record.deletedAt !== undefined) return [{ kind: "index", at: indexRetryAt ?? now }];
  if (fanOut !== undefined) timers.push({ kind: "fan_out", at: fanOut.wakeAt });
  if (isDirectoryBehind(state)) timers.push({ kind: "index", at: indexRetryAt ?? now });
  // A run beyond the calls under way waits for one of them to end, which wakes the job.
  const hasRoom = active.filter(isCalling).length < MAX_CALLS;
  for (const run of active) {
    const attemptAt = run.wakeAt ?? now;
    if (run.phase === "pending" && (hasRoom || attemptAt > now)) timers.push({ kind: "attempt", at: attemptAt });
    if (hasDeadline(run)) timers.push({ kind: "deadline", at: run.wakeAt ?? now });
    if (run.phase === "calling" && !inFlight.has(run.id)) timers.push({ kind: "recover", at: now });
  }
  if (record.finishedAt !== undefined) timers.push({ kind: "erase", at: record.finishedAt + FINISHED_RETENTION_MS });
  else {
    const { enabled, exec_scope } = record.definition;
    if (!enabled && record.resumeAt !== undefined) timers.push({ kind: "resume", at: record.resumeAt });
    if (cursor.nextDueAt !== null && enabled && exec_scope !== "all_users") {
      timers.push({ kind: "fire", at: cursor.nextDueAt });
    }
    const backfill = record.backfills.length > 0 ? mayStart("backfill", { record, cursor, held }, now) : undefined;
    const queued = record.buffered !== undefined || (backfill !== undefined && !waits(backfill));
    if (active.length === 0 && (queued || isOver(state))) timers.push({ kind: "queue", at: now });
    // Nothing wakes the job when the hold ends, so it looks again by itself.
    else if (active.length === 0 && isHeld(backfill)) timers.push({ kind: "queue", at: now + HELD_CHECK_MS });
  }
  return timers;
}

/** Whether a backfilled fire waits for its job. If the budget is used up, the fire is skipped instead. */
const waits = (gate: GateVerdict): boolean => !gate.may && gate.why !== "budget";

const isHeld = (gate: GateVerdict | undefined): boolean => gate?.may === false && gate.why === "held";

const isCalling = ({ phase }: Run): boolean => phase === "calling";

/** Whether nothing is left: the schedule has no further fire, and nothing runs or waits. A paused job finishes then too. */
export function isOver({ record, cursor, active, fanOut }: Omit<TickState, "job">): boolean {
  const queued = record.buffered !== undefined || record.backfills.length > 0;
  return isExhausted(record, cursor) && fanOut === undefined && !queued && active.length === 0;
}

class Draft {
  readonly #job: CompiledJob;
  readonly #context: TickContext;
  readonly #fanOut: FanOutTimer | undefined;
  readonly #runs: Map<string, Run>;
  readonly #changed = new Set<string>();
  readonly #calls: string[] = [];
  readonly #aborts: string[] = [];
  #record: JobRecord;
  #cursor: Cursor;
  #erase = false;
  #onlyFinishes = false;
  readonly #before: JobRecord;

  constructor(state: TickState, context: TickContext) {
    this.#job = state.job;
    this.#before = state.record;
    this.#record = state.record;
    this.#cursor = state.cursor;
    this.#context = context;
    this.#fanOut = state.fanOut;
    this.#runs = new Map(state.active.map((run) => [run.id, run]));
  }

  settleAnswers(): void {
    for (const [id, answer] of this.#context.answers) {
      const run = this.#runs.get(id);
      // The run was cancelled or completed meanwhile, so this answer decides nothing.
      if (run?.phase !== "calling") continue;
      this.#put(settleAttempt(run, answer, this.#rules, this.#context.now, this.#context.random));
      if ("steering" in answer && answer.steering !== undefined) this.#hear(id, answer.steering);
      if (answer.kind !== "gone") continue;
      const paused = pauseJob(this.#record, this.#cursor, { by: "gone", reason: answer.reason }, this.#context.now);
      this.#record = paused.record;
      this.#cursor = paused.cursor;
    }
  }

  recoverAndExpire(): void {
    const { now, inFlight, random } = this.#context;
    for (const run of this.#active()) {
      if (run.phase === "calling" && !inFlight.has(run.id)) this.#put(interruptAttempt(run, this.#rules, now, random));
      else if (hasDeadline(run) && (run.wakeAt ?? 0) <= now) this.#put(settleOverdue(run, this.#rules, now, random));
    }
  }

  /** Resumes the job. The next fire is the first one after the planned resume time. Fires due since then were missed. */
  resume(): void {
    const { resumeAt, definition } = this.#record;
    const { now } = this.#context;
    if (definition.enabled || resumeAt === undefined || resumeAt > now) return;
    const resumed = resumeJob(this.#job, this.#record, this.#cursor, { from: resumeAt, now });
    this.#record = resumed.record;
    this.#cursor = resumed.cursor;
  }

  fireWhatIsDue(): void {
    const { now } = this.#context;
    const due = this.#cursor.nextDueAt;
    if (due === null || due > now || this.#job.definition.exec_scope === "all_users") return;
    const gate = this.#gate("due");
    if (!gate.may && (gate.why === "finished" || gate.why === "paused")) return;

    const verdict = decideMissed(this.#job, firesOf(this.#job, this.#record), due, now);
    const { dueAt, missed } = verdict;
    const cause = { id: scheduledRunId(this.#record.id, dueAt), trigger: "schedule", dueAt, missed } as const;
    if (!gate.may) this.#skip(cause, gate.reason, gate.why === "held");
    else if (verdict.kind === "too_late") this.#skip(cause, verdict.reason);
    else this.#fire(cause);
    this.#aim(dueAt);
  }

  startBuffered(): void {
    const { buffered, ...record } = this.#record;
    if (buffered === undefined || this.#active().length > 0) return;
    this.#record = record;
    const cause = causeOf(record.id, buffered);
    const gate = this.#gate("buffered");
    if (gate.may) {
      this.#start(cause);
      return;
    }
    this.#skip(cause, gate.reason, gate.why === "held");
    // It counted against max_runs while it waited, but a skip does not count.
    if (this.#cursor.nextDueAt === null) this.#aim(this.#context.now);
  }

  startBackfilled(): void {
    const [first, ...rest] = this.#record.backfills;
    if (first === undefined || this.#active().length > 0) return;
    const gate = this.#gate("backfill");
    if (waits(gate)) return;
    if (!gate.may) {
      this.#skipBackfills(gate.reason);
      return;
    }
    const [due, ...later] = first.due;
    this.#record = {
      ...this.#record,
      backfills: later.length > 0 ? [{ number: first.number, due: later }, ...rest] : rest,
    };
    if (due === undefined) return;
    this.#start({ id: backfillRunId(this.#record.id, first.number, due), trigger: "backfill", dueAt: due });
  }

  /** Skips all waiting backfills, because the budget is used up. */
  #skipBackfills(reason: string): void {
    const dropped = dropBackfills(this.#record, this.#cursor, reason, this.#context.now);
    this.#record = dropped.record;
    this.#cursor = dropped.cursor;
    if (dropped.skipped !== undefined) this.#put(dropped.skipped);
  }

  /** Begins the attempts whose time has come, oldest runs first, within the limit of calls under way. */
  callPending(): void {
    let room = MAX_CALLS - this.#active().filter(isCalling).length;
    for (const run of this.#active()) {
      if (room <= 0 || this.#calls.length >= (this.#context.callsLeft ?? Number.POSITIVE_INFINITY)) return;
      if (run.phase !== "pending" || (run.wakeAt ?? 0) > this.#context.now) continue;
      if (!this.#gate("retry").may) continue;
      room--;
      this.#put(beginAttempt(run, this.#context.now));
      this.#calls.push(run.id);
    }
  }

  finishIfOver(): void {
    const { now } = this.#context;
    if (this.#record.finishedAt !== undefined) {
      this.#erase = this.#record.finishedAt + FINISHED_RETENTION_MS <= now;
      return;
    }
    if (!isOver({ record: this.#record, cursor: this.#cursor, active: this.#active(), fanOut: this.#fanOut })) return;
    this.#onlyFinishes = this.#record === this.#before;
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
      onlyFinishes: this.#onlyFinishes,
    };
  }

  get #rules() {
    return rulesOf(this.#job);
  }

  #active(): Run[] {
    return [...this.#runs.values()].filter(isActive);
  }

  #fire(cause: RunCause): void {
    const active = this.#active();
    const waits = this.#record.buffered !== undefined;
    const verdict = decideOverlap(this.#job.definition.overlap, active.length, waits, MAX_ACTIVE_RUNS);
    switch (verdict.kind) {
      case "skip":
        this.#skip(cause, verdict.reason);
        return;
      case "buffer":
        this.#record = { ...this.#record, buffered: { dueAt: cause.dueAt, missed: cause.missed ?? 0 } };
        return;
      case "replace":
        for (const run of active) {
          if (run.phase === "calling") this.#aborts.push(run.id);
          this.#put(cancelRun(run, this.#context.now, REPLACED));
        }
        break;
      case "start":
        break;
    }
    this.#start(cause);
  }

  #start(cause: RunCause): void {
    const opened = beginRun(this.#record, this.#cursor, cause, this.#context.now);
    const isFire = cause.trigger === "schedule";
    this.#cursor = isFire ? { ...opened.cursor, fires: opened.cursor.fires + 1 } : opened.cursor;
    this.#put(opened.run);
  }

  #skip(cause: RunCause, reason: string, held = false): void {
    const skipped = skipFire(this.#record, this.#cursor, { ...cause, reason, held }, this.#context.now);
    this.#cursor = skipped.cursor;
    this.#put(skipped.run);
  }

  #put(run: Run): void {
    const before = this.#runs.get(run.id);
    this.#runs.set(run.id, run);
    this.#changed.add(run.id);
    if (!isActive(run) && (before === undefined || isActive(before))) this.#cursor = countEnded(this.#cursor, run);
  }

  /** Applies the control in the agent's answer that ended a run. */
  #hear(runId: string, steering: Steering): void {
    const run = this.#runs.get(runId);
    if (run === undefined) return;
    const before = { record: this.#record, cursor: this.#cursor };
    const steered = steer(this.#job, before, run, steering, this.#context.now);
    this.#record = steered.record;
    this.#cursor = steered.cursor;
    this.#put(steered.run);
    if (steered.skipped !== undefined) this.#put(steered.skipped);
  }

  #gate(start: Start): GateVerdict {
    const { held, now } = this.#context;
    return mayStart(start, { record: this.#record, cursor: this.#cursor, held }, now);
  }

  #aim(after: number): void {
    this.#cursor = aim(this.#job, this.#record, this.#cursor, after);
  }
}
