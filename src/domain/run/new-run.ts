/** How a run enters a job's log and how its end is counted: the bookkeeping that every way of starting or ending a run shares. */
import type { Trigger } from "../../schema/run.ts";
import type { Cursor, JobRecord } from "../job/job.ts";
import { type Run, startRun } from "./run.ts";
import { sessionId } from "./session.ts";

/** What is known of a run before it has a place in the log. */
export type RunCause = {
  readonly id: string;
  readonly trigger: Trigger;
  /** Epoch ms. */
  readonly dueAt: number;
  readonly missed?: number;
};

/** A new run of this job, to be called at once: its place in the log, its start, and its session, which every attempt keeps. */
export function openRun(record: JobRecord, cursor: Cursor, cause: RunCause, now: number): { run: Run; cursor: Cursor } {
  const { agent_id: agentId, user_id: userId, session_mode: mode } = record.definition;
  const seq = cursor.lastSeq + 1;
  const session = sessionId({ jobId: record.id, agentId, userId, mode, startedAt: now, seq });
  return { run: startRun({ ...cause, seq, sessionId: session, userId }, now), cursor: { ...cursor, lastSeq: seq } };
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
