/** How a job stops firing: paused, finished, or without the fire that waits. Pure steps over its record and cursor. */
import { skipFire } from "../run/new-run.ts";
import type { Run } from "../run/run.ts";
import { scheduledRunId } from "../run/run-id.ts";
import type { Cursor, JobRecord, PausedBy } from "./job.ts";

export type Pause = { readonly by: PausedBy; readonly reason?: string | undefined };

/** The job paused at `now`, for a reason that is shown. An agent that answers 410 wants no past fires either. */
export function pauseJob(
  record: JobRecord,
  cursor: Cursor,
  { by, reason }: Pause,
  now: number,
): { record: JobRecord; cursor: Cursor } {
  const { idleWakes: _idleWakes, pausedReason: _pausedReason, ...rest } = record;
  return {
    record: {
      ...rest,
      definition: { ...record.definition, enabled: false },
      pausedBy: by,
      ...(reason === undefined ? {} : { pausedReason: reason }),
      backfills: by === "gone" ? [] : record.backfills,
      version: record.version + 1,
      updatedAt: now,
    },
    cursor: { ...cursor, nextDueAt: null },
  };
}

/** The job finished at `now`, whatever its schedule has left. A fire that waits leaves a skipped run. */
export function finishJob(
  record: JobRecord,
  cursor: Cursor,
  now: number,
): { readonly record: JobRecord; readonly cursor: Cursor; readonly skipped?: Run } {
  const reason = "skipped: the job was finished while this fire waited";
  const dropped = dropBuffered(record, cursor, reason, now);
  return {
    record: { ...dropped.record, backfills: [], finishedAt: now, version: record.version + 1, updatedAt: now },
    cursor: { ...dropped.cursor, nextDueAt: null, exhausted: true },
    ...(dropped.skipped === undefined ? {} : { skipped: dropped.skipped }),
  };
}

/** The job without the fire that waits (`buffer_one`), which leaves a skipped run. */
export function dropBuffered(
  record: JobRecord,
  cursor: Cursor,
  reason: string,
  now: number,
): { readonly record: JobRecord; readonly cursor: Cursor; readonly skipped?: Run } {
  const { buffered, ...rest } = record;
  if (buffered === undefined) return { record, cursor };
  const { dueAt, missed } = buffered;
  const cause = { id: scheduledRunId(record.id, dueAt), trigger: "schedule", dueAt, missed } as const;
  const skipped = skipFire(rest, cursor, { ...cause, reason, held: false }, now);
  return { record: rest, cursor: skipped.cursor, skipped: skipped.run };
}
