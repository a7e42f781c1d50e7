/** /v1/jobs, /v1/schedules and /v1/stats. */
import type { JobForecast } from "../../../src/schema/forecast.ts";
import type { Job, JobInput } from "../../../src/schema/job.ts";
import type { Run } from "../../../src/schema/run.ts";
import type { ScheduleSpec } from "../../../src/schema/schedule.ts";
import type { Advice, Warning } from "../../../src/schema/warning.ts";
import { type Answer, call, type Page, v1 } from "./client.ts";

export type { Job, Run, ScheduleSpec, Warning };

/** The answer to a call that creates or changes a job. */
export type AdvisedJob = Job & Advice;
export type RunStatus = Run["status"];

/** The fields that a client may write. Those with a default may be left out. */
export type JobBody = Partial<Omit<JobInput, "retry">> & { readonly retry?: Partial<JobInput["retry"]> };
/** A merge patch of a job. null removes a field. */
export type JobPatch = { readonly [F in keyof JobBody]?: unknown };

/** A fire in UTC, and in the schedule's zone with its offset. */
export type Fire = { readonly at: string; readonly local: string };

export type JobFilter = {
  readonly q?: string | undefined;
  readonly state?: string | undefined;
  readonly owner_kind?: string | undefined;
  readonly exec_scope?: string | undefined;
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly plugin_id?: string | undefined;
  readonly label?: string | undefined;
  readonly health?: string | undefined;
};

export type Explanation = {
  readonly at: string;
  readonly verdict: string;
  readonly explanation: string;
  readonly due_at?: string;
  readonly run?: Run;
  readonly next_run_at?: string;
};

export const listJobs = (filter: JobFilter, cursor?: string, limit = 50, signal?: AbortSignal) =>
  call<Page<Job>>("GET", v1("jobs"), { query: { ...filter, cursor, limit }, signal });
export const getJob = (id: string, signal?: AbortSignal) => call<Job>("GET", v1("jobs", id), { signal });
export const createJob = (body: JobBody, idempotencyKey: string) =>
  call<AdvisedJob>("POST", v1("jobs"), { json: body, headers: { "idempotency-key": idempotencyKey } });
export const patchJob = (id: string, etag: string, patch: JobPatch) =>
  call<AdvisedJob>("PATCH", v1("jobs", id), { json: patch, headers: { "if-match": etag } });
export const deleteJob = (id: string) => call<undefined>("DELETE", v1("jobs", id));
export const pauseJob = (id: string) => call<Job>("POST", v1("jobs", id, "pause"));
export const resumeJob = (id: string) => call<Job>("POST", v1("jobs", id, "resume"));
export const runJob = (id: string) =>
  call<{ readonly run_id?: string; readonly fan_out_id?: string }>("POST", v1("jobs", id, "run"));
export const explainJob = (id: string, at: string | undefined, signal?: AbortSignal) =>
  call<Explanation>("GET", v1("jobs", id, "explain"), { query: { at }, signal });

/** A page of the forecast from now to `to`, by days of `timezone`. */
export const forecast = (to: string, timezone: string, cursor: string | undefined, signal?: AbortSignal) =>
  call<Page<JobForecast>>("GET", v1("forecast"), { query: { to, timezone, cursor, limit: 100 }, signal });

export type RunFilter = {
  readonly status?: string | undefined;
  readonly user_id?: string | undefined;
  readonly fan_out_id?: string | undefined;
  /** "false" leaves out runs that found nothing new. */
  readonly unchanged?: string | undefined;
};
export const listRuns = (id: string, filter: RunFilter, cursor?: string, limit = 50, signal?: AbortSignal) =>
  call<Page<Run>>("GET", v1("jobs", id, "runs"), { query: { ...filter, cursor, limit }, signal });
export const getRun = (id: string, runId: string, signal?: AbortSignal) =>
  call<Run>("GET", v1("jobs", id, "runs", runId), { signal });
export type BulkAction = "pause" | "resume" | "run" | "delete";
export type BulkResult = {
  readonly matched: number;
  readonly done: number;
  readonly failed: readonly { readonly id: string; readonly code: string }[];
  readonly next_cursor?: string;
};

/** Acts on the next hundred jobs that `filter` matches. */
export const bulkJobs = (action: BulkAction, filter: JobFilter, cursor?: string) =>
  call<BulkResult>("POST", v1("jobs", "bulk"), {
    json: {
      action,
      filter: Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)),
      cursor,
    },
  });
/** Repeats an ended run, with its message, payload and user. */
export const retryRun = (id: string, runId: string) =>
  call<{ readonly run_id: string }>("POST", v1("jobs", id, "runs", runId, "retry"));
export const cancelRun = (id: string, runId: string) => call<Run>("POST", v1("jobs", id, "runs", runId, "cancel"));

export type Preview = {
  readonly next: readonly Fire[];
  readonly description: string;
  readonly warnings?: readonly Warning[];
};
export const previewSchedule = (schedule: ScheduleSpec, signal?: AbortSignal): Promise<Answer<Preview>> =>
  call("POST", v1("schedules", "preview"), { json: { schedule, count: 5 }, signal });
