/** A job as its Durable Object keeps it, and the pure steps over its definition. */
import type { Job, JobDefinition, JobState, RunStatus } from "../../schema/job.ts";
import type { Payload } from "../../schema/payload.ts";
import type { AuditEntry, Author } from "../audit.ts";
import { compact } from "../compact.ts";
import type { OwedEvent } from "../event/owed.ts";
import { firesPerDay } from "../limits/admission.ts";
import type { IdleWakes } from "../limits/breaker.ts";
import { dayOf, type Spent, spentOn } from "../run/budget.ts";
import type { Run } from "../run/run.ts";
import { compileSchedule } from "../time/compile-schedule.ts";
import { bindFires, type Fires } from "../time/fires.ts";
import { formatInstant } from "../time/instant.ts";
import { jitterDelay } from "../time/jitter.ts";
import type { Schedule } from "../time/schedule.ts";
import { type CompiledJob, ownerOf } from "./definition.ts";

/**
 * The author of a pause. It is a client (`hand`), the agent by `control.pause`, the agent with a 410 (`gone`), or the
 * breaker. A job that was created paused has no entry.
 */
export type PausedBy = "hand" | "agent" | "gone" | "breaker";

/** A window of past fires that is being run again, one after the other. */
export type Backfill = { readonly number: number; readonly due: readonly number[] };

/**
 * A fire that waits for the active run to end, with the number of missed fires it stands for. `event`: it came from
 * outside.
 */
export type Buffered = {
  readonly dueAt: number;
  readonly missed: number;
  readonly event?: { readonly id: string; readonly payload?: Payload };
};

/** The message and payload of the runs up to number `untilSeq`, before a change of the job replaced them. */
export type FormerInput = {
  readonly untilSeq: number;
  readonly message?: string | undefined;
  readonly payload?: Payload | undefined;
};

/**
 * The part of a job that changes with its definition or by a rare event. It is one row and seldom written. Instants are
 * epoch ms.
 */
export type JobRecord = {
  readonly id: string;
  readonly definition: JobDefinition;
  /** Counts changes of the definition or state; the ETag is made of it. */
  readonly version: number;
  /** The version that the directory lists. It is behind `version` while a change is on its way. */
  readonly indexedVersion: number;
  /**
   * The owner that the directory lists the job under. It differs from the definition's while a change of owner is on its
   * way.
   */
  readonly indexedOwner: string;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** The start of the phase of `every`: the creation, or the last change of the schedule. */
  readonly anchorAt: number;
  readonly finishedAt?: number;
  /** Set while a deletion is on its way. The job is gone for every client, but the directory may still list it. */
  readonly deletedAt?: number;
  /** Why the job is paused, in words for clients. */
  readonly pausedReason?: string;
  readonly pausedBy?: PausedBy;
  /** When a paused job resumes by itself. */
  readonly resumeAt?: number;
  /** The fire that `buffer_one` holds for later. */
  readonly buffered?: Buffered;
  /** SHA-256 of the job's own trigger token, if it has one. */
  readonly triggerTokenHash?: string;
  readonly backfills: readonly Backfill[];
  readonly backfillCount: number;
  /** Wakes that found nothing to do, for the alarm breaker. */
  readonly idleWakes?: IdleWakes;
  /** Scheme and host of the request that created the job. Its agent reports there, unless PUBLIC_URL says otherwise. */
  readonly origin?: string;
  /** SHA-256 of the request that created the job under an Idempotency-Key. */
  readonly idempotencyHash?: string;
  /** The authors of the job and of its last change: `admin`, `code`, `agent:A`, `user:U` or `plugin:P`. */
  readonly createdBy?: string;
  readonly updatedBy?: string;
  /** The subject that last made the job fire more often. The job counts for that subject as if it had created the job. */
  readonly ratedBy?: string;
  /** The most fires on one day, by its schedule or its pacing. */
  readonly rate?: number;
  /** Changes that the audit trail in the directory does not hold yet. */
  readonly pendingAudit?: readonly AuditEntry[];
  /** The last few former inputs, oldest first. A run that is repeated gets the message and payload that it had. */
  readonly formerInputs?: readonly FormerInput[];
};

/**
 * The part of a job that moves with every fire. It has no row of its own. The newest row (the highest `rev`) carries it, so
 * a fire needs no further row (docs/decisions).
 */
