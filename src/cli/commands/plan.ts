/** `reveille plan` and `reveille apply`: jobs in git. */

import { createHash } from "node:crypto";
import { access } from "node:fs/promises";
import { basename, resolve } from "node:path";
import { KEY_LABEL } from "../../schema/file-labels.ts";
import { type Command, Failure, type Given, UsageError } from "../command.ts";
import { readDocument } from "../documents.ts";
import { isFields } from "../job-body.ts";
import { JobShape } from "../jobs.ts";
import { patchOf } from "../plan/differences.ts";
import { type JobFile, readJobFile } from "../plan/job-file.ts";
import { makePlan, type Step } from "../plan/plan.ts";
import { changesOf, planJson, planText } from "../plan/show.ts";
import { json } from "../render.ts";
import { connect, read, type Service } from "../service.ts";
import type { Terminal } from "../terminal.ts";

const NAMES = ["reveille.json", "reveille.yaml", "reveille.yml", "reveille.toml"];
const WOULD_CHANGE = 3;
const FILE = { name: "FILE", about: `the job file (${NAMES.join(", ")} of this folder)`, optional: true } as const;
const PRUNE = { type: "boolean", about: "Delete the namespace's jobs that are not in the file" } as const;

export const plan: Command = {
  name: "plan",
  summary: "Show what `apply` would change, and nothing else",
  about: "Each job is created, changed field by field (with its next 3 fires before and after), deleted, or left.",
  positionals: [FILE],
  options: { prune: PRUNE, "exit-code": { type: "boolean", about: "End with 3 if something would change" } },
  examples: ["reveille plan", "reveille plan ops/reveille.yaml --prune --exit-code"],
  async run(given, terminal) {
    const file = await jobFile(given, terminal);
    const made = await makePlan(await connect(given, terminal), file, Date.now());
    const prune = given.flag("prune");
    for (const warning of made.warnings) terminal.warn(`warning: ${warning}`);
    terminal.print(given.flag("json") ? json(planJson(made, prune)) : planText(terminal, made, prune));
    return given.flag("exit-code") && changesOf(made, prune).length > 0 ? WOULD_CHANGE : 0;
  },
};

export const apply: Command = {
  name: "apply",
  summary: "Change the jobs to match the file",
  about: "All jobs are checked before any is changed. Jobs outside the file's namespace are never touched.",
  positionals: [FILE],
  options: { prune: PRUNE },
  examples: ["reveille apply", "reveille apply ops/reveille.yaml --prune"],
  async run(given, terminal) {
    const file = await jobFile(given, terminal);
    const service = await connect(given, terminal);
    const made = await makePlan(service, file, Date.now());
    const isJson = given.flag("json");
    for (const warning of made.warnings) terminal.warn(`warning: ${warning}`);
    const steps = changesOf(made, given.flag("prune"));
    const done: object[] = [];
    for (const step of steps) {
      const name = `${file.namespace}/${step.key}`;
      const result = await carryOut(service, step).catch((error: unknown) => {
        if (!(error instanceof Failure)) throw error;
        throw new Failure(
          `${name}: ${error.message}\n${done.length} of ${steps.length} changes were made before this one.`,
          error.hint,
        );
      });
      done.push({ action: step.kind, key: step.key, id: result });
      if (!isJson) terminal.print(`${PAST[step.kind]} ${name} (${result})`);
    }
    if (isJson) terminal.print(json({ namespace: file.namespace, changes: done.length, steps: done }));
    else
      terminal.print(
        steps.length === 0 ? "Nothing to change." : `${done.length} change${done.length === 1 ? "" : "s"} made.`,
      );
    return 0;
  },
};

const PAST = { create: "Created", change: "Updated", delete: "Deleted", keep: "Left" } as const;

/** Carries out a step, and returns the job's id. */
async function carryOut(service: Service, step: Step): Promise<string> {
  switch (step.kind) {
    case "create":
      return create(service, step);
    case "change": {
      const headers = {
        "content-type": "application/merge-patch+json",
        ...(step.etag === undefined ? {} : { "if-match": step.etag }),
      };
      await service.send("PATCH", `/v1/jobs/${step.id}`, { json: patchOf(step.changes), headers });
      return step.id;
    }
    case "delete":
      await service.send("DELETE", `/v1/jobs/${step.id}`);
      return step.id;
    case "keep":
      return step.id ?? "";
  }
}

/** Creates a job. Two concurrent applies of the same file create one. */
async function create(service: Service, { key, fields }: Extract<Step, { kind: "create" }>): Promise<string> {
  const send = async (headers: Readonly<Record<string, string>>): Promise<JobShape> =>
    read(JobShape, await service.send("POST", "/v1/jobs", { json: fields, headers }));
  const digest = createHash("sha256").update(JSON.stringify(fields)).digest("hex").slice(0, DIGEST_CHARS);
  const job = await send({ "idempotency-key": `apply-${digest}` });
  // A job that was created like this before, but has left the namespace since, is not this file's any more.
  const isOurs = isFields(job.labels) && job.labels[KEY_LABEL] === key;
  return isOurs ? job.id : (await send({})).id;
}

const DIGEST_CHARS = 40;

async function jobFile(given: Given, terminal: Terminal): Promise<JobFile> {
  const path = given.positionals[0] ?? (await fileHere(terminal.cwd));
  return readJobFile(await readDocument(path, terminal), path === "-" ? "stdin" : basename(path));
}

async function fileHere(cwd: string): Promise<string> {
  const found: string[] = [];
  for (const name of NAMES) {
    const isThere = await access(resolve(cwd, name)).then(
      () => true,
      () => false,
    );
    if (isThere) found.push(name);
  }
  const [file, other] = found;
  if (file === undefined)
    throw new UsageError(`there is no job file in this folder: make ${NAMES.join(" or ")}, or name one`);
  if (other !== undefined)
    throw new UsageError(`there are ${found.join(" and ")} in this folder; name the one you mean`);
  return file;
}
