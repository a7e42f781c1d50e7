/**
 * Imports jobs that were created elsewhere (docs/contract.md §6). Each is imported independently, so a wrong one does not
 * stop the others. Each is imported at most once, so after a crash the same file can simply be sent again.
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

/** One job of a file, or the reason why it cannot be read. `number` is its place in the file, from 1. */
export type ImportItem = { readonly number: number; readonly job: Result<unknown, string> };

/** The number of jobs that are imported at a time. It fills the connections, and any owner's shard can take it. */
const JOBS_AT_ONCE = 20;
/**
 * The calls for one job. Two look for it, one each reserves its place, notes its id and creates it, and two give the place
 * up if that fails.
 */
const CALLS_A_JOB = 7;
/** The further calls for a system job. Its name is reserved in each shard, and released again if it is taken. */
const CALLS_A_NAME = 2 * SHARD_COUNT;
/** The longest reason. It quotes the fault, which may have any length. */
const MAX_REASON_BYTES = 500;

/**
 * The means of an import. `clock` gives epoch ms, since a long import ends later than it began. `budget` has the calls of
 * this invocation.
 */
export type ImportIo = { readonly clock: () => number; readonly budget: CallBudget };

/**
 * Creates the jobs that do not exist yet. When the calls of this invocation are used up, the remaining jobs are named, so
 * that they can be sent in a further import.
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
  // Only as many jobs run at a time as the remaining calls can finish. Otherwise each would be cut short by the others.
  await mapLimit(items, take, Math.max(1, Math.min(JOBS_AT_ONCE, Math.floor(budget.left / CALLS_A_JOB))));
  const skipped = items.flatMap((item) => {
    const reason = reasons.get(item);
    return reason === undefined
      ? []
      : [{ id: idOf(item) ?? `#${item.number}`, reason: cutUtf8(reason, MAX_REASON_BYTES).text }];
  });
  return { imported: items.length - skipped.length, skipped };
}

/** The item's id, if it is one that a job can have. */
function idOf({ job }: ImportItem): string | undefined {
  if (!job.ok || !isFields(job.value)) return undefined;
  const { id } = job.value;
  return typeof id === "string" && isJobId(id) ? id : undefined;
}

async function importJob(call: PlaceCall, item: ImportItem, budget: CallBudget): Promise<Result<null, string>> {
  const read = readItem(item, call.now);
  if (!read.ok) return read;
  const calls = CALLS_A_JOB + (isNamed(read.value) ? CALLS_A_NAME : 0);
  // It takes all the calls that a job may need, so that a begun job is finished.
  if (!budget.take(calls)) return err(LEFT_OVER);
  try {
    const { made, callsUsed } = await make(call, read.value);
    budget.giveBack(calls - callsUsed);
    return made;
  } catch (error) {
    // A begun creation does no harm. A place without a job is given up, and a repeat finds its own place.
    if (isCallRefusal(error)) {
      budget.exhaust();
      return err(LEFT_OVER);
    }
    logError("A job could not be imported", { job_id: read.value.id }, error);
    return err(NOT_STORED);
  }
}

const isNamed = ({ job }: JobToImport): boolean => job.definition.owner_kind === "system";

/** The job of one item. A line that cannot be read does not stop the others. */
function readItem({ number, job }: ImportItem, now: number): Result<JobToImport, string> {
  try {
    return job.ok ? readImportedJob(job.value, now) : job;
  } catch (error) {
    logError("A job of an import could not be read", { number }, error);
    return err(UNREADABLE);
  }
}

/** Creates one job. `took` is the number of calls that it has used. */
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
