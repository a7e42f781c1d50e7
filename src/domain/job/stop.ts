/**
 * The ways in which a job stops firing: it is paused, finished, or loses a waiting fire. Pure steps over its record and
 * cursor.
 */
import { compact } from "../compact.ts";
import { type RunCause, skipFire } from "../run/new-run.ts";
import type { Run } from "../run/run.ts";
import { backfillRunId, scheduledRunId } from "../run/run-id.ts";
import type { CompiledJob } from "./definition.ts";
import { aimAgain, type Buffered, type Cursor, type JobRecord, type PausedBy } from "./job.ts";

/** A pause. `until` is when the job resumes by itself, epoch ms. */
export type Pause = {
  readonly by: PausedBy;
  readonly reason?: string | undefined;
  readonly until?: number | undefined;
};

/** The job without a waiting fire, and the trace that this fire leaves. */
export type Dropped = { readonly record: JobRecord; readonly cursor: Cursor; readonly skipped?: Run };

/** The job paused at `now`, for a reason that is shown. After a 410 the waiting backfills are dropped too. */
export function pauseJob(
  record: JobRecord,
  cursor: Cursor,
  { by, reason, until }: Pause,
  now: number,
): { record: JobRecord; cursor: Cursor } {
  const { idleWakes: _idleWakes, pausedReason: _pausedReason, resumeAt: _resumeAt, ...rest } = record;
  return {
    record: {
      ...rest,
      definition: { ...record.definition, enabled: false },
      pausedBy: by,
      ...compact({ pausedReason: reason, resumeAt: until }),
      backfills: by === "gone" ? [] : record.backfills,
      version: record.version + 1,
      updatedAt: now,
    },
    cursor: { ...cursor, nextDueAt: null },
  };
}

/** The job finished at `now`, even if its schedule has fires left. A waiting fire leaves a skipped run. */
export function finishJob(record: JobRecord, cursor: Cursor, now: number): Dropped {
  const reason = "skipped: the job was finished while this fire waited";
  const dropped = dropBuffered(record, cursor, reason, now);
  return {
    record: { ...dropped.record, backfills: [], finishedAt: now, version: record.version + 1, updatedAt: now },
    cursor: { ...dropped.cursor, nextDueAt: null, exhausted: true },
    ...compact({ skipped: dropped.skipped }),
  };
}

/** The job without its waiting fire (`buffer_one`), which leaves a skipped run. */
export function dropBuffered(record: JobRecord, cursor: Cursor, reason: string, now: number): Dropped {
  const { buffered, ...rest } = record;
  if (buffered === undefined) return { record, cursor };
  const skipped = skipFire(rest, cursor, { ...causeOf(record.id, buffered), reason, held: false }, now);
  return { record: rest, cursor: skipped.cursor, skipped: skipped.run };
}

/**
 * The job without its waiting backfills. One skipped run stands for all of them, since the log keeps only a hundred runs.
 */
export function dropBackfills(record: JobRecord, cursor: Cursor, reason: string, now: number): Dropped {
  const due = record.backfills.flatMap((backfill) => backfill.due);
  const [dueAt] = due;
  const [first] = record.backfills;
  if (first === undefined || dueAt === undefined) return { record, cursor };
  const cause = { id: backfillRunId(record.id, first.number, dueAt), trigger: "backfill", dueAt } as const;
  const skipped = skipFire(record, cursor, { ...cause, reason, held: false }, now);
  return {
    record: { ...record, backfills: [] },
    cursor: skipped.cursor,
    skipped: { ...skipped.run, count: due.length, lastDueAt: due.at(-1) ?? dueAt },
  };
}

/** The cause of the run or skip that the waiting fire becomes. */
export function causeOf(jobId: string, { dueAt, missed, event }: Buffered): RunCause {
  if (event === undefined) return { id: scheduledRunId(jobId, dueAt), trigger: "schedule", dueAt, missed };
  const { id, payload } = event;
  return { id, trigger: "event", dueAt, ...compact({ payload }) };
}

/**
 * The job resumed at `now`, with its next fire after `from`. It is finished if it has no fire left and nothing runs or
 * waits.
 */
export function resumeJob(
  job: CompiledJob,
  record: JobRecord,
  cursor: Cursor,
  { from, now }: { readonly from: number; readonly now: number },
): { readonly record: JobRecord; readonly cursor: Cursor } {
  const { pausedReason: _reason, pausedBy: _by, resumeAt: _at, ...rest } = record;
  const definition = { ...record.definition, enabled: true };
  const resumed = { ...rest, definition, version: record.version + 1, updatedAt: now };
  return { record: resumed, cursor: aimAgain({ ...job, definition }, resumed, cursor, from) };
}
