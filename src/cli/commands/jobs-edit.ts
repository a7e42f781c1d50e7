/** `reveille jobs edit`: changes the fields that are given, or all of them in an editor. */
import { stringify } from "yaml";
import { READ_ONLY_FIELDS } from "../../schema/job.ts";
import { type Command, Failure } from "../command.ts";
import { parseDocument } from "../documents.ts";
import { editText } from "../editor.ts";
import { FILE, isFields, jobBody } from "../job-body.ts";
import { FIELD_OPTIONS } from "../job-fields.ts";
import { findJob, JOB, type JobShape, showJob } from "../jobs.ts";
import { json } from "../render.ts";
import { connect } from "../service.ts";
import type { Terminal } from "../terminal.ts";

export const edit: Command = {
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

/** The fields of an answer that an editor leaves out, since only Reveille writes them. */
const NOT_EDITED: readonly string[] = [...READ_ONLY_FIELDS, "warnings", "now", "schedule_description"];

/** The changes that a person made to a job in an editor; a field that is gone is removed. */
function edited(job: JobShape, terminal: Terminal): Record<string, unknown> {
  const before = Object.fromEntries(Object.entries(job).filter(([field]) => !NOT_EDITED.includes(field)));
  const name = `${job.id}.yaml`;
  const after = parseDocument(editText(stringify(before), name, terminal), name);
  if (!isFields(after)) throw new Failure("The file no longer holds an object; nothing was changed.");
  const fields = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  const changed = fields.filter((field) => JSON.stringify(before[field]) !== JSON.stringify(after[field]));
  return Object.fromEntries(changed.map((field) => [field, after[field] ?? null]));
}
