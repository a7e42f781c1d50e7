/** `/v1/jobs`: creates, lists, reads, changes and deletes jobs; pause, resume, run now and backfill. */
import * as z from "zod";
import { askJob, findJob } from "../../directory/find-job.ts";
import { listJobs } from "../../directory/job-list.ts";
import { isNameReserved } from "../../directory/jobs-index.ts";
import { invalid } from "../../domain/failure.ts";
import type { Caller } from "../../domain/job/access.ts";
import { Fire } from "../../domain/job/fires.ts";
import { pauseWarnings } from "../../domain/job/job-warnings.ts";
import { err, ok } from "../../domain/result.ts";
import { parseDurationWithin } from "../../domain/time/duration.ts";
import type { Env } from "../../env.ts";
import { adviceOf } from "../../jobs/advice.ts";
import { checkPatch } from "../../jobs/check-patch.ts";
import { checkNewJob, createJob, dryRunJob } from "../../jobs/create.ts";
import { endOfRun } from "../../jobs/end-of-run.ts";
import { jobObject } from "../../objects/job.ts";
import { Job, JobInput, READ_ONLY_FIELDS } from "../../schema/job.ts";
import { MAX_RUN_WAIT_MS, MIN_RUN_WAIT_MS } from "../../schema/limits.ts";
import { mergePatchOf } from "../../schema/merge-patch.ts";
import { BackfillBody, PauseBody, Run, RunNowBody } from "../../schema/run.ts";
import { SET_ELSEWHERE } from "../../schema/set-elsewhere.ts";
import { Advice } from "../../schema/warning.ts";
import { IdempotencyKey, IfMatch, NoBody, pageCursor, pageLimit, pageShape, queryFlag } from "../fields.ts";
import { reply, route } from "../route.ts";
import { filterOf, JobFilters } from "./job-filters.ts";

const tag = "Jobs";
const ETAG = { ETag: "The job's version, for If-Match." };

/** A job in an answer, with its ETag. */
export const jobReply = <const S extends 200 | 201, J extends Job>(
  status: S,
  job: J,
  headers: Readonly<Record<string, string>> = {},
) => reply(status, job, { etag: job.etag, ...headers });

/** A job in the answer to a call that creates or changes it. */
export const AdvisedJob = z
  .strictObject({ ...Job.shape, ...Advice.shape })
  .meta({ id: "AdvisedJob", description: "The job, with its warnings and its schedule in words." });

const DryRun = z.strictObject({
  job: Job.omit({ id: true, etag: true, created_at: true, updated_at: true }),
  next: z.array(Fire).readonly(),
  ...Advice.shape,
});

const create = route({
  method: "post",
  path: "/v1/jobs",
  access: "write",
  id: "createJob",
  tag,
  summary: "Make a job",
  description:
    "The job is created for the owner that the token names, and the token's ids are filled in. With an Idempotency-Key the call can be repeated safely.",
  query: z.strictObject({
    dry_run: queryFlag.optional().meta({
      description:
        "true: check the job and show its next 5 fires (a job's own part of jitter left out); nothing is stored.",
    }),
  }),
  headers: IdempotencyKey,
  body: {
    schema: JobInput,
    meaning: ({ caller, settings, body, now }) => checkNewJob({ caller, settings, input: body, now }),
  },
  answers: {
    201: {
      description: "The created job.",
      schema: AdvisedJob,
      headers: { ...ETAG, Location: "The job's path." },
    },
    200: {
      description:
        "With dry_run: the job as it would be. With an Idempotency-Key that was used before: the job that it created.",
      schema: z.union([AdvisedJob, DryRun]),
      headers: { ...ETAG, "Idempotency-Replayed": "true if an earlier call has created this job." },
    },
  },
  errors: ["name_reserved", "idempotency_key_reused", "quota_exceeded"],
  async handle({ env, settings, caller, body, sent, query, headers, url, now }) {
    const advised = { env, settings, caller, now, sent };
    const idempotencyKey = headers["idempotency-key"];
    const call = { env, settings, caller, input: body, now, origin: url.origin, idempotencyKey };
    if (query.dry_run) {
      const dry = await dryRunJob(call);
      return dry.ok ? reply(200, { ...dry.value, ...(await adviceOf(advised, dry.value.job)) }) : dry;
    }
    const made = await createJob(call);
    if (!made.ok) return made;
    const { replayed } = made.value;
    const job = { ...made.value.job, ...(await adviceOf(advised, made.value.job)) };
    const location = `/v1/jobs/${job.id}`;
    if (replayed) return jobReply(200, job, { location, "idempotency-replayed": "true" });
    return jobReply(201, job, { location });
  },
});

