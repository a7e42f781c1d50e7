/**
 * The way from an id that a client sent to its Job object. If there is no job, it leaves no storage
 * (docs/architecture.md, invariant 6).
 */
import { notFound, type Outcome } from "../domain/failure.ts";
import { isJobId } from "../domain/job/job-id.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { type JobRpc, jobObject } from "../objects/job.ts";
import { mayExist } from "./jobs-index.ts";

/** Errors: `not_found` if no job can be under the id, before any object is touched. */
export async function findJob(env: Env, id: string): Promise<Outcome<JobRpc>> {
  if (!isJobId(id)) return notFound("job");
  if (await mayExist(env, id)) return ok(jobObject(env, id));
  return notFound("job");
}
