/**
 * The meaning of a job's fields together (docs/contract.md §2): defaults, rules between fields, the merge of a patch, the
 * owner. Pure; `now` is passed in if a rule needs it. All problems are reported at once, by field.
 */

import type { JobDefinition, JobInput } from "../../schema/job.ts";
import { JobInput as JobInputSchema, READ_ONLY_FIELDS } from "../../schema/job.ts";
import { JOB_DEFAULTS } from "../../schema/job-defaults.ts";
import * as limits from "../../schema/limits.ts";
import type { ScheduleSpec } from "../../schema/schedule.ts";
import { compact } from "../compact.ts";
import { type FieldError, invalid, type Outcome } from "../failure.ts";
import { ok } from "../result.ts";
import { checkFuture } from "../time/check-future.ts";
import { compileSchedule, fieldsNotTaken, kindsOf, settleIn } from "../time/compile-schedule.ts";
import { parseDuration } from "../time/duration.ts";
import type { Schedule } from "../time/schedule.ts";

/** A definition with everything that a fire needs already computed. */
export type CompiledJob = {
  readonly definition: JobDefinition;
  readonly schedule: Schedule;
  readonly timeoutMs: number;
  readonly completionTimeoutMs: number;
  readonly claimTimeoutMs: number;
  readonly catchupWindowMs: number;
  /** The bounds within which the agent may ask for its next fire. */
  readonly pacing?: { readonly minMs: number; readonly maxMs: number };
  readonly retry: { readonly maxAttempts: number; readonly minBackoffMs: number; readonly maxBackoffMs: number };
};

/** The issues of a failed zod parse as field errors, unknown and read-only fields explained. */
export function fieldErrors(
  issues: readonly {
    readonly path: readonly PropertyKey[];
    readonly message: string;
    readonly code?: string;
    readonly keys?: readonly string[];
  }[],
): FieldError[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map(String).join(".");
    if (issue.code === "unrecognized_keys" && issue.keys !== undefined) {
      return issue.keys.map((key) => ({
        path: path === "" ? key : `${path}.${key}`,
        message: explainUnknown(path, key),
      }));
    }
    return [{ path, message: issue.message }];
  });
}

const isReadOnly = (key: string): boolean => READ_ONLY_FIELDS.some((field) => field === key);

function explainUnknown(path: string, key: string): string {
  if (path === "" && isReadOnly(key)) return "is read-only: Reveille sets it; leave it out";
  return "is not a field here; leave it out";
}

export type DefineOptions = {
  /** The definition was accepted earlier, perhaps under wider rules, and stays valid. */
  readonly stored?: boolean;
  /** The time from which a schedule's `in` counts, epoch ms. Without it `in` is refused. */
  readonly now?: number;
};

/** The bounds of a duration in ms, and how they are said. */
type Range = readonly [min: number, max: number, said: string];
const TIMEOUT: Range = [
  limits.MIN_TIMEOUT_MS,
  limits.MAX_TIMEOUT_MS,
  "1s to 10m (for longer work the agent answers 202: completion_timeout)",
];
const COMPLETION_TIMEOUT: Range = [limits.MIN_COMPLETION_TIMEOUT_MS, limits.MAX_COMPLETION_TIMEOUT_MS, "1s to 7d"];
const CLAIM_TIMEOUT: Range = [limits.MIN_CLAIM_TIMEOUT_MS, limits.MAX_CLAIM_TIMEOUT_MS, "1s to 30d"];
const CATCHUP_WINDOW: Range = [0, limits.MAX_CATCHUP_WINDOW_MS, "0s to 365d"];
const MIN_BACKOFF: Range = [limits.MIN_BACKOFF_MS, limits.MAX_BACKOFF_MS, "1s to 7d"];
const STORED_BACKOFF: Range = [0, limits.MAX_BACKOFF_MS, "1s to 7d"];
const MAX_BACKOFF: Range = [0, limits.MAX_BACKOFF_MS, "0s to 7d"];
const PACING: Range = [limits.MIN_PACING_MS, limits.MAX_PACING_MS, "1s to 365d"];

/** Fills in defaults and checks a new definition. Errors: `validation_failed` with every field that is wrong. */
export function defineJob(input: JobInput, { stored = false, now }: DefineOptions = {}): Outcome<CompiledJob> {
  const definition = normalise(input, now);
  const errors: FieldError[] = [];
  errors.push(...checkOwner(definition), ...checkScope(definition), ...checkMessage(definition));

  const schedule = compileSchedule(definition.schedule, { tickAligned: definition.exec_scope === "all_users" });
  if (!schedule.ok) errors.push(...schedule.error);

  const { durations, errors: wrong } = readDurations(definition, stored);
  errors.push(...wrong);
  if (!schedule.ok || errors.length > 0) return invalid(errors);
  return ok({ definition, schedule: schedule.value, ...durations });
}

