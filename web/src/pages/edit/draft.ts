/** A job in the form. Every field is text, so that half-typed input is kept. */

import { JOB_DEFAULTS } from "../../../../src/schema/job-defaults.ts";
import type { Job, JobBody, JobPatch, ScheduleSpec } from "../../api/jobs.ts";
import type { FieldError } from "../../api/problem.ts";

export type ScheduleKind = "cron" | "every" | "rrule" | "at" | "in" | "manual";

/** Whether schedules of this kind fire more than once, so that times can be excluded. */
export const takesExclusions = (kind: ScheduleKind): boolean => kind === "cron" || kind === "every" || kind === "rrule";

export type ScheduleDraft = {
  readonly kind: ScheduleKind;
  readonly cron: string;
  readonly timezone: string;
  readonly every: string;
  readonly rrule: string;
  readonly at: string;
  readonly in: string;
  /** One exclusion on each line. */
  readonly exclude: string;
  readonly jitter: string;
  readonly starts_at: string;
  readonly ends_at: string;
  readonly max_runs: string;
};

export type Draft = {
  readonly name: string;
  readonly description: string;
  readonly message: string;
  readonly schedule: ScheduleDraft;
  readonly exec_scope: "" | "system" | "user" | "all_users";
  readonly user_id: string;
  readonly agent_id: string;
  readonly session_mode: "reuse" | "new";
  readonly overlap: Job["overlap"];
  readonly max_attempts: string;
  readonly min_backoff: string;
  readonly max_backoff: string;
  readonly timeout: string;
  readonly completion_timeout: string;
  readonly catchup_window: string;
  readonly concurrency: string;
  readonly rate_per_minute: string;
  /** One `key: value` on each line. */
  readonly labels: string;
  /** JSON. */
  readonly payload: string;
};

/** The beginning of a new job: the API's defaults, and the viewer's zone. */
export function emptyDraft(timezone: string): Draft {
  const { retry, fan_out } = JOB_DEFAULTS;
  return {
    name: "",
    description: "",
    message: "",
    schedule: {
      kind: "cron",
      cron: "0 9 * * 1-5",
      timezone,
      every: "30m",
      rrule: "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=9;BYMINUTE=0",
      at: "",
      in: "20m",
      exclude: "",
      jitter: "",
      starts_at: "",
      ends_at: "",
      max_runs: "",
    },
    exec_scope: "",
    user_id: "",
    agent_id: "",
    session_mode: JOB_DEFAULTS.session_mode,
    overlap: JOB_DEFAULTS.overlap,
    max_attempts: String(retry.max_attempts),
    min_backoff: retry.min_backoff,
    max_backoff: retry.max_backoff,
    timeout: JOB_DEFAULTS.timeout,
    completion_timeout: JOB_DEFAULTS.completion_timeout,
    catchup_window: JOB_DEFAULTS.catchup_window,
    concurrency: String(fan_out.concurrency),
    rate_per_minute: "",
    labels: "",
    payload: "",
  };
}

const KINDS = ["cron", "every", "rrule", "at", "in", "manual"] as const;

/** The job as a draft. */
export function draftOf(job: Job, timezone: string): Draft {
  const empty = emptyDraft(timezone);
  const { schedule, retry, fan_out } = job;
  const kind = KINDS.find((each) => schedule[each] !== undefined) ?? "cron";
  return {
    ...empty,
    name: job.name,
    description: job.description ?? "",
    message: job.message ?? "",
    schedule: {
      kind,
      cron: schedule.cron ?? empty.schedule.cron,
      // If a cron or an rrule names no zone, that means UTC. A kind that is chosen next gets the viewer's zone.
      timezone: schedule.timezone ?? (kind === "cron" || kind === "rrule" ? "" : timezone),
      every: schedule.every ?? empty.schedule.every,
      rrule: schedule.rrule ?? empty.schedule.rrule,
      at: schedule.at ?? "",
      in: empty.schedule.in,
      exclude: (schedule.exclude ?? []).join("\n"),
      jitter: schedule.jitter ?? "",
      starts_at: schedule.starts_at ?? "",
      ends_at: schedule.ends_at ?? "",
      max_runs: schedule.max_runs === undefined ? "" : String(schedule.max_runs),
    },
    exec_scope: job.exec_scope,
    user_id: job.user_id ?? "",
    agent_id: job.agent_id ?? "",
    session_mode: job.session_mode,
    overlap: job.overlap,
    max_attempts: String(retry.max_attempts),
    min_backoff: retry.min_backoff,
    max_backoff: retry.max_backoff,
    timeout: job.timeout,
    completion_timeout: job.completion_timeout,
    catchup_window: job.catchup_window,
    concurrency: String(fan_out?.concurrency ?? 50),
    rate_per_minute: fan_out?.rate_per_minute === undefined ? "" : String(fan_out.rate_per_minute),
    labels: Object.entries(job.labels ?? {})
      .map(([key, value]) => `${key}: ${value}`)
      .join("\n"),
    payload: job.payload === undefined ? "" : JSON.stringify(job.payload, null, 2),
  };
}

