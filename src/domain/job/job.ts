/** A job as its Durable Object keeps it, and the pure steps that its definition goes through. */
import type { Job, JobDefinition, JobState, RunStatus } from "../../schema/job.ts";
import type { IdleWakes } from "../limits/breaker.ts";
import { bindFires, type Fires } from "../time/fires.ts";
import { formatInstant } from "../time/instant.ts";
import { jitterDelay } from "../time/jitter.ts";
import { type CompiledJob, ownerOf } from "./definition.ts";

/** A window of past fires that is being run again, one after the other. */
export type Backfill = { readonly no: number; readonly due: readonly number[] };

/** What changes with the definition or by a rare event: one row, written seldom. Instants are epoch ms. */
export type JobRecord = {
  readonly id: string;
  readonly definition: JobDefinition;
  /** Counts changes of the definition or state; the ETag is made of it. */
  readonly version: number;
  /** The version that the directory is known to list; behind `version` while a change is on its way there. */
  readonly indexedVersion: number;
  /** The owner that the directory lists the job under; differs from the definition's while a change of owner is on its way. */
  readonly indexedOwner: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Where the phase of `every` starts: the creation, or the last change of the schedule. */
  readonly anchorAt: number;
  readonly finishedAt?: number;
  /** Set while a deletion is on its way: the job is gone for every client, the directory may still list it. */
  readonly deletedAt?: number;
  /** Why Reveille itself paused the job: a 410, or the alarm breaker. */
  readonly pausedReason?: string;
  /** The fire that `buffer_one` holds for later, and how many missed ones it stands for. */
  readonly buffered?: { readonly dueAt: number; readonly missed: number };
  readonly backfills: readonly Backfill[];
  readonly backfillCount: number;
  /** Wakes that found nothing to do, for the alarm breaker. */
  readonly idleWakes?: IdleWakes;
  /** Scheme and host under which the job was made: where its agent reports to, unless PUBLIC_URL says otherwise. */
  readonly origin?: string;
  /** SHA-256 of the request that made the job under an Idempotency-Key. */
  readonly idempotencyHash?: string;
};

/**
 * What moves with every fire. It has no row of its own: it travels in whichever row is written last (the highest `rev`),
 * so that a fire costs no row more for it (docs/decisions).
 */
export type Cursor = {
  readonly rev: number;
  /** The next due time, or null where there is none: paused, finished, or waiting for its last run. */
  readonly nextDueAt: number | null;
  /** Runs begun by the schedule, counted against `max_runs`. */
  readonly fires: number;
  /** Ended runs, skips left out. */
  readonly runCount: number;
  readonly consecutiveFailures: number;
  readonly lastSeq: number;
  readonly lastRunAt?: number;
  readonly lastStatus?: RunStatus;
  readonly lastError?: string;
};

export const stateOf = (job: JobRecord): JobState =>
  job.finishedAt !== undefined ? "finished" : job.definition.enabled ? "active" : "paused";

/** Whether the directory has yet to be told of the job's last change. */
export const isUnlisted = (job: JobRecord): boolean => job.version > job.indexedVersion;

export const etagOf = (job: JobRecord): string => `"${job.version}"`;

/** The job's fires: its schedule, bound to its anchor and to its part of the jitter. */
export function firesOf(
  { schedule }: Pick<CompiledJob, "schedule">,
  record: Pick<JobRecord, "id" | "anchorAt">,
): Fires {
  return bindFires(schedule, { anchorAt: record.anchorAt, delayMs: jitterDelay(record.id, schedule.jitterMs) });
}

/**
 * The first due time after `after` that the job may still run, or null: paused, `max_runs` used up, schedule at its end.
 * `fires` are the runs begun so far; a fire that waits (`buffer_one`) is a run as good as begun.
 */
export function nextDueAt(job: CompiledJob, record: JobRecord, fires: number, after: number): number | null {
  const maxRuns = job.definition.schedule.max_runs;
  const used = record.buffered === undefined ? fires : fires + 1;
  if (!job.definition.enabled || (maxRuns !== undefined && used >= maxRuns)) return null;
  return firesOf(job, record).next(after);
}

/** A new job's record; its cursor begins with the first fire after `now`. */
export function newJob(
  id: string,
  job: CompiledJob,
  now: number,
  made: { readonly idempotencyHash?: string | undefined; readonly origin?: string | undefined } = {},
): { record: JobRecord; cursor: Cursor } {
  const record: JobRecord = {
    id,
    definition: job.definition,
    version: 1,
    indexedVersion: 1,
    indexedOwner: ownerOf(job.definition),
    createdAt: now,
    updatedAt: now,
    anchorAt: now,
    backfills: [],
    backfillCount: 0,
    ...(made.origin === undefined ? {} : { origin: made.origin }),
    ...(made.idempotencyHash === undefined ? {} : { idempotencyHash: made.idempotencyHash }),
  };
  const cursor: Cursor = {
    rev: 1,
    nextDueAt: nextDueAt(job, record, 0, now),
    fires: 0,
    runCount: 0,
    consecutiveFailures: 0,
    lastSeq: 0,
  };
  return { record, cursor };
}

/** The job paused by Reveille itself, for a reason that is shown. */
export function pauseJob(
  record: JobRecord,
  cursor: Cursor,
  reason: string,
  now: number,
): { record: JobRecord; cursor: Cursor } {
  const { idleWakes: _idleWakes, ...rest } = record;
  const definition = { ...record.definition, enabled: false };
  return {
    record: { ...rest, definition, pausedReason: reason, version: record.version + 1, updatedAt: now },
    cursor: { ...cursor, nextDueAt: null },
  };
}

/** The job as clients see it (CONTRACT.md §2). */
export function jobView(record: JobRecord, cursor: Cursor): Job {
  return {
    id: record.id,
    ...record.definition,
    state: stateOf(record),
    ...(record.pausedReason === undefined ? {} : { paused_reason: record.pausedReason }),
    created_at: formatInstant(record.createdAt),
    updated_at: formatInstant(record.updatedAt),
    ...(cursor.lastRunAt === undefined ? {} : { last_run_at: formatInstant(cursor.lastRunAt) }),
    ...(cursor.lastStatus === undefined ? {} : { last_status: cursor.lastStatus }),
    ...(cursor.lastError === undefined ? {} : { last_error: cursor.lastError }),
    ...(cursor.nextDueAt === null ? {} : { next_run_at: formatInstant(cursor.nextDueAt) }),
    run_count: cursor.runCount,
    consecutive_failures: cursor.consecutiveFailures,
    etag: etagOf(record),
  };
}
