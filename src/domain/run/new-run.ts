/** The bookkeeping of a run's start and end in a job's log. Every way of starting or ending a run shares it. */

import type { Trigger } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import type { Cursor, JobRecord } from "../job/job.ts";
import { addSpend, dayOf } from "./budget.ts";
import { type Run, type RunInput, skipRun, startRun } from "./run.ts";
import { sessionId } from "./session.ts";

/** The facts of a run before it has a place in the log. */
export type RunCause = RunInput & {
  readonly id: string;
  /** The user that the run runs as, if it is not the job's. */
  readonly userId?: string | undefined;
  readonly trigger: Trigger;
  /** Epoch ms. */
  readonly dueAt: number;
  readonly missed?: number | undefined;
};

/**
 * A new run of this job, to be called at once. It gets its place in the log, its start, and the session that every attempt
 * uses.
 */
export function openRun(record: JobRecord, cursor: Cursor, cause: RunCause, now: number): { run: Run; cursor: Cursor } {
  const { agent_id: agentId, session_mode: mode } = record.definition;
  const userId = cause.userId ?? record.definition.user_id;
  const seq = cursor.lastSeq + 1;
  const session = sessionId({ jobId: record.id, agentId, userId, mode, startedAt: now, seq });
  const { heldRun: _heldRun, ...rest } = cursor;
  return { run: startRun({ ...cause, seq, sessionId: session, userId }, now), cursor: { ...rest, lastSeq: seq } };
}

/**
 * A fire that does not run, and the reason. `held`: nothing fires at present, so further fires are skipped for the same
 * reason.
 */
export type SkippedFire = RunCause & { readonly reason: string; readonly held: boolean };

/**
 * The trace of a fire that does not run. Fires that are held in a row for one reason share one skipped run, which is
 * rewritten in place. So a job that is held for long keeps its log (docs/contract.md §3).
 */
export function skipFire(
  record: JobRecord,
  cursor: Cursor,
  { reason, held, ...cause }: SkippedFire,
  now: number,
): { run: Run; cursor: Cursor } {
  const { heldRun } = cursor;
  if (held && heldRun?.error === reason && heldRun.trigger === cause.trigger) {
    const count = (heldRun.count ?? 1) + 1 + (cause.missed ?? 0);
    const run: Run = { ...heldRun, count, lastDueAt: cause.dueAt, finishedAt: now };
    return { run, cursor: { ...cursor, heldRun: run } };
  }
  const opened = openRun(record, cursor, cause, now);
  const skipped = skipRun(opened.run, reason, now);
  if (!held) return { run: skipped, cursor: opened.cursor };
  const run: Run = { ...skipped, count: 1, lastDueAt: cause.dueAt };
  return { run, cursor: { ...opened.cursor, heldRun: run } };
}

/** A new run that is called: like {@link openRun}, and counted as spent. */
export function beginRun(
  record: JobRecord,
  cursor: Cursor,
  cause: RunCause,
  now: number,
): { run: Run; cursor: Cursor } {
  const opened = openRun(record, cursor, cause, now);
  const spent = addSpend(cursor.spent, { runs: 1 }, dayOf(record.definition.schedule, now));
  return { run: opened.run, cursor: { ...opened.cursor, spent } };
}

/** The cursor after a run has ended, with the job's count. Skips are not counted (docs/contract.md §5). */
export function countEnded(cursor: Cursor, run: Run): Cursor {
  if (run.status === "skipped") return cursor;
  const { lastError: _lastError, ...rest } = cursor;
  return {
    ...rest,
    runCount: cursor.runCount + 1,
    consecutiveFailures: run.status === "error" ? cursor.consecutiveFailures + 1 : 0,
    lastRunAt: run.startedAt,
    lastStatus: run.status,
    ...compact({ lastError: run.error }),
  };
}
