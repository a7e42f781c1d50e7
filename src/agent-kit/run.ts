/** A run as the agent's own code gets it, by a call of its URL or from its mailbox. */

/** The agent's control of its job after this run (docs/contract.md §15). Each field counts for itself. */
export type Control = {
  /** The next fire is so long from now, once: "45m". Only for jobs with `pacing`. */
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

export type Run = {
  /** The same for every attempt: what was done under it is not to be done again. */
  readonly id: string;
  readonly job_id: string;
  /** The conversation to go on with. */
  readonly session_id: string;
  readonly user_id?: string;
  /** `schedule`, `manual`, `backfill` or `event`. */
  readonly trigger: string;
  /** When it was due, RFC 3339. */
  readonly scheduled_at: string;
  readonly started_at: string;
  /** From 1. */
  readonly attempt: number;
  readonly job: CalledJob;
  /** The prompt; empty where the job has none. */
  readonly message: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** The end of the last run, of a job with `continuity`. */
  readonly previous?: Readonly<Record<string, unknown>>;
  /** The address and the token with which another process completes a run. `onRun` answers 202 to leave it to that. */
  readonly complete: { readonly url: string; readonly token: string };
  /** Aborted at the run's deadline, and when Reveille has ended the run (it was cancelled, it timed out). */
  readonly signal: AbortSignal;
  /** Shows how far the run is, and renews its deadline. Never rejects: a report that is lost costs nothing. */
  progress(progress: Progress): Promise<void>;
  /** Adds to what the answer says of the job; later calls win field by field. */
  control(control: Control): void;
};

/**
 * Does one run. What it returns is the run's output: text, or anything that JSON holds; nothing for no output. A `Response` is passed
 * on: 410 pauses the job, another 4xx is an error without a retry, and after 202 somebody else completes the run. What it throws makes the attempt fail, to be tried again.
 */
export type OnRun = (run: Run, call: RunCall) => unknown;

/** A run as Reveille hands it over (docs/contract.md §4). */
export type RunCall = {
  readonly type: "job.run";
  readonly data: {
    readonly run: {
      readonly id: string;
      readonly job_id: string;
      readonly session_id: string;
      readonly user_id?: string;
      readonly trigger: string;
      readonly scheduled_at: string;
      readonly started_at: string;
      readonly attempt: number;
      readonly lease_expires_at?: string;
    };
    readonly job: CalledJob;
    readonly message?: string;
    readonly payload?: Readonly<Record<string, unknown>>;
    readonly previous?: Readonly<Record<string, unknown>>;
    readonly complete: { readonly url: string; readonly token: string };
  };
};

/** A run as it was handed over, out of parsed JSON; undefined for anything else. Only what is needed to do and to report it is looked at. */
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
