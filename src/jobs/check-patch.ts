/** What a merge patch would make of a job, looked at without changing it: for telling all faults of a call at once. */
import { findJob } from "../directory/find-job.ts";
import type { Outcome } from "../domain/failure.ts";
import { type Caller, refuseForeignForm } from "../domain/job/access.ts";
import { defineJob, patchDefinition } from "../domain/job/definition.ts";
import { err } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { JobDefinition } from "../schema/job.ts";

/** A job as it is shown, cut down to what a client writes. */
const Written = JobDefinition.strip();

/** Errors: those that the patch itself would meet, but for what only the Job object knows (its ETag, the names that are taken). */
export async function checkPatch(
  env: Env,
  caller: Caller,
  id: string,
  patch: Readonly<Record<string, unknown>>,
  now: number,
): Promise<Outcome<unknown>> {
  const found = await findJob(env, id);
  if (!found.ok) return found;
  const job = await found.value.read(caller);
  if (!job.ok) return job;
  const merged = patchDefinition(Written.parse(job.value), patch);
  if (!merged.ok) return merged;
  const refused = refuseForeignForm(caller, merged.value);
  return refused === undefined ? defineJob(merged.value, { now }) : err(refused);
}
