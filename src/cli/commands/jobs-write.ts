/** `reveille jobs create|pause|resume|delete`: changing jobs. */
import * as z from "zod";
import { compact } from "../../domain/compact.ts";
import { type Command, UsageError } from "../command.ts";
import { FILE, jobBody } from "../job-body.ts";
import { FIELD_OPTIONS } from "../job-fields.ts";
import { findJob, JOB, type JobShape, showJob, WarningShape, warnOf } from "../jobs.ts";
import { json } from "../render.ts";
import { connect, read } from "../service.ts";
import type { Terminal } from "../terminal.ts";
import { edit } from "./jobs-edit.ts";
import { runNow } from "./jobs-run.ts";

const DryRun = z.looseObject({
  job: z.looseObject({ name: z.string() }),
  next: z.array(z.looseObject({ at: z.string(), local: z.string() })),
  warnings: z.array(WarningShape).optional(),
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
  const { job, next, warnings } = read(DryRun, answered);
  warnOf({ warnings }, terminal);
  terminal.print(
    `${job.name} is valid; nothing was stored. ${next.length === 0 ? "It would not fire by itself." : "It would fire:"}`,
  );
  for (const { at, local } of next) terminal.print(`  ${at}  ${local}`);
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

const remove: Command = {
  name: "jobs delete",
  summary: "Delete jobs and their runs",
  positionals: [{ ...JOB, many: true }],
  examples: ["reveille jobs delete stand-up", "reveille jobs delete JOB JOB"],
  async run(given, terminal) {
    const service = await connect(given, terminal);
    // All jobs are found before any is deleted, so a wrong name deletes nothing.
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
