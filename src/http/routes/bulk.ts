/** `POST /v1/jobs/bulk`: one act on many jobs (docs/contract.md §13), each as its own route does it. */
import * as z from "zod";
import { listJobs } from "../../directory/job-list.ts";
import { type FieldError, invalid, type Outcome } from "../../domain/failure.ts";
import { type Caller, canChange } from "../../domain/job/access.ts";
import { readUntil } from "../../domain/job/job-change.ts";
import type { JobFilter } from "../../domain/job/job-filter.ts";
import { ok } from "../../domain/result.ts";
import { mapLimit } from "../../map-limit.ts";
import type { Job } from "../../schema/job.ts";
import { PauseBody } from "../../schema/run.ts";
import { pageCursor } from "../fields.ts";
import { invoke, type Surroundings } from "../invoke.ts";
import { type Arrival, admitCall } from "../rate-limit.ts";
import { type AnyRoute, reply, route } from "../route.ts";
import { filterOf, JobFilters } from "./job-filters.ts";
import { pauseJob, removeJob, resumeJob, runJobNow } from "./jobs.ts";

/** The most jobs that one call acts on. */
const MAX_JOBS = 100;
/** The pages that are searched for jobs that the caller may change, before the call answers with a cursor. */
const MAX_PAGES = 20;

const ACTIONS: Readonly<Record<"pause" | "resume" | "run" | "delete", AnyRoute>> = {
  pause: pauseJob,
  resume: resumeJob,
  run: runJobNow,
  delete: removeJob,
};

const IDS = ["ids", "job_ids", "jobs"];
const NO_IDS =
  'is not a field here: the jobs are named by "filter"; for jobs that you know by id send a call for each, such as POST /v1/jobs/{id}/pause or DELETE /v1/jobs/{id}';
const CHANGES = ["patch", "update", "changes", "set", "fields"];
const NO_CHANGES =
  "is not a field here: many jobs are paused, resumed, run or deleted at once; to change fields send PATCH /v1/jobs/{id} for each job";

const BulkBody = z
  .strictObject({
    action: z.enum(["pause", "resume", "run", "delete"]).meta({
      aliases: ["operation", "op", "do", "command"],
      valueAliases: {
        cancel: "delete",
        remove: "delete",
        stop: "pause",
        disable: "pause",
        enable: "resume",
        trigger: "run",
      },
      description: "What to do with each job.",
    }),
    filter: JobFilters.default({}).meta({
      aliases: ["where", "match", "query", "selector"],
      description: "The jobs to act on, by the filters of GET /v1/jobs. An empty filter needs all: true.",
      examples: [{ label: "team:ops" }],
    }),
    all: z.boolean().optional().meta({ description: "true: an empty filter means every job." }),
    dry_run: z.boolean().optional().meta({ description: "true: count the jobs and change nothing." }),
    reason: PauseBody.shape.reason,
    until: PauseBody.shape.until,
    cursor: pageCursor.meta({ description: "next_cursor of the call before, to go on." }),
  })
  .meta({
    notHere: {
      ...Object.fromEntries(IDS.map((name) => [name, NO_IDS])),
      ...Object.fromEntries(CHANGES.map((name) => [name, NO_CHANGES])),
    },
    examples: [{ action: "pause", filter: { label: "team:ops" }, reason: "maintenance" }],
  });

