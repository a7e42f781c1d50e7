/** A merge patch's effect on a job, computed without changing the job. All faults of a call are reported at once. */
import { findJob } from "../directory/find-job.ts";
import type { Outcome } from "../domain/failure.ts";
import { type Caller, refuseForeignForm } from "../domain/job/access.ts";
import { defineJob, patchDefinition } from "../domain/job/definition.ts";
import { err } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { JobDefinition } from "../schema/job.ts";

/** The fields of a shown job that a client writes. */
const Written = JobDefinition.strip();

/** Checks a patch. Errors: its own faults, except those that only the Job object knows (its ETag, taken names). */
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
