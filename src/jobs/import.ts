/**
 * Taking in jobs that were made elsewhere (docs/contract.md §6): each by itself, so that one that cannot be made keeps none of the
 * others out, and each at most once, so that after a crash the same file is simply sent again.
 */

import { mayExist, reserveNameEverywhere } from "../directory/jobs-index.ts";
import type { Outcome } from "../domain/failure.ts";
import { ADMIN } from "../domain/job/access.ts";
import { isJobId } from "../domain/job/job-id.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import {
  ALREADY_THERE,
  type JobToImport,
  LEFT_OVER,
  NOT_STORED,
  readImportedJob,
  reasonOf,
  UNREADABLE,
} from "../domain/transfer/imported-job.ts";
import { isFields } from "../domain/transfer/legacy-job.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import type { ImportReport } from "../schema/job-export.ts";
import { type PlaceCall, placeImportedJob } from "./create.ts";

/** One job of a file, or why it cannot be read at all. `no` is its place in the file, from 1. */
export type ImportItem = { readonly no: number; readonly job: Result<unknown, string> };

/** As many jobs are on their way at a time: enough to fill the connections, few enough for any owner's shard. */
const JOBS_AT_ONCE = 20;
/** Looking for the job, reserving its place, noting its id, making it. */
const CALLS_A_JOB = 5;
/** A reason quotes what is wrong, which may be of any length. */
const MAX_REASON_BYTES = 500;

/**
 * Makes the jobs that are not there yet. `clock` is epoch ms: a long import ends later than it began. Once the platform refuses this
 * invocation further calls, the jobs that are left are named, to be sent in a further import.
 */
export async function importJobs(
  call: Omit<PlaceCall, "now">,
  items: readonly ImportItem[],
  clock: () => number,
): Promise<ImportReport> {
  const reasons = new Map<ImportItem, string>();
  let isRefused = false;
  const seen = new Set<string>();
  const take = async (item: ImportItem): Promise<void> => {
    const id = idOf(item);
    if (id !== undefined && seen.has(id)) {
      reasons.set(item, "the id comes more than once in this file; its first job was taken");
      return;
    }
    if (id !== undefined) seen.add(id);
    const imported = isRefused ? err(LEFT_OVER) : await importJob({ ...call, now: clock() }, item);
    if (!imported.ok) reasons.set(item, imported.error);
    if (!imported.ok && imported.error === LEFT_OVER) isRefused = true;
  };
  // So few that those on their way can be finished with the calls that there are: else each would be cut short by the others.
  const { LOCAL, CALLS_PER_WAKE } = call.settings;
  const atOnce = LOCAL ? JOBS_AT_ONCE : Math.max(1, Math.min(JOBS_AT_ONCE, Math.floor(CALLS_PER_WAKE / CALLS_A_JOB)));
  await mapLimit(items, take, atOnce);
  const skipped = items.flatMap((item) => {
    const reason = reasons.get(item);
    return reason === undefined
      ? []
      : [{ id: idOf(item) ?? `#${item.no}`, reason: cutUtf8(reason, MAX_REASON_BYTES).text }];
  });
  return { imported: items.length - skipped.length, skipped };
}

/** The id, where the item has one that a job can have. */
function idOf({ job }: ImportItem): string | undefined {
  if (!job.ok || !isFields(job.value)) return undefined;
  const { id } = job.value;
  return typeof id === "string" && isJobId(id) ? id : undefined;
}

async function importJob(call: PlaceCall, item: ImportItem): Promise<Result<null, string>> {
  const read = readItem(item, call.now);
  if (!read.ok) return read;
  try {
    return await make(call, read.value);
  } catch (error) {
    // What was begun is harmless: a place whose job has not come is given up, and a repeat finds its own.
    if (isCallRefusal(error)) return err(LEFT_OVER);
    logError("A job could not be imported", { job_id: read.value.id }, error);
    return err(NOT_STORED);
  }
}

/** The job of one item. A line that reading fails over keeps none of the others out. */
function readItem({ no, job }: ImportItem, now: number): Result<JobToImport, string> {
  try {
    return job.ok ? readImportedJob(job.value, now) : job;
  } catch (error) {
    logError("A job of an import could not be read", { no }, error);
    return err(UNREADABLE);
  }
}

async function make(call: PlaceCall, job: JobToImport): Promise<Result<null, string>> {
  const { env } = call;
  const { id } = job;
  if ((await mayExist(env, id)) && (await jobObject(env, id).read(ADMIN)).ok) return err(ALREADY_THERE);
  const { owner_kind, name } = job.job.definition;
  const named: Outcome<null> = owner_kind === "system" ? await reserveNameEverywhere(env, name, id) : ok(null);
  const made = named.ok ? await placeImportedJob(call, job) : named;
  return made.ok ? ok(null) : err(reasonOf(made.error));
}
