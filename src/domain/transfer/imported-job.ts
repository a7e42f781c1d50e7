/** Reads one item of a file into a job that can be created, or a reason (docs/contract.md §6, import). */

import * as z from "zod";
import { JobInput } from "../../schema/job.ts";
import { ImportedJob } from "../../schema/job-export.ts";
import { FINISHED_RETENTION_MS } from "../../schema/limits.ts";
import { compact } from "../compact.ts";
import type { Failure, FieldError } from "../failure.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, fieldErrors } from "../job/definition.ts";
import { anchorOf } from "../job/job.ts";
import { err, ok, type Result } from "../result.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import { parseInstant } from "../time/instant.ts";
import { fromLegacy, isFields, withoutEmpty } from "./legacy-job.ts";
import { type Restored, restoreJob } from "./restored-job.ts";

/** A job to create under this id. `createdAt` is epoch ms. */
export type JobToImport = {
  readonly id: string;
  readonly job: CompiledJob;
  readonly createdAt: number;
  readonly restored: Restored;
};

/** The longest error that is kept. Errors come from other systems and may have any length. */
const MAX_LAST_ERROR_BYTES = 2_000;
const SHOWN_ERRORS = 3;

/**
 * Reads one item: a line of an export (it has an `etag`), or a job of the Go original. A job that could not be created by a
 * call now is refused. A finished job of an export is accepted and stays finished. `now` is epoch ms. Errors: a sentence.
 */
export function readImportedJob(item: unknown, now: number): Result<JobToImport, string> {
  if (!isFields(item)) return err("is not a JSON object");
  const given = withoutEmpty(item);
  const fields = "etag" in given ? ok(given) : fromLegacy(given);
  if (!fields.ok) return fields;
  const parsed = ImportedJob.safeParse(fields.value);
  if (!parsed.success) return err(sentence(fieldErrors(parsed.error.issues)));
  const defined = defineJob(inputOf(parsed.data), { now });
  if (!defined.ok) return err(reasonOf(defined.error));
  const times = timesOf(parsed.data, now);
  return times.ok ? assemble(parsed.data, defined.value, times.value, now) : times;
}

type Times = {
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly anchorAt: number;
  readonly finishedAt?: number;
  readonly lastRunAt?: number;
  readonly pausedUntil?: number;
};

function assemble(item: ImportedJob, job: CompiledJob, times: Times, now: number): Result<JobToImport, string> {
  const { createdAt, pausedUntil, ...kept } = times;
  const { enabled } = job.definition;
  const restored: Restored = {
    ...kept,
    resumeAt: now,
    pausedReason: enabled ? undefined : item.paused_reason,
    // A pause that has ended meanwhile ends now. Fires that came due before the import are not caught up on.
    pausedUntil: enabled || pausedUntil === undefined ? undefined : Math.max(pausedUntil, now),
    fires: item.fires ?? (job.definition.schedule.max_runs === undefined ? 0 : item.run_count),
    runCount: item.run_count,
    consecutiveFailures: item.consecutive_failures,
    lastStatus: item.last_status,
    spent: item.spent === undefined || item.spent_on === undefined ? undefined : { ...item.spent, day: item.spent_on },
    lastError: item.last_error === undefined ? undefined : cutUtf8(item.last_error, MAX_LAST_ERROR_BYTES).text,
  };
  const imported: JobToImport = { id: item.id, job, createdAt, restored };
  if (times.finishedAt !== undefined) {
    if (times.finishedAt + FINISHED_RETENTION_MS > now) return ok(imported);
    return err("finished more than 7 days ago, and such jobs are erased");
  }
  const ahead = checkScheduleAhead(job, anchorOf(job.schedule, { anchorAt: times.anchorAt, createdAt }), now);
  if (!ahead.ok) return err(reasonOf(ahead.error));
  const { cursor } = restoreJob(item.id, job, createdAt, restored);
  if (enabled && cursor.exhausted) {
    return err("schedule.max_runs: the job has been run so often already, and never fires again");
  }
  return ok(imported);
}

/** The part of an item that a client could have written. */
const inputOf = (item: ImportedJob): JobInput => WRITTEN.parse(item);

/** Picks a client's fields from those of an export, which were checked as a whole. */
const WRITTEN = z.object(JobInput.shape);

/**
 * Reads the times of an item. A time in the future would keep the job from firing or be shown as past, so it counts as now.
 * The end of a pause may lie in the future.
 */
function timesOf(item: ImportedJob, now: number): Result<Times, string> {
  const errors: FieldError[] = [];
  type Field = "created_at" | "updated_at" | "last_run_at" | "anchor_at" | "finished_at" | "paused_until";
  const read = (field: Field, latest = now) => {
    const text = item[field];
    if (text === undefined) return undefined;
    const at = parseInstant(text);
    if (at.ok) return Math.min(at.value, latest);
    errors.push({ path: field, message: at.error });
    return undefined;
  };
  const createdAt = read("created_at") ?? now;
  const updatedAt = read("updated_at") ?? createdAt;
  const anchorAt = read("anchor_at") ?? createdAt;
  const finishedAt = item.state === "finished" ? (read("finished_at") ?? updatedAt) : undefined;
  const lastRunAt = read("last_run_at");
  const pausedUntil = read("paused_until", Number.POSITIVE_INFINITY);
  if (errors.length > 0) return err(sentence(errors));
  return ok({
    createdAt,
    updatedAt,
    anchorAt,
    ...compact({ finishedAt, lastRunAt, pausedUntil }),
  });
}

/** Why a job was not created, for the list of refused jobs. */
export function reasonOf(failure: Failure): string {
  switch (failure.kind) {
    case "validation_failed":
      return sentence(failure.errors);
    case "idempotency_key_reused":
      return ALREADY_THERE;
    case "quota_exceeded":
      return `${failure.owner} has ${failure.limit} jobs already, the most one owner may have: raise MAX_JOBS_PER_OWNER and import the file again`;
    case "name_reserved":
      return `name: "${failure.name}" belongs to a builtin or system job that is there already`;
    default:
      return failure.kind;
  }
}

export const ALREADY_THERE = "already there: a job with this id exists and was left as it is";

/** The reason for a valid job that could not be stored. There may be room for it in a moment. */
export const NOT_STORED = "could not be stored just now; send it again, and fewer jobs at a time if that goes on";

/** The reason for a job that this call did not reach, since an invocation may make only so many calls. */
export const LEFT_OVER =
  "not looked at: this call has made as many calls of its own as it may; send this job in a further import";

export const UNREADABLE = "cannot be read; check its fields against docs/moving.md";

function sentence(errors: readonly FieldError[]): string {
  const shown = errors
    .slice(0, SHOWN_ERRORS)
    .map(({ path, message }) => (path === "" ? message : `${path}: ${message}`));
  const more = errors.length - shown.length;
  return `${shown.join("; ")}${more > 0 ? `; and ${more} more` : ""}`;
}