const list = route({
  method: "get",
  path: "/v1/jobs",
  access: "read",
  id: "listJobs",
  tag,
  summary: "List jobs, newest first",
  description:
    "Every filter given must match. Without `state`, finished jobs are left out. A job whose storage is damaged is left out too, and named in the log.",
  query: JobFilters.extend({
    limit: pageLimit(50),
    cursor: pageCursor,
  }),
  answers: { 200: { description: "A page of jobs.", schema: pageShape(Job) } },
  async handle({ env, caller, query, now }) {
    const { limit, cursor, ...filters } = query;
    const page = await listJobs(env, caller, { filter: filterOf(filters), limit, cursor, now });
    return page.ok ? reply(200, page.value) : page;
  },
});

const read = route({
  method: "get",
  path: "/v1/jobs/:id",
  access: "read",
  id: "getJob",
  tag,
  summary: "Read a job",
  answers: { 200: { description: "The job.", schema: Job, headers: ETAG } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const job = await askJob(env, params.id, (found) => found.read(caller));
    return job.ok ? jobReply(200, job.value) : job;
  },
});

/**
 * The same as {@link JobInput}, with every field optional and `null` to remove one. The Job object checks the merged whole.
 */
const JobPatch = mergePatchOf(JobInput).meta({
  id: "JobPatch",
  shownOnly: READ_ONLY_FIELDS,
  notHere: SET_ELSEWHERE,
  description: "A JSON merge patch (RFC 7396): fields left out stay, null removes one.",
  examples: [{ message: "Only what is urgent.", schedule: { every: "2h" } }],
});

const patch = route({
  method: "patch",
  path: "/v1/jobs/:id",
  access: "write",
  id: "updateJob",
  tag,
  summary: "Change a job",
  description:
    'A JSON merge patch: fields left out stay as they are, null removes one. A schedule of another kind replaces the old one, with the fields that the new kind does not take: `{"schedule": {"every": "30m"}}`. next_run_at moves only if the schedule changes.',
  headers: IfMatch,
  body: {
    schema: JobPatch,
    meaning: ({ env, caller, params, body, now }) =>
      checkPatch(env, caller, String(Reflect.get(params, "id")), body, now),
    types: ["application/json", "application/merge-patch+json"],
  },
  answers: { 200: { description: "The job as it is now.", schema: AdvisedJob, headers: ETAG } },
  errors: ["not_found", "name_reserved", "precondition_failed", "quota_exceeded"],
  async handle({ env, settings, caller, params, body, sent, headers, now }) {
    const found = await findJob(env, params.id);
    if (!found.ok) return found;
    if (typeof body.name === "string" && (await isNameReserved(env, params.id, body.name))) {
      const job = await found.value.read(caller);
      if (!job.ok) return job;
      if (job.value.name !== body.name) return err({ kind: "name_reserved", name: body.name });
    }
    const job = await found.value.patch(caller, body, headers["if-match"]);
    if (!job.ok) return job;
    const advice = await adviceOf({ env, settings, caller, now, sent }, job.value);
    return jobReply(200, { ...job.value, ...advice });
  },
});

const remove = route({
  method: "delete",
  path: "/v1/jobs/:id",
  access: "write",
  id: "deleteJob",
  tag,
  summary: "Delete a job and its runs",
  description: "A call to the agent that is under way is aborted.",
  headers: IfMatch,
  answers: { 204: { description: "The job is gone." } },
  errors: ["not_found", "precondition_failed"],
  async handle({ env, caller, params, headers }) {
    const removed = await askJob(env, params.id, (job) => job.remove(caller, headers["if-match"]));
    return removed.ok ? reply(204) : removed;
  },
});

