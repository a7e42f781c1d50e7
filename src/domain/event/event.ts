/**
 * Events of a job (docs/contract.md §18). They are derived from what a commit changes, so no step of the domain has to
 * think of them. That commit records them as owed; then the directory gets them, and the job notes that. After a crash in
 * between the directory gets them again, under the same ids.
 */
import type { FanOut } from "../fan-out/fan-out.ts";
import type { Cursor, JobRecord } from "../job/job.ts";
import { dayOf, explainUsedUp, newlyUsedUp } from "../run/budget.ts";
import { isActive, type Run } from "../run/run.ts";
import type { OwedEvent } from "./owed.ts";

/**
 * The number of owed events that are kept while the directory cannot be reached. Beyond it the oldest are dropped
 * (docs/architecture.md, invariant 5).
 */
export const MAX_OWED = 200;

type JobAt = { readonly record: JobRecord; readonly cursor: Cursor; readonly active: readonly Run[] };

export type CommitChange = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  readonly runs: readonly Run[];
  readonly fanOut?: FanOut | undefined;
};

/**
 * The cursor with the events of this commit. It is the same cursor if there are none, so a fire that succeeds costs
 * nothing.
 */
export function owing(before: JobAt, change: CommitChange, now: number): Cursor {
  const draft = new Draft(before, change, now);
  for (const run of change.runs) draft.run(run);
  draft.paused();
  draft.budget();
  draft.fanOut();
  return draft.cursor();
}

/** The cursor without the events that the directory has got. */
export function withoutReported(cursor: Cursor, ids: ReadonlySet<string>): Cursor {
  const { owed = [], ...rest } = cursor;
  const left = owed.filter(({ id }) => !ids.has(id));
  return left.length === 0 ? rest : { ...rest, owed: left };
}

class Draft {
  readonly #before: JobAt;
  readonly #change: CommitChange;
  readonly #owed: OwedEvent[] = [];
  readonly #now: number;
  readonly #report: "problems" | "all" | "none";
  #failing: boolean;
  #failedFanOuts: number;

  constructor(before: JobAt, change: CommitChange, now: number) {
    this.#now = now;
    this.#before = before;
    this.#change = change;
    this.#report = change.record.definition.report ?? "problems";
    this.#failing = change.cursor.failing === true;
    this.#failedFanOuts = change.cursor.failedFanOuts ?? 0;
  }

  run(run: Run): void {
    if (isActive(run)) return;
    const { id: runId, finishedAt: at = run.startedAt } = run;
    if (run.status === "skipped") this.#skipped(run, at);
    if (run.status === "skipped" || !this.#before.active.some(({ id }) => id === runId)) return;
    if (run.status === "error") {
      const hidden = run.error?.startsWith("cancelled") === true;
      const count = this.#change.cursor.consecutiveFailures;
      if (!hidden) this.#failing = true;
      this.#owe({ id: `${runId}_failed`, type: "run.failed", at, runId, count }, hidden);
      return;
    }
    if (this.#failing) {
      this.#failing = false;
      this.#owe({ id: `${runId}_recovered`, type: "run.recovered", at, runId });
    }
    if (this.#report === "all") this.#owe({ id: `${runId}_succeeded`, type: "run.succeeded", at, runId });
  }

  paused(): void {
    const { record } = this.#change;
    const by = record.pausedBy;
    const isNew = this.#before.record.definition.enabled && !record.definition.enabled;
    if (!isNew || by === undefined || by === "hand") return;
    const reason = record.pausedReason ?? `by ${by}`;
    const id = `${record.id}_paused_${record.version}`;
    this.#owe({ id, type: "job.paused", at: record.updatedAt, reason });
  }

  /**
   * Reports a limit when it is used up, by the spend or by a lower limit. It does so once a day, and for a total once for
   * each amount.
   */
  budget(): void {
    const { record, cursor } = this.#change;
    const { budget, schedule } = record.definition;
    const { spent } = cursor;
    const before = { budget: this.#before.record.definition.budget, spent: this.#before.cursor.spent };
    if (spent === undefined || (spent === before.spent && budget === before.budget)) return;
    const day = spent === before.spent ? dayOf(schedule, this.#now) : spent.day;
    for (const used of newlyUsedUp(before, { budget, spent }, day)) {
      const which = used.limit === "usd_total" ? used.most : day;
      const id = `${record.id}_budget_${used.limit}_${which}`;
      this.#owe({ id, type: "budget.reached", at: this.#now, reason: explainUsedUp(used).replace("budget: ", "") });
    }
  }

  fanOut(): void {
    const { fanOut } = this.#change;
    if (fanOut === undefined || fanOut.status === "running") return;
    const { id: fanOutId, finishedAt: at = fanOut.startedAt, status, counts } = fanOut;
    const before = this.#failedFanOuts;
    if (status !== "success") this.#failing = true;
    if (status !== "success" || counts.failed > 0) {
      // A fan-out with some failed users still counts as a success of the job.
      this.#failedFanOuts = before + 1;
      const count = Math.max(this.#failedFanOuts, this.#change.cursor.consecutiveFailures);
      this.#owe({ id: `${fanOutId}_failed`, type: "fan_out.failed", at, fanOutId, count });
      return;
    }
    this.#failedFanOuts = 0;
    if (this.#failing || before > 0) {
      this.#failing = false;
      this.#owe({ id: `${fanOutId}_recovered`, type: "run.recovered", at, fanOutId });
    }
  }

  cursor(): Cursor {
    const { cursor } = this.#change;
    const isSame = this.#failing === (cursor.failing === true) && this.#failedFanOuts === (cursor.failedFanOuts ?? 0);
    if (this.#owed.length === 0 && isSame) return cursor;
    const { failing: _failing, failedFanOuts: _failedFanOuts, owed: before = [], ...rest } = cursor;
    const owed = [...before, ...this.#owed].slice(-MAX_OWED);
    return {
      ...rest,
      ...(this.#failing ? { failing: true } : {}),
      ...(this.#failedFanOuts === 0 ? {} : { failedFanOuts: this.#failedFanOuts }),
      ...(owed.length === 0 ? {} : { owed }),
    };
  }

  /**
   * Reports a skipped run. Fires that are held in a row share one skipped run, which is rewritten often but reported once.
   */
  #skipped(run: Run, at: number): void {
    if (this.#before.cursor.heldRun?.id === run.id) return;
    const { id: runId } = run;
    if (this.#report === "all") this.#owe({ id: `${runId}_skipped`, type: "run.skipped", at, runId });
  }

  #owe(event: OwedEvent, hidden = false): void {
    const isHidden = hidden || this.#report === "none";
    // A hidden event appears only in the list of runs, which holds failed runs and failed fan-outs.
    if (isHidden && event.type !== "run.failed" && event.type !== "fan_out.failed") return;
    this.#owed.push(isHidden ? { ...event, hidden: true } : event);
  }
}
