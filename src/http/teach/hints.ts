/** Hints that fit this call, from the stored job and from the given id. */
import { findJob } from "../../directory/find-job.ts";
import { hasJobIdForm } from "../../domain/job/job-id.ts";
import type { HttpFailure } from "../failure.ts";
import type { AnyCall } from "../route.ts";
import { tomorrow } from "./value.ts";
import { json } from "./write.ts";

type Asked = Pick<AnyCall, "env" | "caller" | "now"> & { readonly params: Readonly<Record<string, string>> };

/** The failure with a hint for this call, if one says more than the usual text. */
export async function withFittingHint(failure: HttpFailure, call: Asked): Promise<HttpFailure> {
  const { id } = call.params;
  if (id === undefined) return failure;
  if (failure.kind === "job_finished") return { ...failure, hint: await afterTheEnd(id, call) };
  if (failure.kind !== "not_found") return failure;
  if (failure.what === "job" && !hasJobIdForm(id)) {
    const query = new URLSearchParams({ name: id, state: "active,paused,finished" });
    const hint = `${json(id)} does not look like a job's id. If it is the job's name, GET /v1/jobs?${query} finds its id.`;
    return { ...failure, hint };
  }
  if (failure.what === "run")
    return { ...failure, hint: `GET /v1/jobs/${id}/runs lists the job's runs with their ids.` };
  return failure;
}

/** The way to make a finished job fire again, by the kind of its schedule. */
async function afterTheEnd(id: string, { env, caller, now }: Asked): Promise<string> {
  const otherwise = "or make a new job with POST /v1/jobs.";
  const change = (schedule: Readonly<Record<string, unknown>>) =>
    `PATCH /v1/jobs/${id} with ${json({ schedule })} lets it fire again, ${otherwise}`;
  const found = caller === undefined ? undefined : await findJob(env, id);
  const job = found?.ok === true && caller !== undefined ? await found.value.read(caller) : undefined;
  if (job?.ok !== true) return `Give it a new schedule with PATCH /v1/jobs/{id}, ${otherwise}`;
  const { schedule } = job.value;
  if (schedule.at !== undefined) return change({ at: tomorrow(now) });
  if (schedule.max_runs !== undefined) return change({ max_runs: null });
  if (schedule.ends_at !== undefined) return change({ ends_at: null });
  return change({ ends_at: tomorrow(now) });
}