const isCount = (text: string): boolean => /^\d+$/.test(text.trim());

/** Whether the text is a local time. It has no offset and so needs a zone. */
const isLocalTime = (text: string): boolean => /\d{2}:\d{2}$/.test(text) && !/[+-]\d{2}:\d{2}$/.test(text);

/** The schedule of the draft. */
export function specOf(draft: ScheduleDraft): ScheduleSpec {
  const { kind } = draft;
  if (kind === "manual") return { manual: true };
  const text = (name: "timezone" | "jitter" | "starts_at" | "ends_at") =>
    draft[name].trim() === "" ? {} : { [name]: draft[name].trim() };
  const lines = draft.exclude.split("\n").map((line) => line.trim());
  const exclude = takesExclusions(kind) ? lines.filter((line) => line !== "") : [];
  const isZoned =
    kind === "cron" ||
    kind === "rrule" ||
    (kind === "every" && exclude.length > 0) ||
    (kind === "at" && isLocalTime(draft.at.trim()));
  return {
    [kind]: kind === "cron" ? draft.cron : draft[kind].trim(),
    ...(isZoned ? text("timezone") : {}),
    ...(exclude.length === 0 ? {} : { exclude }),
    ...text("jitter"),
    ...text("starts_at"),
    ...text("ends_at"),
    ...(isCount(draft.max_runs) ? { max_runs: Number(draft.max_runs) } : {}),
  };
}

/**
 * A body for POST /v1/jobs, and the faults that prevent sending it. They are a payload that is not JSON, a label without a
 * colon, or an invalid count.
 */
export function bodyOf(draft: Draft): { readonly body: JobBody; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const count = (path: string, typed: string): number => {
    if (!isCount(typed)) errors.push({ path, message: "must be a whole number" });
    return Number(typed);
  };
  if (draft.schedule.max_runs.trim() !== "") count("schedule.max_runs", draft.schedule.max_runs);
  const text = (name: "description" | "user_id" | "agent_id") =>
    draft[name].trim() === "" ? {} : { [name]: draft[name].trim() };
  const payload = parsePayload(draft.payload);
  if (payload.error !== undefined) errors.push({ path: "payload", message: payload.error });
  const labels = parseLabels(draft.labels);
  if (labels === undefined) errors.push({ path: "labels", message: "write one label a line, as key: value" });
  const forAll = draft.exec_scope === "all_users";
  return {
    errors,
    body: {
      name: draft.name,
      ...text("description"),
      schedule: specOf(draft.schedule),
      ...(draft.message === "" ? {} : { message: draft.message }),
      ...(payload.value === undefined ? {} : { payload: payload.value }),
      ...(draft.exec_scope === "" ? {} : { exec_scope: draft.exec_scope }),
      ...text("user_id"),
      ...text("agent_id"),
      session_mode: draft.session_mode,
      overlap: draft.overlap,
      retry: {
        max_attempts: count("retry.max_attempts", draft.max_attempts),
        min_backoff: draft.min_backoff,
        max_backoff: draft.max_backoff,
      },
      timeout: draft.timeout,
      completion_timeout: draft.completion_timeout,
      catchup_window: draft.catchup_window,
      ...(forAll
        ? {
            fan_out: {
              concurrency: count("fan_out.concurrency", draft.concurrency),
              ...(draft.rate_per_minute.trim() === ""
                ? {}
                : { rate_per_minute: count("fan_out.rate_per_minute", draft.rate_per_minute) }),
            },
          }
        : {}),
      ...(labels === undefined || Object.keys(labels).length === 0 ? {} : { labels }),
    },
  };
}

/** The patch that turns the job into the draft. It holds only the differences, with null for emptied fields. */
export function patchOf(before: JobBody, after: JobBody): JobPatch {
  return diff({ ...before }, { ...after });
}

function diff(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const patch: Record<string, unknown> = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const [old, wanted] = [before[name], after[name]];
    if (JSON.stringify(old) === JSON.stringify(wanted)) continue;
    patch[name] = wanted === undefined ? null : isObject(old) && isObject(wanted) ? diff(old, wanted) : wanted;
  }
  return patch;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function parsePayload(text: string): { readonly value?: Record<string, unknown>; readonly error?: string } {
  if (text.trim() === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? { value } : { error: 'must be a JSON object, such as {"topic": "news"}' };
  } catch (error) {
    return { error: `is not JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}

function parseLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
    const colon = line.indexOf(":");
    if (colon < 1) return undefined;
    labels[line.slice(0, colon).trim()] = line.slice(colon + 1).trim();
  }
  return labels;
}