const runNow = route({
  method: "post",
  path: "/v1/jobs/:id/run",
  access: "write",
  id: "runJobNow",
  tag,
  summary: "Run a job now",
  description:
    "A paused job runs too. The schedule does not move. The call is refused while a run is active. `message` and `payload` are for this run only.",
  body: { schema: RunNowBody, optional: true },
  answers: {
    200: { description: "With `wait`: the run, if it has ended in that time.", schema: Run },
    202: {
      description: "The run has begun; of an all_users job, the fan-out.",
      schema: z.union([z.strictObject({ run_id: z.string() }), z.strictObject({ fan_out_id: z.string() })]),
    },
  },
  errors: ["not_found", "job_already_running", "job_finished", "budget_exceeded"],
  async handle({ env, caller, params, body }) {
    const found = await findJob(env, params.id);
    if (!found.ok) return found;
    const { message, payload, wait } = body;
    const waitMs = wait === undefined ? ok(0) : parseDurationWithin(wait, MIN_RUN_WAIT_MS, MAX_RUN_WAIT_MS);
    if (!waitMs.ok) return invalid([{ path: "wait", message: waitMs.error }]);
    const started = await found.value.runNow(caller, { message, payload });
    if (!started.ok) return started;
    const { value } = started;
    if (waitMs.value === 0 || !("run_id" in value)) return reply(202, value);
    const ended = await endOfRun(() => jobObject(env, params.id).run(caller, value.run_id), waitMs.value);
    return ended === undefined ? reply(202, value) : reply(200, ended);
  },
});

const setEnabled = async (env: Env, caller: Caller, id: string, enabled: boolean, pause?: PauseBody) => {
  const job = await askJob(env, id, (found) => found.setEnabled(caller, enabled, pause));
  return job.ok ? jobReply(200, job.value) : job;
};

const PausedJob = z
  .strictObject({ ...Job.shape, warnings: Advice.shape.warnings })
  .meta({ id: "PausedJob", description: "The job, with a warning if the pause outlasts its fires." });

const pause = route({
  method: "post",
  path: "/v1/jobs/:id/pause",
  access: "write",
  id: "pauseJob",
  tag,
  summary: "Pause a job",
  description:
    "The job does not fire until a client resumes it, or until `until`. A paused job gets the new reason and end; without `until` it stays paused until a client resumes it.",
  body: { schema: PauseBody, optional: true },
  answers: { 200: { description: "The job.", schema: PausedJob, headers: ETAG } },
  errors: ["not_found", "job_finished"],
  async handle({ env, caller, params, body }) {
    const paused = await setEnabled(env, caller, params.id, false, body);
    if (!paused.ok) return paused;
    const warnings = pauseWarnings(paused.value.body);
    return warnings.length === 0 ? paused : jobReply(200, { ...paused.value.body, warnings });
  },
});

const resume = route({
  method: "post",
  path: "/v1/jobs/:id/resume",
  access: "write",
  id: "resumeJob",
  tag,
  summary: "Resume a job",
  description: "Its next fire is computed from now. An active job stays as it is.",
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The job.", schema: Job, headers: ETAG } },
  errors: ["not_found", "job_finished"],
  handle: ({ env, caller, params }) => setEnabled(env, caller, params.id, true),
});

const backfill = route({
  method: "post",
  path: "/v1/jobs/:id/backfill",
  access: "write",
  id: "backfillJob",
  tag,
  summary: "Run the fires of a past window",
  description:
    'Runs the fires that were due from `from` to `to` one after the other, at most 1,000. They wait while the job is paused, and `{"cancel": true}` drops them.',
  body: { schema: BackfillBody },
  answers: { 202: { description: "How many fires will be run.", schema: z.strictObject({ count: z.int() }) } },
  errors: ["not_found", "job_finished", "quota_exceeded"],
  async handle({ env, caller, params, body }) {
    const queued = await askJob(env, params.id, (job) => job.backfill(caller, body));
    return queued.ok ? reply(202, { count: queued.value.count }) : queued;
  },
});

export { pause as pauseJob, remove as removeJob, resume as resumeJob, runNow as runJobNow };
export const jobRoutes = [create, list, read, patch, remove, runNow, pause, resume, backfill] as const;
