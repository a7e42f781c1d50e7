/**
 * The body of an import. It is a JSON array of jobs (the Go original's jobs.json), `{"jobs": […]}`, or one job on each
 * line. The content decides and not the media type, so a file with the wrong type is read as well.
 */

import { type FieldError, invalid } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { messageOf } from "../domain/text/error-text.ts";
import { parseImportedJson } from "../domain/text/exact-json.ts";
import { isFields } from "../domain/transfer/legacy-job.ts";
import type { ImportItem } from "../jobs/import.ts";
import type { HttpFailure } from "./failure.ts";
import { isDeep, MAX_DEPTH } from "./input.ts";

export const IMPORT_TYPES = ["application/json", "application/x-ndjson", "application/ndjson"];

type Parsed = Result<unknown, string>;

/** The jobs of the body. Errors: `invalid_json` if it is not JSON, `validation_failed` if it holds no jobs. */
export function readImport(bytes: Uint8Array, mediaType: string): Result<readonly ImportItem[], HttpFailure> {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return err({ kind: "invalid_json", detail: "The body is not valid UTF-8." });
  }
  const areLines = mediaType !== "application/json";
  if (text.trim() === "") {
    return areLines ? ok([]) : err({ kind: "invalid_json", detail: "The body is empty." });
  }
  const whole = parse(text);
  if (whole.ok) return jobsOf(whole.value);
  return (
    readLines(text, areLines) ??
    err({ kind: "invalid_json", detail: `The body cannot be read as JSON: ${whole.error}.` })
  );
}

function jobsOf(value: unknown): Result<readonly ImportItem[], HttpFailure> {
  if (Array.isArray(value)) return ok(value.map((job, index) => item(index + 1, ok(job))));
  // Go writes an empty list as null.
  if (value === null) return ok([]);
  if (!isFields(value)) return refuse({ path: "", message: `must be ${SHAPES}` });
  if (!("jobs" in value)) {
    return "schedule" in value
      ? ok([item(1, ok(value))])
      : refuse({ path: "jobs", message: `is required: send ${SHAPES}` });
  }
  const { jobs, ...others } = value;
  const unknown = Object.keys(others).map((path) => ({ path, message: "is not a field here; leave it out" }));
  if (unknown.length > 0) return refuse(...unknown);
  return Array.isArray(jobs) || jobs === null
    ? jobsOf(jobs)
    : refuse({ path: "jobs", message: "must be an array of jobs" });
}

/** Reads one job on each line, if the media type says so or a job ends with the first line. */
function readLines(text: string, areLines: boolean): Result<readonly ImportItem[], HttpFailure> | undefined {
  const items = text
    .split("\n")
    .map((line, index) => ({ number: index + 1, line }))
    .filter(({ line }) => line.trim() !== "")
    .map(({ number, line }) => item(number, parse(line)));
  const isJob = ({ job }: ImportItem): boolean => job.ok && isFields(job.value);
  return (areLines ? items : items.slice(0, 1)).some(isJob) ? ok(items) : undefined;
}

function item(number: number, parsed: Parsed): ImportItem {
  if (!parsed.ok) return { number, job: err(`cannot be read as JSON: ${parsed.error}`) };
  return { number, job: isDeep(parsed.value) ? err(`is nested deeper than ${MAX_DEPTH} levels`) : parsed };
}

const SHAPES = 'an array of jobs, {"jobs": […]}, or one job a line';
const refuse = (...errors: FieldError[]) =>
  invalid(errors, "Send jobs.json of the Go original, or an export, unchanged.");

function parse(text: string): Parsed {
  try {
    return ok(parseImportedJson(text));
  } catch (error) {
    return err(messageOf(error));
  }
}
