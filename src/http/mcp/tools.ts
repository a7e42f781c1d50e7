/**
 * The tools of `/mcp` (CONTRACT.md §12). Each stands for one route: its fields are the route's own, at one level, with the job
 * named by `job_id`; what it does, allows and answers is the route's. So a tool cannot drift from the API.
 */
import * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import { wholeSchema } from "../json-schema.ts";
import type { AnyRoute } from "../route.ts";

type Fields = Readonly<Record<string, unknown>>;

type ToolSpec = {
  readonly name: string;
  readonly title: string;
  /** For a language model: when to use it, what comes back, an example. */
  readonly description: string;
  /** The `id` of the route. */
  readonly route: string;
  /** `destroys`: something that was there may be gone afterwards. `repeatable`: a second call does no more than the first. */
  readonly effect: "reads" | "adds" | "changes" | "destroys";
  readonly repeatable: boolean;
  /** Makes an answer fit for a conversation. */
  readonly trim?: (answer: Fields) => Fields;
  /** Takes `idempotency_key` for the header of that name. */
  readonly idempotencyKey?: true;
};

const SPECS: readonly ToolSpec[] = [
  {
    name: "schedule_job",
    title: "Schedule a job",
    description: `Ask to be woken later: makes a job that sends \`message\` to the agent when it fires. Answers with the job; keep its \`id\`, which the other tools take as job_id. Look at next_run_at to see that it means what you meant.
schedule is exactly one of {"at": "2027-01-15T14:30:00+08:00"} (once; the offset is required), {"every": "30m"} (interval: s, m, h, d, w), {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"} (calendar; without timezone it is UTC).
Example: {"name": "Morning report", "message": "Summarise yesterday's tickets.", "schedule": {"cron": "0 9 * * 1-5", "timezone": "Europe/Berlin"}}
With dry_run true nothing is stored, and the next 5 fires are shown.`,
    route: "createJob",
    effect: "adds",
    repeatable: false,
    idempotencyKey: true,
  },
  {
    name: "list_jobs",
    title: "List jobs",
    description: `List the jobs that you may see, newest first, in short; get_job shows one whole. Finished jobs are left out unless state asks for them. Where next_cursor comes back, send it as cursor for the next page.
Examples: {} · {"q": "report"} · {"state": "finished", "limit": 10} · {"label": ["team:ops"]}`,
    route: "listJobs",
    effect: "reads",
    repeatable: true,
    trim: (page) => ({ ...page, items: fieldsIn(page.items).map(briefJob) }),
  },
  {
    name: "get_job",
    title: "Read a job",
    description: `Read one job whole: its schedule, message and settings, when it fires next and how its last run ended.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "getJob",
    effect: "reads",
    repeatable: true,
  },
  {
    name: "update_job",
    title: "Change a job",
    description: `Change a job: give the fields to change, leave out the rest; null removes a field. Answers with the job as it is now. To change the kind of schedule, remove the old one: {"schedule": {"cron": null, "timezone": null, "every": "30m"}}.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "message": "Summarise the week.", "schedule": {"cron": "0 9 * * 5"}}`,
    route: "updateJob",
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "cancel_job",
    title: "Delete a job",
    description: `Delete a job with its runs, for good; a run that is active is stopped. To stop it only for a while, use pause_job.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "deleteJob",
    effect: "destroys",
    repeatable: true,
  },
  {
    name: "pause_job",
    title: "Pause a job",
    description: `Keep a job from firing until resume_job. What it would have fired meanwhile is not run later.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "pauseJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "resume_job",
    title: "Resume a job",
    description: `Let a paused job fire again; its next fire is worked out from now.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "resumeJob",
    effect: "changes",
    repeatable: true,
  },
  {
    name: "run_job_now",
    title: "Run a job now",
    description: `Run a job at once, also when it is paused; its schedule does not move. Refused while a run of it is active. Answers with the run's id at once; list_runs tells how it ended.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"}`,
    route: "runJobNow",
    effect: "adds",
    repeatable: false,
  },
  {
    name: "list_runs",
    title: "List runs",
    description: `List the runs of a job, newest first: when each was due, how it ended, what the agent answered, or why it failed. Of many runs at once the outputs are cut; with limit 1 the newest comes with its whole output.
Examples: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h"} · {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "status": "error", "limit": 5}`,
    route: "listRuns",
    effect: "reads",
    repeatable: true,
    trim: (page) => ({ ...page, items: shareOutput(fieldsIn(page.items)) }),
  },
  {
    name: "explain_job",
    title: "Explain a job",
    description: `Tell why a job did or did not run at a time, and when it runs next. Without at: as of now.
Example: {"job_id": "j5v2m0k8q4x1n7c3b9d6f0g2h", "at": "2026-11-23T09:00:00+01:00"}`,
    route: "explainJob",
    effect: "reads",
    repeatable: true,
  },
  {
    name: "preview_schedule",
    title: "Preview a schedule",
    description: `Show when a schedule would fire, in UTC and in its own zone, and say it in plain English; nothing is stored. Use it before schedule_job wherever you are not sure of the cron expression.
Example: {"schedule": {"cron": "30 2 * * *", "timezone": "America/New_York"}, "count": 3}`,
    route: "previewSchedule",
    effect: "reads",
    repeatable: true,
  },
];

