/**
 * The contract of a job for the rest of the Worker. `durable-objects/job/object.ts` implements it. Instants are epoch
 * ms.
 */

import type { Author } from "../domain/audit.ts";
import type { ReportedEvent } from "../domain/event/report.ts";
import type { Outcome } from "../domain/failure.ts";
import type { RunKey } from "../domain/fan-out/user-run.ts";
import type { Caller } from "../domain/job/access.ts";
import type { ForecastWindow } from "../domain/job/forecast.ts";
import type { Cursor, JobRecord } from "../domain/job/job.ts";
import type { TriggerEvent } from "../domain/job/start-run.ts";
import type { Lease } from "../domain/run/claim.ts";
import type { RunInput } from "../domain/run/run.ts";
import type { JobRunBody } from "../schema/agent-call.ts";
import type { Explanation } from "../schema/explanation.ts";
import type { FanOut } from "../schema/fan-out.ts";
import type { JobForecast } from "../schema/forecast.ts";
import type { Job, JobInput } from "../schema/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";
import type { BackfillBody, CompleteBody, PauseBody, Progress, Run, Triggered } from "../schema/run.ts";
import type { Objects } from "./binding.ts";
import type { UserRunQuery } from "./fan-out.ts";

export type CreateRequest = {
  /** The record, made by the caller (`newJob`, `restoreJob`) from a checked definition, with the place's `createdAt`. */
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /**
   * The place that the directory reserved (`reserveJob`). A request is refused if more than 30 seconds have passed since.
   */
  readonly place: { readonly reservedAt: number; readonly repeated: boolean };
  /** The id was drawn for this request, so no job can exist and none is looked for. */
  readonly isNewId?: boolean;
};

/** A created or found job. `replayed`: an Idempotency-Key had created it before. */
export type Created = { readonly job: Job; readonly replayed: boolean };

/** The result of an Idempotency-Key under an id: nothing, or a job. */
export type Recalled = { readonly was: "nothing" } | { readonly was: "kept"; readonly job: Job };

/** The run or fan-out that a call started. */
export type Started = { readonly run_id: string } | { readonly fan_out_id: string };

/** An event from outside. The same `key` again within 24 hours runs nothing. */
export type TriggerRequest = TriggerEvent & { readonly key?: string | undefined };

/**
 * The answer to an event. `repeated`: it is the answer to an earlier event with the same key. `denied`: the token is not
 * the job's.
 */
export type TriggerAnswer =
  | { readonly kind: "denied" }
  | { readonly kind: "answered"; readonly answer: Triggered; readonly repeated: boolean };

/**
 * The place where a list of runs continues. It is a number in the job's own log, and start and id in a list with users'
 * runs.
 */
export type RunPlace = number | RunKey;

/** The runs that a caller wants. */
export type RunQuery = Omit<UserRunQuery, "before"> & {
  readonly fanOutId?: string | undefined;
  readonly before?: RunPlace | undefined;
};

export type ReleasedBy = "agent" | "mailbox";

/**
 * The job's answer to a claim. `not_offered`: the offer is void. `hidden`: it stands, but the caller may not see the job.
 */
export type ClaimVerdict =
  | { readonly kind: "claimed"; readonly body: JobRunBody }
  | { readonly kind: "not_offered" }
  | { readonly kind: "hidden" };

/** A job's answer to the sweep. `createdAt` distinguishes it from an earlier place with the same id under another owner. */
export type CheckedIn = {
  readonly exists: boolean;
  readonly overdueMs: number;
  readonly createdAt?: number;
  /** The event of an overdue job. */
  readonly event?: ReportedEvent;
};

/**
 * One job. Every method that takes a `caller` answers `not_found` if there is no job or the caller may not see it. No
 * method throws for an expected failure.
 */
