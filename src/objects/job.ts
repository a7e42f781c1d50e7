/** The way from an id in a path to the Job object behind it, without leaving storage where there is no job (DESIGN invariant 6). */
import type { JobObject } from "../../durable-objects/job/object.ts";
import { mayExist } from "../directory/jobs-index.ts";
import { notFound, type Outcome } from "../domain/failure.ts";
import { isJobId } from "../domain/job/job-id.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";

/** What HTTP calls of a Job object. */
export type JobCalls = Pick<
  JobObject,
  | "create"
  | "recall"
  | "read"
  | "exported"
  | "patch"
  | "ensure"
  | "setEnabled"
  | "remove"
  | "runNow"
  | "backfill"
  | "runs"
  | "run"
  | "completeRun"
  | "progressRun"
  | "cancelRun"
  | "fanOuts"
  | "fanOut"
  | "explain"
  | "events"
>;

/**
 * The stub of the job under an id that Reveille made. The cast mends the platform's types only: they drop every answer
 * that holds JSON of unknown shape, such as a payload, although it crosses unchanged.
 */
export const jobObject = (env: Env, id: string): JobCalls => env.JOB.getByName(id) as unknown as JobCalls;

/** The stub for an id that a client sent. Errors: `not_found` where no job can be under it, before any object is touched. */
export async function findJob(env: Env, id: string): Promise<Outcome<JobCalls>> {
  if (!isJobId(id)) return notFound("job");
  if (await mayExist(env, id)) return ok(jobObject(env, id));
  return notFound("job");
}
