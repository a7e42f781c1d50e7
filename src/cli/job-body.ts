/** The body of a job, from a file, stdin and options together. */
import { Failure, type Given, UsageError } from "./command.ts";
import { readDocument } from "./documents.ts";
import { jobFieldsOf } from "./job-fields.ts";
import type { Terminal } from "./terminal.ts";

/** The argument that names a file of fields. */
export const FILE = {
  name: "FILE",
  about: "JSON, YAML or TOML with the job's fields; - for stdin",
  optional: true,
} as const;

/**
 * The fields of `file` and of the options; options win. Without either, stdin is read if it is piped. Undefined if no field
 * was given at all. Throws a {@link Failure} if the file does not hold an object.
 */
export async function jobBody(
  given: Given,
  file: string | undefined,
  terminal: Terminal,
): Promise<Record<string, unknown> | undefined> {
  const fields = jobFieldsOf(given);
  const isEmpty = Object.keys(fields).length === 0;
  const source = file ?? (isEmpty && !terminal.isInteractive ? "-" : undefined);
  if (source === undefined) return isEmpty ? undefined : fields;
  const document = await readDocument(source, terminal);
  if (document === null && source === "-") throw new UsageError("no field was given, and stdin is empty");
  if (!isFields(document))
    throw new Failure(`${source === "-" ? "stdin" : source} must hold one object with the job's fields.`);
  const schedule = isFields(document.schedule) && isFields(fields.schedule) ? { schedule: fields.schedule } : {};
  return { ...document, ...fields, ...schedule };
}

export const isFields = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