/** A tool ready to be listed and called. */
export type Tool = Omit<ToolSpec, "route"> & {
  /** JSON Schema (2020-12) of the arguments. */
  readonly inputSchema: { readonly [name: string]: unknown; readonly type: "object" };
  /** The call of the route that these arguments stand for, or what is wrong with them before the route can be asked. */
  callOf(args: Fields): ToolCall | { readonly wrong: readonly FieldError[] };
};

export type ToolCall = {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, where the route takes a body. */
  readonly body?: string;
};

/** The tools over these routes, which must hold every one that a tool stands for. */
export function toolsOver(routes: readonly AnyRoute[]): readonly Tool[] {
  return SPECS.map((spec) => {
    const route = routes.find(({ id }) => id === spec.route);
    if (route === undefined) throw new Error(`The tool ${spec.name} stands for ${spec.route}, which is no route`);
    const { route: _id, ...rest } = spec;
    const query = shapeOf(route.query);
    const body = shapeOf(route.body?.shown ?? route.body?.schema);
    const inputSchema = inputSchemaOf(route, spec, query, body);
    const names = { known: Object.keys(inputSchema.properties), inQuery: new Set(Object.keys(query.properties)) };
    return { ...rest, inputSchema, callOf: (args) => callOf(route, spec, names, args) };
  });
}

const JobId = z.string().meta({ description: "The job's id, as schedule_job and list_jobs show it." });
const Key = z.string().meta({
  description:
    "Any text that names this call: for 24 hours the same call with it answers with the job that it made the first time. Use one where you might have to call again.",
});

const Shape = z.looseObject({
  properties: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
  required: z.array(z.string()).default([]),
});

type Shape = z.output<typeof Shape>;

const shapeOf = (schema: z.ZodType | undefined): Shape =>
  Shape.parse(schema === undefined ? {} : wholeSchema(schema, "input"));

/** The route's fields at one level. Query parameters, which are text in a URL, keep their own JSON type here. */
function inputSchemaOf(route: AnyRoute, spec: ToolSpec, query: Shape, body: Shape) {
  const takesJob = route.path.includes("/:id");
  return {
    type: "object" as const,
    properties: {
      ...(takesJob ? { job_id: wholeSchema(JobId, "input") } : {}),
      ...body.properties,
      ...Object.fromEntries(Object.entries(query.properties).map(([name, field]) => [name, unquoted(field)])),
      ...(spec.idempotencyKey ? { idempotency_key: wholeSchema(Key, "input") } : {}),
    },
    required: [...(takesJob ? ["job_id"] : []), ...body.required, ...query.required],
    additionalProperties: false,
  };
}

