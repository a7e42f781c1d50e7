/** A job file: the jobs of one namespace, as kept in git (docs/contract.md §21). */
import { KEY_LABEL, NAMESPACE_LABEL } from "../../schema/file-labels.ts";
import { Failure } from "../command.ts";
import { isFields } from "../job-body.ts";

export type JobFile = {
  readonly namespace: string;
  /** The written fields of each job, by KEY. */
  readonly jobs: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
};

/** The longest value of a label, in bytes. */
const MAX_NAME_BYTES = 200;
const TOP_FIELDS = ["$schema", "namespace", "jobs"];

/** The file in `document`. Throws a {@link Failure} with all faults of its form. */
export function readJobFile(document: unknown, file: string): JobFile {
  const wrong: string[] = [];
  if (!isFields(document)) throw new Failure(`${file} must hold {namespace, jobs}.`, EXAMPLE);
  for (const field of Object.keys(document)) {
    if (!TOP_FIELDS.includes(field)) wrong.push(`${field}: is not a field of a job file; there are namespace and jobs`);
  }
  const { namespace, jobs } = document;
  if (typeof namespace !== "string") wrong.push("namespace: is missing; it names the jobs that this file owns");
  else wrong.push(...nameFaults("namespace", namespace));
  if (!isFields(jobs)) wrong.push("jobs: must be an object with a job for each KEY");
  const read = new Map<string, Readonly<Record<string, unknown>>>();
  for (const [key, fields] of Object.entries(isFields(jobs) ? jobs : {})) {
    if (isFields(fields)) read.set(key, fields);
    else wrong.push(`jobs.${key}: must be an object with the job's fields`);
    wrong.push(...nameFaults(`jobs.${key}`, key), ...(isFields(fields) ? fieldFaults(key, fields) : []));
  }
  if (wrong.length > 0)
    throw new Failure(`${file} cannot be used:\n${wrong.map((line) => `  ${line}`).join("\n")}`, EXAMPLE);
  return { namespace: String(namespace), jobs: read };
}

const EXAMPLE =
  'For example: {"namespace": "ops", "jobs": {"stand-up": {"name": "Stand-up", "message": "...", "schedule": {"every": "1d"}}}}';

function nameFaults(place: string, name: string): string[] {
  if (name === "") return [`${place}: must not be empty`];
  return Buffer.byteLength(name) > MAX_NAME_BYTES ? [`${place}: is longer than ${MAX_NAME_BYTES} bytes`] : [];
}

/** The faults of fields that the API takes but a file cannot hold, because it is applied again and again. */
function fieldFaults(key: string, { schedule, labels }: Readonly<Record<string, unknown>>): string[] {
  const faults: string[] = [];
  if (isFields(schedule) && "in" in schedule) {
    faults.push(`jobs.${key}.schedule.in: would be another time at each apply; write the time as "at"`);
  }
  for (const label of [NAMESPACE_LABEL, KEY_LABEL]) {
    if (isFields(labels) && label in labels)
      faults.push(`jobs.${key}.labels.${label}: is written by apply; leave it out`);
  }
  return faults;
}

/**
 * A job of the file as it is sent. If it has no name, its KEY is the name, and labels mark it. A label that is not text is
 * left for the service to refuse.
 */
export function withLabels(
  file: JobFile,
  key: string,
  fields: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const own = fields.labels === undefined ? {} : fields.labels;
  if (!isFields(own)) return { name: key, ...fields };
  return { name: key, ...fields, labels: { ...own, [NAMESPACE_LABEL]: file.namespace, [KEY_LABEL]: key } };
}
