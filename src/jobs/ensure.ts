/** System jobs, created and updated by name, for `PUT /v1/jobs/ensure` and for the jobs of code. */
import { jobIdOf } from "../directory/job-ids.ts";
import { holderOfName, reserveNameEverywhere } from "../directory/jobs-index.ts";
import type { Outcome } from "../domain/failure.ts";
import { checkScheduleAhead, defineJob } from "../domain/job/definition.ts";
import { ok } from "../domain/result.ts";
import { sha256 } from "../domain/text/sha256.ts";
import type { Env } from "../env.ts";
import { jobObject } from "../objects/job.ts";
import type { Job, JobInput } from "../schema/job.ts";
import { placeSystemJob } from "./create.ts";

/** The id of the system job with this name. It follows from the name, so ensure needs no look-up. */
export const systemJobId = (env: Env, name: string): Promise<string> => jobIdOf(env, sha256(`system\n${name}`));

/**
 * Creates the system job of this name, or updates it to this definition. `keepEnabled`: a paused job stays paused. Errors:
 * `validation_failed`, `name_reserved`, `quota_exceeded`.
 */
export async function ensureSystemJob(
  call: Parameters<typeof placeSystemJob>[0],
  input: JobInput,
  keepEnabled: boolean,
): Promise<Outcome<{ readonly job: Job; readonly made: boolean }>> {
  // An `at` in the past is no error as long as nothing changes, so it is checked only when a job is created or changed.
  const job = defineJob(input, { now: call.now });
  if (!job.ok) return job;
  const id = await systemJobId(call.env, input.name);
  const object = jobObject(call.env, id);
  const present = await object.ensure(input, keepEnabled, call.by);
  if (present.ok) return ok({ job: present.value, made: false });
  if (present.error.kind !== "not_found") return present;
  // An imported job keeps its id, so the name is looked up.
  const holder = await holderOfName(call.env, input.name);
  if (holder !== undefined && holder !== id) {
    const imported = await jobObject(call.env, holder).ensure(input, keepEnabled, call.by);
    if (imported.ok) return ok({ job: imported.value, made: false });
    if (imported.error.kind !== "not_found") return imported;
  }

  const ahead = checkScheduleAhead(job.value, call.now, call.now);
  if (!ahead.ok) return ahead;
  const name = await reserveNameEverywhere(call.env, input.name, id);
  if (!name.ok) return name;
  const made = await placeSystemJob(call, job.value, id);
  if (made.ok) return ok({ job: made.value.job, made: true });
  // Another ensure of the same name was faster.
  if (made.error.kind !== "idempotency_key_reused") return made;
  const raced = await object.ensure(input, keepEnabled, call.by);
  return raced.ok ? ok({ job: raced.value, made: false }) : raced;
}
