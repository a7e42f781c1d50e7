/** The differences between a stored job and the job in a file. */
import { JobInput } from "../../schema/job.ts";
import { isFields } from "../job-body.ts";

export type Fields = Readonly<Record<string, unknown>>;
export type Difference = {
  /** The path of the field: `schedule.cron`, `message`. */
  readonly field: string;
  /** Undefined if the stored job has no such field. */
  readonly before: unknown;
  /** Undefined if the file's job has no such field, so that it is removed. */
  readonly after: unknown;
};

/** The fields that stay unless the file contains them, since somebody, or Reveille, may have paused the job. */
const ONLY_IF_WRITTEN = ["enabled"];

/**
 * The differences, field by field. `wanted` is the job as the service would store it, with every default. `written` is the
 * file's text. A field that the file leaves out has its default.
 */
export function differences(existing: Fields, wanted: Fields, written: Fields): readonly Difference[] {
  const known = new Set([...Object.keys(JobInput.shape), ...Object.keys(written)]);
  return [...known].flatMap((field) => {
    if (ONLY_IF_WRITTEN.includes(field) && !(field in written)) return [];
    return within(field, existing[field], wanted[field]);
  });
}

/** The fields that are compared part by part. Data for agents is compared as a whole. */
const DEEP = ["schedule", "labels", "retry", "fan_out", "pacing", "budget"];

function within(field: string, before: unknown, after: unknown): Difference[] {
  if (isEqual(before, after)) return [];
  if (!DEEP.includes(field) || !isFields(before) || !isFields(after)) return [{ field, before, after }];
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])];
  return names
    .filter((name) => !isEqual(before[name], after[name]))
    .map((name) => ({ field: `${field}.${name}`, before: before[name], after: after[name] }));
}

/** Whether two values are the same JSON, in any order of their fields. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => isEqual(item, b[index]));
  if (!isFields(a) || !isFields(b)) return Object.is(a, b);
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.every((name) => isEqual(a[name], b[name]));
}

/** The differences as a JSON merge patch. */
export function patchOf(found: readonly Difference[]): Record<string, unknown> {
  const patch: Record<string, Record<string, unknown> | unknown> = {};
  for (const { field, after } of found) {
    const [top = field, ...rest] = DEEP.some((name) => field.startsWith(`${name}.`)) ? splitOnce(field) : [field];
    const value = after ?? null;
    const [inner] = rest;
    if (inner === undefined) patch[top] = value;
    else patch[top] = { ...(isFields(patch[top]) ? patch[top] : {}), [inner]: value };
  }
  return patch;
}

/** The field and the rest of the path. `labels.a.b` is the label `a.b`. */
const splitOnce = (field: string): [string, string] => {
  const dot = field.indexOf(".");
  return [field.slice(0, dot), field.slice(dot + 1)];
};
