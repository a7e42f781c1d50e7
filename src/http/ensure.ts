/** `PUT /v1/jobs/ensure`: system jobs, made and kept up to date by name. */
import * as z from "zod";
import { reserveNameEverywhere } from "../directory/jobs-index.ts";
import { checkScheduleAhead, defineJob } from "../domain/definition.ts";
import type { Outcome } from "../domain/failure.ts";
import { jobIdFromBytes } from "../domain/job-id.ts";
import { ok } from "../domain/result.ts";
import { sha256 } from "../domain/sha256.ts";
import { Job, JobInput } from "../schema/job.ts";
import { placeSystemJob } from "./create-job.ts";
import { jobObject } from "./job-object.ts";
import { jobReply } from "./jobs.ts";
import { route } from "./route.ts";

/** The id of the system job of this name: ensure finds it without any look-up. */
export const systemJobId = (name: string): string => jobIdFromBytes(sha256(`system\n${name}`));

const EnsureBody = z.strictObject({ ...JobInput.shape, owner_kind: z.literal("system").default("system") });

const ensure = route({
  method: "put",
  path: "/v1/jobs/ensure",
  access: "admin",
  id: "ensureJob",
  tag: "Jobs",
  summary: "Make or update a system job by name",
  description:
    "Makes the job, or brings it to this definition; where it is so already nothing changes, not even updated_at. A schedule that changes starts anew; where `enabled` is left out, a paused job stays paused.",
  body: { schema: EnsureBody },
  answers: {
    200: { description: "The job was there; it is as asked for now.", schema: Job },
    201: { description: "The job was made.", schema: Job, headers: { Location: "The job's path." } },
  },
  errors: ["name_reserved", "quota_exceeded"],
  async handle({ env, settings, body, sent, url, now }) {
    const keepEnabled = !isObject(sent) || sent.enabled === undefined;
    const ensured = await ensureSystemJob({ env, settings, now, origin: url.origin }, body, keepEnabled);
    if (!ensured.ok) return ensured;
    const { job, made } = ensured.value;
    return made ? jobReply(201, job, { location: `/v1/jobs/${job.id}` }) : jobReply(200, job);
  },
});

/**
 * Makes the system job of this name, or brings it to this definition. `keepEnabled`: a paused job stays paused.
 * Errors: `validation_failed`, `name_reserved`, `quota_exceeded`.
 */
export async function ensureSystemJob(
  call: Parameters<typeof placeSystemJob>[0],
  input: JobInput,
  keepEnabled: boolean,
): Promise<Outcome<{ readonly job: Job; readonly made: boolean }>> {
  // An `at` that is over is no error as long as nothing changes, so that is checked only where a job is made or changed.
  const job = defineJob(input);
  if (!job.ok) return job;
  const id = systemJobId(input.name);
  const object = jobObject(call.env, id);
  const present = await object.ensure(input, keepEnabled);
  if (present.ok) return ok({ job: present.value, made: false });
  if (present.error.kind !== "not_found") return present;

  const ahead = checkScheduleAhead(job.value, call.now, call.now);
  if (!ahead.ok) return ahead;
  const name = await reserveNameEverywhere(call.env, input.name, id);
  if (!name.ok) return name;
  const made = await placeSystemJob(call, job.value, id);
  if (made.ok) return ok({ job: made.value.job, made: true });
  // Another ensure of the same name was faster.
  if (made.error.kind !== "idempotency_key_reused") return made;
  const raced = await object.ensure(input, keepEnabled);
  return raced.ok ? ok({ job: raced.value, made: false }) : raced;
}

const isObject = (value: unknown): value is { readonly enabled?: unknown } =>
  typeof value === "object" && value !== null;

export const ensureRoutes = [ensure] as const;
