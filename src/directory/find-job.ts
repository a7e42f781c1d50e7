/**
 * The way from an id of a client to its Job object. An id without a job leaves no storage (docs/architecture.md, invariant
 * 6).
 */
import { notFound, type Outcome } from "../domain/failure.ts";
import { isJobId } from "../domain/job/job-id.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { type JobRpc, jobObject } from "../objects/job.ts";
import { mayExist } from "./jobs-index.ts";

/** The job under an id. Errors: `not_found` if there can be none, before any object is touched. */
export async function findJob(env: Env, id: string): Promise<Outcome<JobRpc>> {
  if (!isJobId(id)) return notFound("job");
  if (await mayExist(env, id)) return ok(jobObject(env, id));
  return notFound("job");
}

/** Asks the job under an id. Errors: `not_found` if there can be none, and those of the method that is called. */
export async function askJob<T>(env: Env, id: string, ask: (job: JobRpc) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  const found = await findJob(env, id);
  return found.ok ? ask(found.value) : found;
}
