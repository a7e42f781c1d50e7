/** A run as the agent's own code gets it, from a call to its URL or from its mailbox. */

/** The agent's control of its job after this run (docs/contract.md §15). Each field is independent. */
export type Control = {
  /** The next fire comes after this time, once: "45m". Only for jobs with `pacing`. */
  readonly next_in?: string;
  /** The next fire is at this time (RFC 3339), once. Only for jobs with `pacing`. */
  readonly next_at?: string;
  /** The job is finished. */
  readonly done?: true;
  /** The job is paused, for this reason. */
  readonly pause?: string;
  /** Nothing new was found. */
  readonly unchanged?: true;
  readonly cost_usd?: number;
  readonly tokens?: number;
};

export type Progress = { readonly percent?: number; readonly message?: string };

/** The job that a run belongs to, without its read-only fields. */
export type CalledJob = { readonly id: string; readonly name: string; readonly [field: string]: unknown };

type RunFields = {
  /** The run's id, the same for every attempt. Work that was done under it must not be done again. */
  readonly id: string;
  readonly job_id: string;
  /** The conversation to continue. */
  readonly session_id: string;
  readonly user_id?: string;
  /** `schedule`, `manual`, `backfill` or `event`. */
  readonly trigger: string;
  /** When it was due, RFC 3339. */
  readonly scheduled_at: string;
  readonly started_at: string;
  /** The number of the attempt, from 1. */
  readonly attempt: number;
};

export type Run = RunFields & {
  readonly job: CalledJob;
  /** The prompt. Empty if the job has none. */
  readonly message: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The end of the last run, for a job with `continuity`. */
  readonly previous?: Readonly<Record<string, unknown>>;
  /**
   * The address and the token with which another process completes a run. `onRun` answers 202 to leave the completion to
   * that process.
   */
  readonly complete: { readonly url: string; readonly token: string };
  /** Aborted at the run's deadline, and when Reveille has ended the run (it was cancelled or timed out). */
  readonly signal: AbortSignal;
  /** Reports the run's progress and renews its deadline. Never rejects: a lost report does no harm. */
  progress(progress: Progress): Promise<void>;
  /** Adds to the control in the answer. Later calls win field by field. */
  control(control: Control): void;
};

/**
 * Does one run. Its return value is the run's output: text, any JSON value, or nothing for no output. A `Response` is
 * passed on: 410 pauses the job, any other 4xx is an error without a retry, and after 202 another process completes the
 * run. If it throws, the attempt fails and is retried.
 */
export type OnRun = (run: Run, call: RunCall) => unknown;

/** A run as Reveille delivers it (docs/contract.md §4). */
export type RunCall = {
  readonly type: "job.run";
  readonly data: {
    readonly run: RunFields & { readonly lease_expires_at?: string };
    readonly job: CalledJob;
    readonly message?: string;
    readonly payload?: Readonly<Record<string, unknown>>;
    readonly previous?: Readonly<Record<string, unknown>>;
    readonly complete: { readonly url: string; readonly token: string };
  };
};

/**
 * A delivered run from parsed JSON. Undefined for any other value. It checks only the fields that are needed to do and
 * report the run.
 */
export function runCallOf(value: unknown): RunCall | undefined {
  if (!isObject(value) || value.type !== "job.run" || !isObject(value.data)) return undefined;
  const { data } = value;
  if (!isObject(data.run) || !isObject(data.complete)) return undefined;
  const job = isObject(data.job) ? data.job : {};
  const named = { id: "", name: "", ...job };
  const whole = { type: value.type, ...value, data: { ...data, job: named } };
  return isWhole(whole) ? whole : undefined;
}

function isWhole(value: { readonly type: string; readonly data: Readonly<Record<string, unknown>> }): value is RunCall {
  const { run, complete } = value.data;
  return (
    isObject(run) &&
    typeof run.id === "string" &&
    isObject(complete) &&
    typeof complete.url === "string" &&
    typeof complete.token === "string"
  );
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