/** `"true"` and `"false"` of a URL are a boolean in JSON. */
const unquoted = ({ enum: values, ...field }: Fields): Fields =>
  Array.isArray(values) && values.join() === "true,false"
    ? { ...field, type: "boolean" }
    : { ...field, ...(values === undefined ? {} : { enum: values }) };

function callOf(
  route: AnyRoute,
  spec: ToolSpec,
  { known, inQuery }: { readonly known: readonly string[]; readonly inQuery: ReadonlySet<string> },
  args: Fields,
): ReturnType<Tool["callOf"]> {
  const { job_id, idempotency_key: key = null, ...fields } = args;
  const takesJob = known.includes("job_id");
  const wrong: FieldError[] = Object.keys(args)
    .filter((name) => !known.includes(name))
    .map((path) => ({
      path,
      message: `is not a field of ${spec.name}; leave it out, or use one of ${known.join(", ")}`,
    }));
  if (takesJob && (typeof job_id !== "string" || job_id === "")) {
    wrong.push({ path: "job_id", message: "is required: the id of a job, as list_jobs shows it" });
  }
  if (key !== null && typeof key !== "string") {
    wrong.push({ path: "idempotency_key", message: "must be a string" });
  }
  if (wrong.length > 0) return { wrong };

  const query = new URLSearchParams();
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    // A model that fills in every field writes null for "none"; in a patch null removes.
    if (value === null && route.method !== "patch") continue;
    if (inQuery.has(name)) for (const one of Array.isArray(value) ? value : [value]) query.append(name, text(one));
    else body[name] = value;
  }
  const path = route.path.replace(":id", encodeURIComponent(String(job_id)));
  return {
    method: route.method.toUpperCase(),
    path: query.size === 0 ? path : `${path}?${query}`,
    headers: {
      ...(route.body === undefined ? {} : { "content-type": "application/json" }),
      ...(typeof key === "string" ? { "idempotency-key": key } : {}),
    },
    ...(route.body === undefined ? {} : { body: JSON.stringify(body) }),
  };
}

const text = (value: unknown): string => (typeof value === "string" ? value : JSON.stringify(value));

const fieldsIn = (items: unknown): readonly Fields[] => z.array(z.record(z.string(), z.unknown())).parse(items);

/** What tells one job of a list from another; settings and payload are left to get_job. */
const BRIEF = [
  "id",
  "name",
  "state",
  "paused_reason",
  "schedule",
  "message",
  "owner_kind",
  "exec_scope",
  "agent_id",
  "user_id",
  "plugin_id",
  "enabled",
  "labels",
  "next_run_at",
  "last_run_at",
  "last_status",
  "last_error",
  "run_count",
  "consecutive_failures",
];
const BRIEF_TEXT_CHARS = 200;

const briefJob = (job: Fields): Fields =>
  Object.fromEntries(
    BRIEF.flatMap((name) => {
      const value = job[name];
      return value === undefined ? [] : [[name, typeof value === "string" ? cut(value, BRIEF_TEXT_CHARS) : value]];
    }),
  );

/** Together the outputs of a list take about as much as one whole output may. */
const OUTPUT_CHARS = 16_384;

function shareOutput(runs: readonly Fields[]): readonly Fields[] {
  const share = Math.floor(OUTPUT_CHARS / Math.max(runs.length, 1));
  return runs.map((run) => {
    if (typeof run.output !== "string" || run.output.length <= share) return run;
    return { ...run, output: cut(run.output, share), output_truncated: true };
  });
}

/** At most `maxChars` UTF-16 units and a mark that something is missing; never half a character. */
function cut(value: string, maxChars: number): string {
  if (value.length <= maxChars) return value;
  const kept = value.slice(0, maxChars);
  return `${/[\uD800-\uDBFF]$/.test(kept) ? kept.slice(0, -1) : kept}…`;
}
