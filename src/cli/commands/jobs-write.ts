/** `reveille jobs create|edit|pause|resume|run|delete`: changing jobs. */

import { stringify } from "yaml";
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, Failure, UsageError } from "../command.ts";
import { parseDocument } from "../documents.ts";
import { editText } from "../editor.ts";
import { FILE, isFields, jobBody } from "../job-body.ts";
import { FIELD_OPTIONS, jsonOf } from "../job-fields.ts";
import { findJob, JOB, JobShape, warnOf } from "../jobs.ts";
import { json, paintStatus, relative } from "../render.ts";
import { RunShape, resultOf } from "../runs.ts";
import { connect, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";

const DryRun = z.looseObject({
  job: z.looseObject({ name: z.string() }),
  next: z.array(z.looseObject({ at: z.string(), local: z.string() })),
  warnings: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
});

const create: Command = {
  name: "jobs create",
  summary: "Create a job",
  about: "Fields come from options, from FILE, or from stdin; an option wins over the same field of the file.",
  positionals: [FILE],
  options: {
    ...FIELD_OPTIONS,
    "dry-run": { type: "boolean", about: "Check it and show its next 5 fires; nothing is stored" },
    "idempotency-key": { type: "string", value: "KEY", about: "A repeat with the same key returns the same job" },
  },
  examples: [
    "reveille jobs create --name hello --message 'Say hello.' --every 30m",
    "reveille jobs create --name stand-up --message 'Write the stand-up.' --cron '0 9 * * 1-5' --timezone Europe/Berlin",
    "reveille jobs create --name once --message 'Look again.' --in 20m --dry-run",
    "reveille jobs create job.yaml",
    "reveille jobs create - < job.json",
  ],
  async run(given, terminal) {
    const body = await jobBody(given, given.positionals[0], terminal);
    if (body === undefined)
      throw new UsageError("no field was given: use options, name a FILE, or write the job to stdin");
    const service = await connect(given, terminal);
    const key = given.text("idempotency-key");
    const isDry = given.flag("dry-run");
    const answered = await service.send("POST", "/v1/jobs", {
      json: body,
      headers: key === undefined ? {} : { "idempotency-key": key },
      query: { dry_run: isDry ? "true" : undefined },
    });
    if (given.flag("json")) terminal.print(json(answered));
    else if (isDry) showDryRun(answered, terminal);
    else showJob("Created", answered, terminal);
    return 0;
  },
};

function showDryRun(answered: unknown, terminal: Terminal): void {
  const { job, next, warnings = [] } = read(DryRun, answered);
  for (const { path, message } of warnings) terminal.warn(`warning: ${path}: ${message}`);
  terminal.print(
    `${job.name} is valid; nothing was stored. ${next.length === 0 ? "It would not fire by itself." : "It would fire:"}`,
  );
  for (const { at, local } of next) terminal.print(`  ${at}  ${local}`);
}

function showJob(verb: string, answered: unknown, terminal: Terminal): void {
  const job = read(JobShape, answered);
  warnOf(job, terminal);
  terminal.print(`${verb} ${job.name} (${job.id}): ${paintStatus(terminal, job.state)}, ${comingOf(job)}.`);
}

/** The next fire of a job in words, or when it resumes by itself. */
function comingOf({ next_run_at, paused_until, next_run_after_pause: first }: JobShape): string {
  const now = Date.now();
  if (next_run_at !== undefined) return `it fires ${relative(next_run_at, now)}, at ${next_run_at}`;
  if (paused_until === undefined) return "nothing is scheduled";
  const resumes = `it resumes ${relative(paused_until, now)}, at ${paused_until}`;
  return first === undefined ? resumes : `${resumes}, and fires then at ${first}`;
}

const edit: Command = {
  name: "jobs edit",
  summary: "Change a job",
  about: "Only the fields that are given change. Without any, at a terminal, the job is opened in your EDITOR.",
  positionals: [JOB, FILE],
  options: {
    ...FIELD_OPTIONS,
    unset: { type: "string", value: "FIELD", multiple: true, about: "Remove a field" },
  },
  examples: [
    "reveille jobs edit stand-up --cron '30 9 * * 1-5'",
    "reveille jobs edit JOB --message 'Only what is urgent.' --unset description",
    "reveille jobs edit JOB changes.yaml",
  ],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const [named = "", file] = given.positionals;
    const unset = Object.fromEntries(given.texts("unset").map((field) => [field.replaceAll("-", "_"), null]));
    const isUnsetOnly = Object.keys(unset).length > 0 && file === undefined;
    const body = isUnsetOnly
      ? await jobBody(given, undefined, { ...terminal, isInteractive: true })
      : await jobBody(given, file, terminal);
    const job = await findJob(service, named);
    const changes = body === undefined && !isUnsetOnly ? edited(job, terminal) : { ...body, ...unset };
    if (Object.keys(changes).length === 0) {
      terminal.print("Nothing was changed.");
      return 0;
    }
    const patch = withoutOldKind(job, changes);
    const headers = {
      ...(job.etag === undefined ? {} : { "if-match": job.etag }),
      "content-type": "application/merge-patch+json",
    };
    const answered = await service.send("PATCH", `/v1/jobs/${job.id}`, { json: patch, headers });
    if (given.flag("json")) terminal.print(json(answered));
    else showJob("Updated", answered, terminal);
    return 0;
  },
};