export type Cursor = {
  readonly rev: number;
  /** When the job fires next by itself. Null if it does not; {@link restOf} says why. */
  readonly nextDueAt: number | null;
  /** The next fire that the agent asked for, until it has come. A pause keeps it. */
  readonly chosenAt?: number;
  /** Set when the schedule has no fire left, paused or not. */
  readonly exhausted?: true;
  /** The newest run, if it is a skip that counts further held fires. */
  readonly heldRun?: Run;
  /** Runs begun by the schedule, counted against `max_runs`. */
  readonly fires: number;
  /** The number of ended runs, without skips. */
  readonly runCount: number;
  readonly consecutiveFailures: number;
  /** Absent until something was spent. */
  readonly spent?: Spent;
  readonly lastSeq: number;
  readonly lastRunAt?: number;
  readonly lastStatus?: RunStatus;
  readonly lastError?: string;
  /** Set from an event run.failed (or a failed fan-out) to the next success. */
  readonly failing?: true;
  /** The number of fan-outs in a row that failed or had failed users. */
  readonly failedFanOuts?: number;
  /** Events that the directory has not got yet, oldest first. */
  readonly owed?: readonly OwedEvent[];
};

export const stateOf = (job: JobRecord): JobState =>
  job.finishedAt !== undefined ? "finished" : job.definition.enabled ? "active" : "paused";

/** Whether the directory lacks the job's last change. A change that only the audit trail shows counts. */
export const isIndexStale = (job: JobRecord): boolean =>
  job.version > job.indexedVersion || job.pendingAudit !== undefined;

/** Whether the directory lacks a change of the job or an event. */
export const isDirectoryBehind = ({
  record,
  cursor,
}: {
  readonly record: JobRecord;
  readonly cursor: Cursor;
}): boolean => isIndexStale(record) || cursor.owed !== undefined;

export const etagOf = (job: JobRecord): string => `"${job.version}"`;

/** The job's fires: its schedule, bound to its anchor and its share of the jitter. */
export function firesOf(
  { schedule }: Pick<CompiledJob, "schedule">,
  record: Pick<JobRecord, "id" | "anchorAt" | "createdAt">,
): Fires {
  return bindFires(schedule, {
    anchorAt: anchorOf(schedule, record),
    delayMs: jitterDelay(record.id, schedule.jitterMs),
  });
}

/**
 * The start of the schedule's count if it has no `starts_at`. That is the job's creation for an rrule (docs/contract.md
 * §13), and the last change of the schedule for `every` (§1). Epoch ms.
 */
export const anchorOf = (
  { timing }: Schedule,
  { anchorAt, createdAt }: Pick<JobRecord, "anchorAt" | "createdAt">,
): number => (timing.kind === "rrule" ? createdAt : anchorAt);

/** Why a job does not fire by itself. */
export type Rest =
  | { readonly kind: "finished"; readonly at: number }
  | { readonly kind: "paused"; readonly by: PausedBy | "unknown"; readonly reason?: string; readonly until?: number }
  /** The job runs only on request. */
  | { readonly kind: "manual" }
  /** The schedule has no fire left. The job finishes when nothing runs or waits any more. */
  | { readonly kind: "exhausted" };

/** Why the job does not fire by itself. Undefined if it does. */
export function restOf(record: JobRecord, cursor: Pick<Cursor, "nextDueAt" | "exhausted">): Rest | undefined {
  if (record.finishedAt !== undefined) return { kind: "finished", at: record.finishedAt };
  if (isExhausted(record, cursor)) return { kind: "exhausted" };
  const { pausedReason, pausedBy = "unknown", resumeAt, definition } = record;
  if (!definition.enabled) {
    return { kind: "paused", by: pausedBy, ...compact({ reason: pausedReason, until: resumeAt }) };
  }
  return definition.schedule.manual && cursor.nextDueAt === null ? { kind: "manual" } : undefined;
}

/**
 * Whether the schedule has no fire left. A manual schedule has none to lose. In a cursor of version 1, an active job
 * without a next due time is exhausted.
 */
export const isExhausted = (record: JobRecord, cursor: Pick<Cursor, "nextDueAt" | "exhausted">): boolean =>
  !record.definition.schedule.manual &&
  (cursor.exhausted === true || (record.definition.enabled && cursor.nextDueAt === null));

/** The part of a job that its next fire depends on. */
type Aimed = Pick<CompiledJob, "definition" | "schedule">;

/**
 * The cursor aimed at the first due time after `after` (epoch ms) that the job may still run. A manual job has none and
 * continues. A waiting fire (`buffer_one`) counts against `max_runs` like one that has begun.
 */
