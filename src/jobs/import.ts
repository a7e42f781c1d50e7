/**
 * Taking in jobs that were made elsewhere (docs/contract.md §6). Each by itself, so that one that cannot be made
 * keeps none of the others out, and each at most once, so that after a crash the same file is simply sent again.
 */

import { mayExist, reserveNameEverywhere } from "../directory/jobs-index.ts";
import { SHARD_COUNT } from "../domain/directory-shard.ts";
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
import { type CallBudget, isCallRefusal } from "../outbound/call-budget.ts";
import type { ImportReport } from "../schema/job-export.ts";
import { type PlaceCall, placeImportedJob } from "./create.ts";

/** One job of a file, or why it cannot be read at all. `no` is its place in the file, from 1. */
export type ImportItem = { readonly number: number; readonly job: Result<unknown, string> };

/** The number of jobs that are on their way at a time. It fills the connections, and is few enough for any owner's shard. */
const JOBS_AT_ONCE = 20;
/**
 * Looking for the job (two calls), reserving its place, noting its id, making it. Giving the place up if that fails
 * (two).
 */
const CALLS_A_JOB = 7;
/** Reserves a system job's name in each shard of the directory, and releases it again if it is taken. */
const CALLS_A_NAME = 2 * SHARD_COUNT;
/** A reason quotes what is wrong, which may be of any length. */
const MAX_REASON_BYTES = 500;

/** `clock` is epoch ms: a long import ends later than it began. `budget` are the calls of this invocation. */
export type ImportIo = { readonly clock: () => number; readonly budget: CallBudget };

/**
 * Makes the jobs that are not there yet. Once the calls of this invocation are used up, the jobs that are left are named, to be sent in
 * a further import.
 */
export async function importJobs(
  call: Omit<PlaceCall, "now">,
  items: readonly ImportItem[],
  { clock, budget }: ImportIo,
): Promise<ImportReport> {
  const reasons = new Map<ImportItem, string>();
  const seen = new Set<string>();
  const take = async (item: ImportItem): Promise<void> => {
    const id = idOf(item);
    if (id !== undefined && seen.has(id)) {
      reasons.set(item, "the id comes more than once in this file; its first job was taken");
      return;
    }
    if (id !== undefined) seen.add(id);
    const imported = await importJob({ ...call, now: clock() }, item, budget);
    if (!imported.ok) reasons.set(item, imported.error);
  };
  // So few that those on their way can be finished with the calls that there are: else each would be cut short by the others.
  await mapLimit(items, take, Math.max(1, Math.min(JOBS_AT_ONCE, Math.floor(budget.left / CALLS_A_JOB))));
  const skipped = items.flatMap((item) => {
    const reason = reasons.get(item);
    return reason === undefined
      ? []
      : [{ id: idOf(item) ?? `#${item.number}`, reason: cutUtf8(reason, MAX_REASON_BYTES).text }];
  });
  return { imported: items.length - skipped.length, skipped };
}

/** The id, where the item has one that a job can have. */
function idOf({ job }: ImportItem): string | undefined {
  if (!job.ok || !isFields(job.value)) return undefined;
  const { id } = job.value;
  return typeof id === "string" && isJobId(id) ? id : undefined;
}

async function importJob(call: PlaceCall, item: ImportItem, budget: CallBudget): Promise<Result<null, string>> {
  const read = readItem(item, call.now);
  if (!read.ok) return read;
  const calls = CALLS_A_JOB + (isNamed(read.value) ? CALLS_A_NAME : 0);
  // All that a job may take, so that one that is begun is finished.
  if (!budget.take(calls)) return err(LEFT_OVER);
  try {
    const { made, callsUsed } = await make(call, read.value);
    budget.giveBack(calls - callsUsed);
    return made;
  } catch (error) {
    // What was begun is harmless: a place whose job has not come is given up, and a repeat finds its own.
    if (isCallRefusal(error)) {
      budget.exhaust();
      return err(LEFT_OVER);
    }
    logError("A job could not be imported", { job_id: read.value.id }, error);
    return err(NOT_STORED);
  }
}

const isNamed = ({ job }: JobToImport): boolean => job.definition.owner_kind === "system";

/** The job of one item. A line that reading fails over keeps none of the others out. */
function readItem({ number, job }: ImportItem, now: number): Result<JobToImport, string> {
  try {
    return job.ok ? readImportedJob(job.value, now) : job;
  } catch (error) {
    logError("A job of an import could not be read", { number }, error);
    return err(UNREADABLE);
  }
}

/** `took` is how many calls it has taken. */
async function make(
  call: PlaceCall,
  job: JobToImport,
): Promise<{ readonly made: Result<null, string>; readonly callsUsed: number }> {
  const { env } = call;
  const { id } = job;
  const isKnown = await mayExist(env, id);
  if (isKnown && (await jobObject(env, id).read(ADMIN)).ok) return { made: err(ALREADY_THERE), callsUsed: 2 };
  const found = isKnown ? 2 : 1;
  const { name } = job.job.definition;
  const named: Outcome<null> = isNamed(job) ? await reserveNameEverywhere(env, name, id) : ok(null);
  if (!named.ok) return { made: err(reasonOf(named.error)), callsUsed: found + CALLS_A_NAME };
  const made = await placeImportedJob(call, job);
  const callsUsed = found + (made.ok ? 3 : 5) + (isNamed(job) ? SHARD_COUNT : 0);
  return { made: made.ok ? ok(null) : err(reasonOf(made.error)), callsUsed };
}