const bulk = route({
  method: "post",
  path: "/v1/jobs/bulk",
  access: "write",
  id: "changeManyJobs",
  tag: "Jobs",
  summary: "Pause, resume, run or delete many jobs",
  description:
    "Acts on the next 100 matching jobs that the token may change, newest first. Send `next_cursor` as `cursor` to continue after them. Each act counts as a call of the token; one beyond the rate is in `failed` with `rate_limited`.",
  body: { schema: BulkBody, meaning: ({ body, now }) => refuseUnmeant(body, now) ?? ok(null) },
  answers: {
    200: {
      description: "The counts of this call: jobs that matched, and jobs that were changed.",
      schema: z.strictObject({
        matched: z.int(),
        done: z.int(),
        failed: z.array(z.strictObject({ id: z.string(), code: z.string() })).readonly(),
        next_cursor: z.string().optional(),
      }),
    },
  },
  async handle(call) {
    const { body, now } = call;
    const unmeant = refuseUnmeant(body, now);
    if (unmeant !== undefined) return unmeant;
    const matching = await changeable(call, filterOf(body.filter), body.cursor);
    if (!matching.ok) return matching;
    const { jobs, nextCursor } = matching.value;
    const next = nextCursor === undefined ? {} : { next_cursor: nextCursor };
    if (body.dry_run) return reply(200, { matched: jobs.length, done: 0, failed: [], ...next });
    const act = ACTIONS[body.action];
    const { reason, until } = body;
    const sent = {
      ...(reason === undefined ? {} : { reason }),
      ...(until === undefined ? {} : { until }),
    };
    const codes = await mapLimit(jobs, (job) => codeOf(act, call, job.id, sent));
    const failed = jobs.flatMap(({ id }, index) => {
      const code = codes[index];
      return code === undefined ? [] : [{ id, code }];
    });
    return reply(200, { matched: jobs.length, done: jobs.length - failed.length, failed, ...next });
  },
});

/**
 * The fault of a call that would act on every job without saying so. A field that the action does not take is a fault too.
 */
function refuseUnmeant({ filter, all, action, reason, until }: z.output<typeof BulkBody>, now: number) {
  const errors: FieldError[] = [];
  if (isEmpty(filter) && all !== true) {
    const message =
      'is empty, which means every job: send "all": true as well, or a filter such as {"label": "team:ops"}';
    errors.push({ path: "filter", message });
  }
  for (const [path, value] of Object.entries({ reason, until })) {
    if (value !== undefined && action !== "pause") {
      errors.push({ path, message: 'goes with "action": "pause" only; leave it out' });
    }
  }
  const resumeAt = action === "pause" && until !== undefined ? readUntil(until, now) : undefined;
  if (resumeAt?.ok === false) errors.push({ path: "until", message: resumeAt.error });
  return errors.length === 0 ? undefined : invalid(errors);
}

/** Whether every job matches: there is no filter, or only an empty part of the name. */
const isEmpty = ({ q, label, ...others }: z.output<typeof JobFilters>): boolean =>
  !q && (label ?? []).length === 0 && Object.values(others).every((value) => value === undefined);

type BulkCall = Surroundings & Arrival & { readonly caller: Caller };

/**
 * The next matching jobs that the caller may change, and the place to continue from. Each page after the first counts as a
 * call.
 */
async function changeable(
  call: BulkCall,
  filter: JobFilter,
  cursor: string | undefined,
): Promise<Outcome<{ readonly jobs: readonly Job[]; readonly nextCursor?: string }>> {
  const { env, caller, now } = call;
  const jobs: Job[] = [];
  let from = cursor;
  for (let page = 0; page < MAX_PAGES && jobs.length < MAX_JOBS; page++) {
    if (page > 0 && !(await admitCall(caller, call)).ok) break;
    const listed = await listJobs(env, caller, { filter, limit: MAX_JOBS - jobs.length, cursor: from, now });
    if (!listed.ok) return listed;
    jobs.push(...listed.value.items.filter((job) => canChange(caller, job)));
    from = listed.value.next_cursor;
    if (from === undefined) return ok({ jobs });
  }
  return ok(from === undefined ? { jobs } : { jobs, nextCursor: from });
}

/**
 * Acts on one job. Undefined if it succeeded, else the failure's code. Each act counts as a call of the token, so one bulk
 * call costs the same as single calls.
 */
async function codeOf(act: AnyRoute, around: BulkCall, id: string, body: object): Promise<string | undefined> {
  const admitted = await admitCall(around.caller, around);
  if (!admitted.ok) return admitted.error.kind;
  const input = { params: { id }, query: {}, headers: {}, readBody: async () => ok(body) };
  const answered = await invoke(act, around, input);
  return answered instanceof Response || answered.ok ? undefined : answered.error.kind;
}

export const bulkRoutes = [bulk] as const;