export function aim(job: Aimed, record: JobRecord, cursor: Cursor, after: number): Cursor {
  const { exhausted: _exhausted, chosenAt: _chosenAt, ...rest } = cursor;
  const due = dueAfter(job, record, cursor.fires, after);
  if (due === null && !job.definition.schedule.manual) return { ...rest, nextDueAt: null, exhausted: true };
  return { ...rest, nextDueAt: record.definition.enabled ? due : null };
}

/**
 * Does the same as {@link aim} for a job that is resumed or paused. A coming fire that the agent asked for stays if the
 * schedule has none.
 */
export function aimAgain(job: Aimed, record: JobRecord, cursor: Cursor, after: number): Cursor {
  const aimed = aim(job, record, cursor, after);
  const { chosenAt } = cursor;
  const hasNone = aimed.exhausted === true || job.definition.schedule.manual === true;
  if (chosenAt === undefined || chosenAt <= after || !hasNone) return aimed;
  const { exhausted: _exhausted, ...rest } = aimed;
  return { ...rest, chosenAt, nextDueAt: record.definition.enabled ? chosenAt : null };
}

/** The first fire of a job after its pause, epoch ms. Undefined where the pause has no end, or no fire is left then. */
export function firstAfterPause(record: JobRecord, cursor: Cursor): number | undefined {
  const { resumeAt } = record;
  if (resumeAt === undefined || stateOf(record) !== "paused") return undefined;
  const definition = { ...record.definition, enabled: true };
  const schedule = compileSchedule(definition.schedule, { tickAligned: false });
  if (!schedule.ok) return undefined;
  return (
    aimAgain({ definition, schedule: schedule.value }, { ...record, definition }, cursor, resumeAt).nextDueAt ??
    undefined
  );
}

/** Whether the schedule has begun all its runs. A waiting fire (`buffer_one`) counts like a run that has begun. */
export function maxRunsUsed({ definition, buffered }: JobRecord, { fires }: Pick<Cursor, "fires">): boolean {
  const maxRuns = definition.schedule.max_runs;
  const isWaiting = buffered !== undefined && buffered.event === undefined;
  return maxRuns !== undefined && (isWaiting ? fires + 1 : fires) >= maxRuns;
}

function dueAfter(job: Aimed, record: JobRecord, fires: number, after: number): number | null {
  if (maxRunsUsed({ ...record, definition: job.definition }, { fires })) return null;
  return firesOf(job, record).next(after);
}

/** A new job's record. Its cursor begins with the first fire after `now`. */
export function newJob(
  id: string,
  job: CompiledJob,
  now: number,
  made: {
    readonly idempotencyHash?: string | undefined;
    readonly origin?: string | undefined;
    readonly by?: Author | undefined;
  } = {},
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
    rate: firesPerDay(job, now),
    ...(made.by === undefined ? {} : { createdBy: made.by.actor, updatedBy: made.by.actor }),
    ...compact({ origin: made.origin, idempotencyHash: made.idempotencyHash }),
  };
  const cursor: Cursor = {
    rev: 1,
    nextDueAt: null,
    fires: 0,
    runCount: 0,
    consecutiveFailures: 0,
    lastSeq: 0,
  };
  return { record, cursor: aim(job, record, cursor, now) };
}

/** The job as clients see it at `now` (docs/contract.md §2). */
export function jobView(record: JobRecord, cursor: Cursor, now: number, isOverdue = false): Job {
  const { today, total } = spentOn(cursor.spent, dayOf(record.definition.schedule, now));
  const afterPause = firstAfterPause(record, cursor);
  return {
    id: record.id,
    ...record.definition,
    state: stateOf(record),
    ...compact({ paused_reason: record.pausedReason }),
    ...(record.resumeAt === undefined ? {} : { paused_until: formatInstant(record.resumeAt) }),
    ...(afterPause === undefined ? {} : { next_run_after_pause: formatInstant(afterPause) }),
    created_at: formatInstant(record.createdAt),
    updated_at: formatInstant(record.updatedAt),
    ...compact({ created_by: record.createdBy, updated_by: record.updatedBy }),
    ...(cursor.lastRunAt === undefined ? {} : { last_run_at: formatInstant(cursor.lastRunAt) }),
    ...compact({ last_status: cursor.lastStatus, last_error: cursor.lastError }),
    ...(cursor.nextDueAt === null ? {} : { next_run_at: formatInstant(cursor.nextDueAt) }),
    run_count: cursor.runCount,
    consecutive_failures: cursor.consecutiveFailures,
    spent: { today, total },
    health: cursor.failing ? "failing" : isOverdue ? "overdue" : "ok",
    etag: etagOf(record),
  };
}
