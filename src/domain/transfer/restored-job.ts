/**
 * A job that was created elsewhere, as it continues here. It keeps its age, its phase and its counts. Fires from before its
 * arrival are not caught up on.
 */

import type { RunStatus } from "../../schema/job.ts";
import type { ExportedJob } from "../../schema/job-export.ts";
import type { Author } from "../audit.ts";
import { compact } from "../compact.ts";
import type { CompiledJob } from "../job/definition.ts";
import { aim, type Cursor, type JobRecord, jobView, newJob } from "../job/job.ts";
import { dayOf, type Spent } from "../run/budget.ts";
import { formatInstant } from "../time/instant.ts";

/** The fields that a restored job brings along and a new job does not have. Instants are epoch ms. */
export type Restored = {
  /** When the job was imported. Its first fire is the first one after this. */
  readonly resumeAt: number;
  readonly updatedAt: number;
  readonly anchorAt: number;
  readonly finishedAt?: number | undefined;
  readonly pausedReason?: string | undefined;
  /** When a paused job resumes by itself. */
  readonly pausedUntil?: number | undefined;
  readonly fires: number;
  readonly runCount: number;
  readonly consecutiveFailures: number;
  readonly lastRunAt?: number | undefined;
  readonly lastStatus?: RunStatus | undefined;
  readonly spent?: Spent | undefined;
  readonly lastError?: string | undefined;
};

/** The record and cursor of a job from elsewhere. */
export function restoreJob(
  id: string,
  job: CompiledJob,
  createdAt: number,
  restored: Restored,
  from: { readonly origin?: string | undefined; readonly by?: Author | undefined } = {},
): { record: JobRecord; cursor: Cursor } {
  const made = newJob(id, job, createdAt, from);
  const { updatedAt, anchorAt, finishedAt, pausedReason, pausedUntil, fires, runCount, consecutiveFailures } = restored;
  const record: JobRecord = {
    ...made.record,
    updatedAt,
    anchorAt,
    ...compact({ finishedAt, pausedReason, resumeAt: pausedUntil }),
  };
  const { lastRunAt, lastStatus, lastError, spent } = restored;
  const cursor: Cursor = {
    ...made.cursor,
    nextDueAt: null,
    fires,
    runCount,
    consecutiveFailures,
    ...compact({ lastRunAt, lastStatus, spent, lastError }),
  };
  return { record, cursor: finishedAt === undefined ? aim(job, record, cursor, restored.resumeAt) : cursor };
}

/** A job's line in an export. */
export function exportView(record: JobRecord, cursor: Cursor, now: number): ExportedJob {
  const { anchorAt, createdAt, finishedAt, definition } = record;
  return {
    ...jobView(record, cursor, now),
    ...(cursor.spent === undefined ? {} : { spent_on: dayOf(definition.schedule, now) }),
    ...(anchorAt === createdAt ? {} : { anchor_at: formatInstant(anchorAt) }),
    ...(finishedAt === undefined ? {} : { finished_at: formatInstant(finishedAt) }),
    ...(definition.schedule.max_runs === undefined ? {} : { fires: cursor.fires }),
  };
}
