/** `/v1/jobs/{id}/runs`: the run log, and the reports of agents and people on a run. */
import * as z from "zod";
import { askJob } from "../../directory/find-job.ts";
import { cursorsOf } from "../../domain/page.ts";
import { RunStatus } from "../../schema/job.ts";
import { CompleteBody, Progress, Run } from "../../schema/run.ts";
import { NoBody, pageCursor, pageLimit, pageShape, queryFlag, queryText } from "../fields.ts";
import { reply, route } from "../route.ts";
import { readTimes, TIMES } from "./events.ts";

const tag = "Runs";
const cursors = cursorsOf("runs", z.union([z.int(), z.object({ startedAt: z.int(), id: z.string() })]));

const NO_NAME = "is not a query parameter here: the job is named by its id; GET /v1/jobs?name={value} finds it";

const list = route({
  method: "get",
  path: "/v1/jobs/:id/runs",
  access: "read",
  id: "listRuns",
  tag,
  summary: "List a job's runs, newest first",
  description: "Of a window: those that started at `since` or later and before `until`.",
  query: z
    .strictObject({
      limit: pageLimit(20),
      cursor: pageCursor,
      status: RunStatus.optional().meta({ description: "Runs that have this status now." }),
      user_id: queryText.optional().meta({ description: "Runs of this user only." }),
      fan_out_id: queryText.optional().meta({ description: "Runs of this fan-out only." }),
      unchanged: queryFlag
        .optional()
        .meta({ description: "false: leave out runs in which the agent found nothing new; true: only those." }),
      since: queryText
        .optional()
        .meta({ ...TIMES.since, description: "Runs that started at this time or later, RFC 3339." }),
      until: queryText
        .optional()
        .meta({ ...TIMES.until, description: "Runs that started before this time, RFC 3339." }),
    })
    .meta({ notHere: { name: NO_NAME } }),
  answers: { 200: { description: "A page of runs.", schema: pageShape(Run) } },
  errors: ["not_found"],
  async handle({ env, caller, params, query }) {
    const before = cursors.after(query.cursor);
    if (!before.ok) return before;
    const times = readTimes(query);
    if (!times.ok) return times;
    const { limit, status, unchanged, user_id: userId, fan_out_id: fanOutId } = query;
    const page = await askJob(env, params.id, (job) =>
      job.runs(caller, { limit, before: before.value, status, userId, fanOutId, unchanged, ...times.value }),
    );
    return page.ok ? reply(200, cursors.shown(page.value)) : page;
  },
});

const read = route({
  method: "get",
  path: "/v1/jobs/:id/runs/:run_id",
  access: "read_run",
  id: "getRun",
  tag,
  summary: "Read a run",
  description: "Also with the run's own token.",
  answers: { 200: { description: "The run.", schema: Run } },
  errors: ["not_found"],
  async handle({ env, caller, params }) {
    const run = await askJob(env, params.id, (job) => job.run(caller, params.run_id));
    return run.ok ? reply(200, run.value) : run;
  },
});

const complete = route({
  method: "post",
  path: "/v1/jobs/:id/runs/:run_id/complete",
  access: "report_run",
  id: "completeRun",
  tag,
  summary: "Report the end of a run",
  description:
    "For a run that the agent answered with 202. Use the run's own token, or one that may see the job. Repeating the same status is fine.",
  body: { schema: CompleteBody },
  answers: { 200: { description: "The run as it has ended.", schema: Run } },
  errors: ["not_found", "run_already_finished"],
  async handle({ env, caller, params, body }) {
    const run = await askJob(env, params.id, (job) => job.completeRun(caller, params.run_id, body));
    return run.ok ? reply(200, run.value) : run;
  },
});

const progress = route({
  method: "post",
  path: "/v1/jobs/:id/runs/:run_id/progress",
  access: "report_run",
  id: "reportProgress",
  tag,
  summary: "Report the progress of a run",
  description: "The run shows it, and its completion_timeout starts again. The same tokens as for complete.",
  body: { schema: Progress },
  answers: { 200: { description: "The run.", schema: Run } },
  errors: ["not_found", "run_already_finished"],
  async handle({ env, caller, params, body }) {
    const run = await askJob(env, params.id, (job) => job.progressRun(caller, params.run_id, body));
    return run.ok ? reply(200, run.value) : run;
  },
});

const release = route({
  method: "post",
  path: "/v1/jobs/:id/runs/:run_id/release",
  access: "report_run",
  id: "releaseRun",
  tag,
  summary: "Give back a run that was claimed from a mailbox",
  description:
    "Like the frame `release` of a mailbox's socket: the run is offered again at once, which does not count as an attempt. The same tokens as for complete.",
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The run.", schema: Run } },
  errors: ["not_found", "run_already_finished"],
  async handle({ env, caller, params }) {
    const run = await askJob(env, params.id, (job) => job.releaseRun(caller, params.run_id, "agent"));
    return run.ok ? reply(200, run.value) : run;
  },
});

const cancel = route({
  method: "post",
  path: "/v1/jobs/:id/runs/:run_id/cancel",
  access: "write",
  id: "cancelRun",
  tag,
  summary: "Stop an active run",
  description:
    'The run ends with status "error" and error "cancelled"; a call to the agent that is under way is aborted.',
  body: { schema: NoBody, optional: true },
  answers: { 200: { description: "The run as it has ended.", schema: Run } },
  errors: ["not_found", "run_already_finished"],
  async handle({ env, caller, params }) {
    const run = await askJob(env, params.id, (job) => job.cancelRun(caller, params.run_id));
    return run.ok ? reply(200, run.value) : run;
  },
});

const retry = route({
  method: "post",
  path: "/v1/jobs/:id/runs/:run_id/retry",
  access: "write",
  id: "retryRun",
  tag,
  summary: "Repeat an ended run",
  description:
    "Starts a new run with trigger `manual` and the old one's scheduled_at, user, message and payload. It is refused in the same cases as run now.",
  body: { schema: NoBody, optional: true },
  answers: { 202: { description: "The run has begun.", schema: z.strictObject({ run_id: z.string() }) } },
  errors: ["not_found", "job_already_running", "job_finished", "budget_exceeded"],
  async handle({ env, caller, params }) {
    const started = await askJob(env, params.id, (job) => job.retryRun(caller, params.run_id));
    return started.ok ? reply(202, started.value) : started;
  },
});

export const jobRunRoutes = [list, read, complete, progress, release, cancel, retry] as const;