const KINDS = ["cron", "every", "at", "in", "rrule", "manual"];

/** A new kind of schedule takes the place of the one that the job has. */
function withoutOldKind(job: JobShape, changes: Record<string, unknown>): Record<string, unknown> {
  const { schedule } = changes;
  if (!isFields(schedule) || !KINDS.some((kind) => kind in schedule)) return changes;
  const old = KINDS.filter((kind) => kind in job.schedule && !(kind in schedule));
  const hasZone =
    "timezone" in job.schedule && !("timezone" in schedule) && !("cron" in schedule || "rrule" in schedule);
  return {
    ...changes,
    schedule: {
      ...Object.fromEntries([...old, ...(hasZone ? ["timezone"] : [])].map((field) => [field, null])),
      ...schedule,
    },
  };
}

/** Fields that Reveille writes: shown elsewhere, and not to be edited. */
const READ_ONLY = [
  ...[
    "id",
    "state",
    "health",
    "paused_reason",
    "paused_until",
    "next_run_after_pause",
    "created_at",
    "updated_at",
    "last_run_at",
    "last_error",
    "last_status",
  ],
  ...[
    "next_run_at",
    "run_count",
    "running",
    "consecutive_failures",
    "etag",
    "created_by",
    "updated_by",
    "spent",
    "warnings",
    "now",
  ],
  ...["schedule_description"],
];

/** The changes that a person made to a job in an editor; a field that is gone is removed. */
function edited(job: JobShape, terminal: Terminal): Record<string, unknown> {
  const before = Object.fromEntries(Object.entries(job).filter(([field]) => !READ_ONLY.includes(field)));
  const name = `${job.id}.yaml`;
  const after = parseDocument(editText(stringify(before), name, terminal), name);
  if (!isFields(after)) throw new Failure("The file no longer holds an object; nothing was changed.");
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return Object.fromEntries(changed.map((field) => [field, after[field] ?? null]));
}

const pause: Command = {
  name: "jobs pause",
  summary: "Pause a job",
  positionals: [JOB],
  options: {
    reason: { type: "string", about: "Why, shown with the job" },
    until: { type: "string", value: "WHEN", about: "Resume by itself then: a time or a duration" },
  },
  examples: ["reveille jobs pause stand-up", "reveille jobs pause JOB --until 2h --reason 'Deploying'"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const { id } = await findJob(service, given.positionals[0] ?? "");
    const [reason, until] = [given.text("reason"), given.text("until")];
    const body = { ...compact({ reason, until }) };
    const answered = await service.send(
      "POST",
      `/v1/jobs/${id}/pause`,
      Object.keys(body).length === 0 ? {} : { json: body },
    );
    if (given.flag("json")) terminal.print(json(answered));
    else showJob("Paused", answered, terminal);
    return 0;
  },
};

