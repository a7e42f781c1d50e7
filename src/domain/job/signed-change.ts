/** A change together with its author, for the job itself and for the audit trail (docs/contract.md §17). */
import type { AuditEntry, Author } from "../audit.ts";
import type { Outcome } from "../failure.ts";
import { checkInterval, firesPerDay } from "../limits/admission.ts";
import { ok } from "../result.ts";
import { sameSchedule } from "../time/compile-schedule.ts";
import { defineJob, ownerOf } from "./definition.ts";
import type { JobRecord } from "./job.ts";
import { type JobChange, sameJson } from "./job-change.ts";

/** The author of a change, its kind, and the id of its row in the audit trail. */
export type Signature = {
  readonly by: Author;
  readonly action: string;
  readonly auditId: string;
  /** `MIN_INTERVAL` in ms, for callers that it applies to. */
  readonly minIntervalMs?: number | undefined;
};

/** The number of changes that wait while the directory cannot be reached. Beyond it the oldest are dropped. */
const MAX_PENDING_AUDIT = 20;

/**
 * The signed change of `before` at `now` (epoch ms). A change that keeps the job's version has no author, since it changes
 * nothing that a client has made. Errors: `validation_failed` if a new schedule fires more often than the caller may.
 */
export function signChange(
  before: JobRecord,
  change: JobChange,
  { by, action, auditId, minIntervalMs }: Signature,
  now: number,
): Outcome<JobChange> {
  const { record } = change;
  if (record === undefined || record.version === before.version) return ok(change);
  const rate = newRate(before, record, minIntervalMs, now);
  if (!rate.ok) return rate;
  const pendingAudit = withPendingAudit(record, { ...by, id: auditId, at: now, action, target: record.id });
  const changed: JobRecord = { ...record, updatedBy: by.actor, pendingAudit };
  if (rate.value === undefined) return ok({ ...change, record: changed });
  const isRaised = before.rate !== undefined && rate.value > before.rate;
  return ok({ ...change, record: { ...changed, rate: rate.value, ...(isRaised ? { ratedBy: by.actor } : {}) } });
}

function newRate(
  before: JobRecord,
  { definition, rate }: JobRecord,
  minIntervalMs: number | undefined,
  now: number,
): Outcome<number | undefined> {
  const isSame = sameSchedule(before.definition.schedule, definition.schedule);
  if (rate !== undefined && isSame && sameJson(before.definition.pacing, definition.pacing)) return ok(rate);
  const defined = defineJob(definition, { stored: true });
  if (!defined.ok) return defined;
  const allowed = checkInterval(defined.value, minIntervalMs, now);
  return allowed.ok ? ok(firesPerDay(defined.value, now)) : allowed;
}

/** The changes that the directory lacks, with one more. */
export function withPendingAudit(record: JobRecord, change: Omit<AuditEntry, "jobId" | "owner">): AuditEntry[] {
  const entry: AuditEntry = { ...change, jobId: record.id, owner: ownerOf(record.definition) };
  return [...(record.pendingAudit ?? []), entry].slice(-MAX_PENDING_AUDIT);
}