export interface JobRpc {
  /**
   * Creates the job, or answers with the one that the same Idempotency-Key has created. Errors: `idempotency_key_reused`,
   * `name_reserved`.
   */
  create(request: CreateRequest): Promise<Outcome<Created>>;
  /**
   * The job that an Idempotency-Key has created here. `hash` is the request's. Errors: `idempotency_key_reused` for another
   * request.
   */
  recall(hash: string): Promise<Outcome<Recalled>>;
  read(caller: Caller): Promise<Outcome<Job>>;
  /** The job with the further fields that an import needs. */
  exported(): Promise<Outcome<ExportedJob>>;
  /** The job, with its fires and their cost in a future window. */
  forecast(window: ForecastWindow): Promise<Outcome<{ readonly job: Job; readonly answer: JobForecast }>>;
  /**
   * Applies a JSON merge patch. `ifMatch` is the If-Match header's list of ETags, or `*`. Errors: `precondition_failed`,
   * `validation_failed`, `forbidden`, `quota_exceeded`.
   */
  patch(caller: Caller, patch: Readonly<Record<string, unknown>>, ifMatch?: string): Promise<Outcome<Job>>;
  /**
   * Sets a system job to this definition. An equal one changes nothing. `keepEnabled`: the input does not say whether it is
   * enabled.
   */
  ensure(input: JobInput, keepEnabled: boolean, by: Author): Promise<Outcome<Job>>;
  /** Pauses (with a reason and an end, if given) or resumes. Errors: `job_finished`, `validation_failed`. */
  setEnabled(caller: Caller, enabled: boolean, pause?: PauseBody): Promise<Outcome<Job>>;
  /**
   * Deletes the job with its runs, and aborts a call in flight. Answers the deleted definition. Errors:
   * `precondition_failed`.
   */
  remove(caller: Caller, ifMatch?: string): Promise<Outcome<Job>>;
  /** Runs the job now. `input` is for this run only. Errors: `job_finished`, `job_already_running`, `budget_exceeded`. */
  runNow(caller: Caller, input?: RunInput): Promise<Outcome<Started>>;
  /** Repeats an ended run. Errors: as `runNow`. */
  retryRun(caller: Caller, runId: string): Promise<Outcome<{ readonly run_id: string }>>;
  /**
   * Starts a run for an event from outside. Errors: `job_finished`, `job_paused`, `budget_exceeded`, `validation_failed`.
   */
  trigger(caller: Caller, request: TriggerRequest): Promise<Outcome<TriggerAnswer>>;
  /** Gives the job a new trigger token, of which it keeps the hash. Without a hash it takes the token away. */
  setTriggerToken(caller: Caller, hash?: string): Promise<Outcome<null>>;
  /** Queues past fires. Errors: `validation_failed`, `job_finished`, `quota_exceeded`. */
  backfill(caller: Caller, body: BackfillBody): Promise<Outcome<{ readonly count: number }>>;

  /** The run log, newest first. `next` is the place to continue from, if there is more. */
  runs(caller: Caller, query: RunQuery): Promise<Outcome<{ readonly items: Run[]; readonly next?: RunPlace }>>;
  /** One run, for a caller that may see the job and for the run's own token. */
  run(caller: Caller, runId: string): Promise<Outcome<Run>>;
  /**
   * Takes the agent's report of a run's end. Repeating the same report is fine. `via`: the run's mailbox reports it, and
   * need not be told. Errors: `run_already_finished` for a different report.
   */
  completeRun(caller: Caller, runId: string, body: CompleteBody, via?: "mailbox"): Promise<Outcome<Run>>;
  /** Takes the agent's progress. `via` as in `completeRun`. Errors: `run_already_finished`. */
  progressRun(caller: Caller, runId: string, progress: Progress, via?: "mailbox"): Promise<Outcome<Run>>;
  /** Stops an active run and aborts a call in flight. Errors: `run_already_finished`. */
  cancelRun(caller: Caller, runId: string): Promise<Outcome<Run>>;

  /**
   * Confirms a claim before the mailbox hands the run out. From then on the run is the caller's, until its lease runs out.
   */
  claimRun(caller: Caller, runId: string, lease: Lease): Promise<ClaimVerdict>;
  /**
   * Takes a run back. An agent gives a claimed run back, or (`mailbox`) a closed mailbox gives back an offered one. The run
   * is delivered again at once. Errors: `run_already_finished`, `validation_failed` for a run that is not claimed, or not
   * offered.
   */
  releaseRun(caller: Caller, runId: string, by: ReleasedBy): Promise<Outcome<Run>>;

  /** The kept fan-outs, newest first. `next` is the number before which the next page begins, if there are more. */
  fanOuts(
    caller: Caller,
    query: { readonly limit: number; readonly before?: number | undefined },
  ): Promise<Outcome<{ readonly items: FanOut[]; readonly next?: number }>>;
  fanOut(caller: Caller, fanOutId: string): Promise<Outcome<FanOut>>;

  /** Why the job did or did not run at a time (default: now). */
  explain(caller: Caller, at?: number): Promise<Outcome<Explanation>>;
  /** The server-sent events of this job. `lastEventId` is the last one that the listener got. */
  events(caller: Caller, lastEventId?: number): Promise<Outcome<ReadableStream<Uint8Array>>>;

  /** Handles the Cron Trigger's tick of `tickAt`: an all_users job fires what is due. A repeated tick finds nothing due. */
  tick(tickAt: number): Promise<void>;
  /** Takes the report of a fan-out's shard that is idle or got a 410. False if the fan-out does not exist. */
  fanOutReport(fanOutId: string): Promise<boolean>;
  /** Erases a finished job before its time, because its owner keeps too many. A job that is not finished stays. */
  eraseFinished(): Promise<void>;
  /**
   * Answers the sweep whether there is a job, which one, and whether something is overdue. A job that is asleep with
   * something due is armed again. `listedUnder` is the owner of the sweep's entry.
   */
  checkIn(listedUnder?: string): Promise<CheckedIn>;
}

export type JobBinding = { readonly JOB: Objects<JobRpc> };

/** The stub of the job under an id. It is fresh each time, since one that has thrown stays broken. */
export const jobObject = (env: JobBinding, id: string): JobRpc => env.JOB.getByName(id);
