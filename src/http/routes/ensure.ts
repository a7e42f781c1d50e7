/** `PUT /v1/jobs/ensure`: system jobs, created and updated by name. */

import * as z from "zod";
import { authorOf } from "../../domain/audit.ts";
import { defineJob } from "../../domain/job/definition.ts";
import { adviceOf } from "../../jobs/advice.ts";
import { ensureSystemJob } from "../../jobs/ensure.ts";
import { JobInput, READ_ONLY_FIELDS } from "../../schema/job.ts";
import { SET_ELSEWHERE } from "../../schema/set-elsewhere.ts";
import { route } from "../route.ts";
import { AdvisedJob, jobReply } from "./jobs.ts";

const EnsureBody = z
  .strictObject({
    ...JobInput.shape,
    owner_kind: z.literal("system").default("system").meta({ description: "Always system; may be left out." }),
  })
  .meta({
    shownOnly: READ_ONLY_FIELDS,
    notHere: SET_ELSEWHERE,
    examples: [{ name: "nightly-clean-up", message: "Archive what is done.", schedule: { cron: "0 3 * * *" } }],
  });

const ensure = route({
  method: "put",
  path: "/v1/jobs/ensure",
  access: "admin",
  id: "ensureJob",
  tag: "Jobs",
  summary: "Create or update a system job by name",
  description:
    "Creates the job, or updates it to this definition. If it is equal already, nothing changes, not even updated_at. A changed schedule starts over. If `enabled` is left out, a paused job stays paused.",
  body: { schema: EnsureBody, meaning: ({ body, now }) => defineJob(body, { now }) },
  answers: {
    200: { description: "The job existed and now has this definition.", schema: AdvisedJob },
    201: { description: "The job was created.", schema: AdvisedJob, headers: { Location: "The job's path." } },
  },
  errors: ["name_reserved", "quota_exceeded"],
  async handle({ env, settings, caller, body, sent, url, now }) {
    const keepEnabled = !isObject(sent) || sent.enabled === undefined;
    const ensured = await ensureSystemJob(
      { env, settings, now, origin: url.origin, by: authorOf(caller) },
      body,
      keepEnabled,
    );
    if (!ensured.ok) return ensured;
    const { made } = ensured.value;
    const advice = await adviceOf({ env, settings, caller, now, sent }, ensured.value.job);
    const job = { ...ensured.value.job, ...advice };
    return made ? jobReply(201, job, { location: `/v1/jobs/${job.id}` }) : jobReply(200, job);
  },
});

const isObject = (value: unknown): value is { readonly enabled?: unknown } =>
  typeof value === "object" && value !== null;

export const ensureRoutes = [ensure] as const;