const resume: Command = {
  name: "jobs resume",
  summary: "Resume a paused job",
  positionals: [JOB],
  examples: ["reveille jobs resume stand-up"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const { id } = await findJob(service, given.positionals[0] ?? "");
    const answered = await service.send("POST", `/v1/jobs/${id}/resume`);
    if (given.flag("json")) terminal.print(json(answered));
    else showJob("Resumed", answered, terminal);
    return 0;
  },
};

const runNow: Command = {
  name: "jobs run",
  summary: "Run a job now",
  about: [
    "The schedule does not move. With --wait the command ends with the run: 0 if it was a success, 1 if not. With --wait DURATION it also",
    "ends with 1 where the run has not ended by then; the run goes on.",
  ].join("\n"),
  positionals: [JOB],
  options: {
    message: { type: "string", short: "m", about: "Another message, for this run only" },
    payload: { type: "string", value: "JSON", about: "Another payload, for this run only" },
    wait: {
      type: "string",
      value: "DURATION",
      alone: { value: "", takes: /^\d/ },
      about: "Wait for the run's end, at most so long (1s to 50s), and print its output",
    },
  },
  examples: [
    "reveille jobs run stand-up",
    "reveille jobs run JOB --wait",
    "reveille jobs run JOB --wait 30s",
    "reveille jobs run JOB --message 'Only today.'",
  ],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    const { id } = await findJob(service, given.positionals[0] ?? "");
    const [message, payload] = [given.text("message"), given.text("payload")];
    // The service holds the call for the time that is given; without one it is asked until the run has ended.
    const wait = given.text("wait");
    const body = {
      ...compact({ message }),
      ...(payload === undefined ? {} : { payload: jsonOf("payload", payload) }),
      ...(wait ? { wait } : {}),
    };
    const answered = await service.send(
      "POST",
      `/v1/jobs/${id}/run`,
      Object.keys(body).length === 0 ? {} : { json: body },
    );
    const run = RunShape.safeParse(answered).data;
    if (wait && run !== undefined) return showEnd(run, given.flag("json"), terminal);
    const begun = read(Begun, answered);
    if (wait !== undefined && begun.run_id !== undefined) {
      if (wait !== "")
        throw new Failure(`Run ${begun.run_id} has not ended within ${wait}.`, `It goes on: reveille jobs runs ${id}`);
      return showEnd(await ended(service, id, begun.run_id), given.flag("json"), terminal);
    }
    if (given.flag("json")) terminal.print(json(answered));
    else
      terminal.print(
        begun.run_id === undefined ? `Fan-out ${begun.fan_out_id} has begun.` : `Run ${begun.run_id} has begun.`,
      );
    return 0;
  },
};

const Begun = z.looseObject({ run_id: z.string().optional(), fan_out_id: z.string().optional() });
const LOOK_MS = 500;

async function ended(service: Service, job: string, run: string): Promise<RunShape> {
  for (;;) {
    const now = read(RunShape, await service.send("GET", `/v1/jobs/${job}/runs/${run}`));
    if (now.status !== "running") return now;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

function showEnd(run: RunShape, isJson: boolean, terminal: Terminal): number {
  const isGood = run.status === "success";
  if (isJson) terminal.print(json(run));
  else if (isGood) terminal.print(run.output ?? "");
  else terminal.warn(`${run.status}: ${resultOf(run)}`);
  return isGood ? 0 : 1;
}

const remove: Command = {
  name: "jobs delete",
  summary: "Delete jobs and their runs",
  positionals: [{ ...JOB, many: true }],
  examples: ["reveille jobs delete stand-up", "reveille jobs delete JOB JOB"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    // All are found before any is deleted, so that a wrong name deletes nothing.
    const jobs: JobShape[] = [];
    for (const named of given.positionals) jobs.push(await findJob(service, named));
    for (const { id, name } of jobs) {
      await service.send("DELETE", `/v1/jobs/${id}`);
      if (!given.flag("json")) terminal.print(`Deleted ${name} (${id}).`);
    }
    if (given.flag("json")) terminal.print(json({ deleted: jobs.map(({ id }) => id) }));
    return 0;
  },
};

export const jobWriteCommands: readonly Command[] = [create, edit, pause, resume, runNow, remove];