/** The durations of a job in ms. A stored job may have been accepted under wider rules. */
function readDurations(definition: JobDefinition, stored: boolean) {
  const { timeout, completion_timeout, claim_timeout, catchup_window, retry, pacing } = definition;
  const errors: FieldError[] = [];
  const read = (path: string, text: string, [min, max, range]: Range): number => {
    const parsed = parseDuration(text);
    if (!parsed.ok) errors.push({ path, message: parsed.error });
    else if (parsed.value < min || parsed.value > max)
      errors.push({ path, message: `must be ${range}; got "${text}"` });
    else return Math.round(parsed.value);
    return 0;
  };
  const isWrong = (field: string): boolean => errors.some(({ path }) => path.startsWith(`${field}.`));

  const limitsOfRuns = {
    timeoutMs: read("timeout", timeout, TIMEOUT),
    completionTimeoutMs: read("completion_timeout", completion_timeout, COMPLETION_TIMEOUT),
    claimTimeoutMs: read("claim_timeout", claim_timeout, CLAIM_TIMEOUT),
    catchupWindowMs: read("catchup_window", catchup_window, CATCHUP_WINDOW),
  };
  const minBackoffMs = read("retry.min_backoff", retry.min_backoff, stored ? STORED_BACKOFF : MIN_BACKOFF);
  const maxBackoffMs = read("retry.max_backoff", retry.max_backoff, MAX_BACKOFF);
  if (minBackoffMs > maxBackoffMs && !isWrong("retry")) {
    errors.push({ path: "retry.min_backoff", message: "must not be longer than retry.max_backoff" });
  }
  const paces = pacing && {
    minMs: read("pacing.min", pacing.min, PACING),
    maxMs: read("pacing.max", pacing.max, PACING),
  };
  if (paces !== undefined && paces.minMs > paces.maxMs && !isWrong("pacing")) {
    const message = `must not be shorter than pacing.min ("${pacing?.min}"); got "${pacing?.max}"`;
    errors.push({ path: "pacing.max", message });
  }
  const durations = {
    ...limitsOfRuns,
    ...compact({ pacing: paces }),
    retry: {
      maxAttempts: retry.max_attempts,
      minBackoffMs: Math.max(minBackoffMs, limits.MIN_BACKOFF_MS),
      maxBackoffMs: Math.max(maxBackoffMs, limits.MIN_BACKOFF_MS),
    },
  };
  return { durations, errors };
}

/** Checks that a new schedule still has a fire to come. Only new schedules need one. */
export function checkScheduleAhead(job: CompiledJob, anchorAt: number, now: number): Outcome<CompiledJob> {
  const errors = checkFuture(job.schedule, anchorAt, now);
  return errors.length > 0 ? invalid(errors) : ok(job);
}

/**
 * Fills in defaults and removes empty optional fields (docs/contract.md: "Optional fields that are empty are left out").
 */
function normalise(input: JobInput, now: number | undefined): JobDefinition {
  const userId = input.user_id === "" ? undefined : input.user_id;
  const { user_id: _user, agent_id, description, message, payload, labels, continuity, budget, ...rest } = input;
  return {
    ...rest,
    schedule: normaliseSchedule(input.schedule, now),
    owner_kind: input.owner_kind ?? (input.plugin_id === undefined ? "user" : "plugin"),
    exec_scope: input.exec_scope ?? (userId === undefined ? "system" : "user"),
    ...compact({ user_id: userId }),
    ...(agent_id ? { agent_id } : {}),
    ...(description ? { description } : {}),
    ...(message ? { message } : {}),
    ...(continuity ? { continuity } : {}),
    ...(budget === undefined || Object.keys(budget).length === 0 ? {} : { budget }),
    ...(payload === undefined || Object.keys(payload).length === 0 ? {} : { payload }),
    ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
    ...(input.exec_scope === "all_users" ? { fan_out: input.fan_out ?? JOB_DEFAULTS.fan_out } : {}),
  };
}

function normaliseSchedule({ exclude, ...rest }: ScheduleSpec, now: number | undefined): ScheduleSpec {
  const spec = { ...rest, ...(exclude === undefined || exclude.length === 0 ? {} : { exclude }) };
  return now === undefined ? spec : settleIn(spec, now);
}

function checkOwner(job: JobDefinition): FieldError[] {
  const pluginFields = ["plugin_id", "job_key", "runtime_name"] as const;
  if (job.owner_kind !== "plugin") {
    return pluginFields
      .filter((field) => job[field] !== undefined)
      .map((field) => ({
        path: field,
        message: 'belongs to plugin jobs only; leave it out or set owner_kind to "plugin"',
      }));
  }
  const errors: FieldError[] = pluginFields
    .filter((field) => job[field] === undefined)
    .map((field) => ({ path: field, message: "is required for a plugin job" }));
  if (job.exec_scope !== "system") errors.push({ path: "exec_scope", message: 'must be "system" for a plugin job' });
  if (job.session_mode !== "reuse") errors.push({ path: "session_mode", message: 'must be "reuse" for a plugin job' });
  return errors;
}

function checkScope(job: JobDefinition): FieldError[] {
  const errors: FieldError[] = [];
  if (job.exec_scope === "user" && job.user_id === undefined) {
    errors.push({ path: "user_id", message: 'is required where exec_scope is "user"; name the user the job runs as' });
  }
  if (job.exec_scope !== "user" && job.user_id !== undefined) {
    errors.push({
      path: "user_id",
      message: `goes with exec_scope "user" only; leave user_id out, or exec_scope (it is "${job.exec_scope}")`,
    });
  }
  if (job.exec_scope !== "all_users" && job.fan_out !== undefined) {
    errors.push({ path: "fan_out", message: 'goes with exec_scope "all_users" only; leave it out' });
  }
  return errors;
}

function checkMessage(job: JobDefinition): FieldError[] {
  if (job.message !== undefined || job.owner_kind !== "user") return [];
  return [{ path: "message", message: "is required: the prompt that the agent gets when the job fires" }];
}

/**
 * Applies a JSON merge patch (RFC 7396) to a definition and validates the result as a whole. `null` removes a field, and
 * its default returns. A schedule of another kind replaces the old one. Errors: `validation_failed`.
 */
export function patchDefinition(current: JobDefinition, patch: Readonly<Record<string, unknown>>): Outcome<JobInput> {
  const unknown = Object.keys(patch).filter((key) => !Object.hasOwn(JobInputSchema.shape, key));
  if (unknown.length > 0) return invalid(unknown.map((key) => ({ path: key, message: explainUnknown("", key) })));

  const merged = mergePatch(current, patch);
  if (isObject(patch.schedule) && isObject(merged) && isObject(merged.schedule)) {
    merged.schedule = replaceKind(merged.schedule, patch.schedule);
  }
  if (isObject(merged) && patch.exec_scope !== undefined && patch.exec_scope !== "all_users" && !("fan_out" in patch)) {
    delete merged.fan_out;
  }
  const parsed = JobInputSchema.safeParse(merged);
  if (parsed.success) return ok(parsed.data);
  const errors = fieldErrors(parsed.error.issues);
  return invalid(errors.map((error) => ({ ...error, message: missingInPatch(error, patch) ?? error.message })));
}

/** The message about a field that the merged job lacks. Undefined for any other error. */
function missingInPatch({ path, message }: FieldError, patch: unknown): string | undefined {
  if (!message.endsWith("received undefined")) return undefined;
  const removed = path.split(".").reduce<unknown>((at, name) => (isObject(at) ? at[name] : undefined), patch);
  return removed === null ? "cannot be removed: leave it out to keep it, or give another value" : "is required";
}

/**
 * The merged schedule without the old kind, if the patch names another. Fields that the new kind does not take are removed
 * too.
 */
function replaceKind(
  merged: Readonly<Record<string, unknown>>,
  patch: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const given = kindsOf(patch);
  const former = given.length === 1 ? kindsOf(merged).filter((kind) => kind !== given[0]) : [];
  const kept = Object.entries(merged).filter(([field]) => !former.some((kind) => kind === field));
  const schedule = Object.fromEntries(kept);
  const dropped = fieldsNotTaken(schedule).filter((field) => !Object.hasOwn(patch, field));
  return Object.fromEntries(kept.filter(([field]) => !dropped.some((each) => each === field)));
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** RFC 7396 §2 on fresh objects: neither argument is changed. Keys are taken as own data, so `__proto__` has no effect. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(isObject(target) ? Object.entries(target) : []);
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}

/**
 * The owner that a job counts for, as `kind:id`. It is the key of the quota and of the directory's shard. A plugin comes
 * first, then a user, then an agent. Any other job is the system's.
 */
export function ownerOf(job: JobDefinition): string {
  if (job.owner_kind === "plugin") return `plugin:${job.plugin_id}`;
  if (job.owner_kind === "system") return "system";
  if (job.user_id !== undefined) return `user:${job.user_id}`;
  if (job.agent_id !== undefined) return `agent:${job.agent_id}`;
  return "system";
}
