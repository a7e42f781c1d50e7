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
  /** Made by the caller (`newJob`, `restoreJob`) from a definition that is checked, with the place's `createdAt`. */
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** The place that the directory reserved (`reserveJob`). A request that took more than 30 seconds since is refused. */
  readonly place: { readonly reservedAt: number; readonly repeated: boolean };
  /** The id was drawn for this request: nothing can be here, and nothing is looked for. */
  readonly isNewId?: boolean;
};

/** A job as made or found; `replayed` if an Idempotency-Key had made it before. */
export type Created = { readonly job: Job; readonly replayed: boolean };

/** The thing that an Idempotency-Key has made under an id: nothing, or a job. */
export type Recalled = { readonly was: "nothing" } | { readonly was: "kept"; readonly job: Job };

/** The run or fan-out that a call started. */
export type Started = { readonly run_id: string } | { readonly fan_out_id: string };

/** An event from outside; the same `key` again within 24 hours runs nothing. */
export type TriggerRequest = TriggerEvent & { readonly key?: string | undefined };

/** The answer to an event; `repeated`: the answer to an earlier one with its key. `denied`: the token is not the job's. */
export type TriggerAnswer =
  | { readonly kind: "denied" }
  | { readonly kind: "answered"; readonly answer: Triggered; readonly repeated: boolean };

/** The place where a list of runs goes on. It is a number in the job's own log, and start and id in one with users' runs. */
export type RunPlace = number | RunKey;

/** Which runs are wanted. */
export type RunQuery = Omit<UserRunQuery, "before"> & {
  readonly fanOutId?: string | undefined;
  readonly before?: RunPlace | undefined;
};

export type ReleasedBy = "agent" | "mailbox";

/** `not_offered`: the offer is void. `hidden`: it stands, and the caller may not see the job. */
export type ClaimVerdict =
  | { readonly kind: "claimed"; readonly body: JobRunBody }
  | { readonly kind: "not_offered" }
  | { readonly kind: "hidden" };

/** A job's own word when it is checked. `createdAt` tells it from an earlier place of the same id under another owner. */
export type CheckedIn = {
  readonly exists: boolean;
  readonly overdueMs: number;
  readonly createdAt?: number;
  /** The report of a job that is overdue. */
  readonly event?: ReportedEvent;
};

/**
 * One job. Every method that takes a `caller` answers `not_found` if there is no job or the caller may not see it; none throws for
 * an expected failure.
 */
export interface JobRpc {
  /** Makes the job, or answers with the one that the same Idempotency-Key has made. Errors: `idempotency_key_reused`, `name_reserved`. */
  create(request: CreateRequest): Promise<Outcome<Created>>;
  /** Whether an Idempotency-Key has made a job here. `hash` is of the request. Errors: `idempotency_key_reused` for another request. */
  recall(hash: string): Promise<Outcome<Recalled>>;
  read(caller: Caller): Promise<Outcome<Job>>;
  /** The job with what an import needs besides. */
  exported(): Promise<Outcome<ExportedJob>>;
  /** The job, and its fires and cost in a window to come. */
  forecast(window: ForecastWindow): Promise<Outcome<{ readonly job: Job; readonly answer: JobForecast }>>;
  /**
   * A JSON merge patch; `ifMatch` is the If-Match header's list of ETags, or `*`.
   * Errors: `precondition_failed`, `validation_failed`, `forbidden`, `quota_exceeded`.
   */
  patch(caller: Caller, patch: Readonly<Record<string, unknown>>, ifMatch?: string): Promise<Outcome<Job>>;
  /** Brings a system job to this definition; an equal one changes nothing. `keepEnabled`: the input did not say whether it is enabled. */
  ensure(input: JobInput, keepEnabled: boolean, by: Author): Promise<Outcome<Job>>;
  /** Pause (with a reason and an end, if given) and resume. Errors: `job_finished`, `validation_failed`. */
  setEnabled(caller: Caller, enabled: boolean, pause?: PauseBody): Promise<Outcome<Job>>;
  /** Deletes the job with its runs; a call in flight is aborted. Answers the definition that is gone. Errors: `precondition_failed`. */
  remove(caller: Caller, ifMatch?: string): Promise<Outcome<Job>>;
  /** `told` is for this run only. Errors: `job_finished`, `job_already_running`, `budget_exceeded`. */
  runNow(caller: Caller, input?: RunInput): Promise<Outcome<Started>>;
  /** An ended run once more. Errors: as `runNow`. */
  retryRun(caller: Caller, runId: string): Promise<Outcome<{ readonly run_id: string }>>;
  /** An event from outside. Errors: `job_finished`, `job_paused`, `budget_exceeded`, `validation_failed`. */
  trigger(caller: Caller, request: TriggerRequest): Promise<Outcome<TriggerAnswer>>;
  /**
   * Gives the job a trigger token in place of the one it had. Of the token the job keeps the hash. Without one, takes
   * it away.
   */
  setTriggerToken(caller: Caller, hash?: string): Promise<Outcome<null>>;
  /** Errors: `validation_failed`, `job_finished`, `quota_exceeded`. */
  backfill(caller: Caller, body: BackfillBody): Promise<Outcome<{ readonly count: number }>>;

  /** The run log, newest first; `next` is the place to go on from, if there is more. */
  runs(caller: Caller, query: RunQuery): Promise<Outcome<{ readonly items: Run[]; readonly next?: RunPlace }>>;
  /** One run, for a caller that may see the job, and for the run's own token. */
  run(caller: Caller, runId: string): Promise<Outcome<Run>>;
  /**
   * The agent's own report of a run's end. The same report again is fine. `via`: the mailbox of the run reports it, and need not be
   * told. Errors: `run_already_finished` for a different one.
   */
  completeRun(caller: Caller, runId: string, body: CompleteBody, via?: "mailbox"): Promise<Outcome<Run>>;
  /** `via` as in `completeRun`. Errors: `run_already_finished`. */
  progressRun(caller: Caller, runId: string, progress: Progress, via?: "mailbox"): Promise<Outcome<Run>>;
  /** Stops an active run, hanging up a call in flight. Errors: `run_already_finished`. */
  cancelRun(caller: Caller, runId: string): Promise<Outcome<Run>>;

  /** The mailbox's question before it hands a run out. The run is the caller's from then on, until its lease runs out. */
  claimRun(caller: Caller, runId: string, lease: Lease): Promise<ClaimVerdict>;
  /**
   * The agent gives a claimed run back, or (`mailbox`) a mailbox that is closed gives back what was offered. The run
   * is delivered again at once. Errors: `run_already_finished`, `validation_failed` for a run that is not claimed, or
   * not offered.
   */
  releaseRun(caller: Caller, runId: string, by: ReleasedBy): Promise<Outcome<Run>>;

  /** The fan-outs that are kept, newest first; `next` is the number to go on before, if there are more. */
  fanOuts(
    caller: Caller,
    query: { readonly limit: number; readonly before?: number | undefined },
  ): Promise<Outcome<{ readonly items: FanOut[]; readonly next?: number }>>;
  fanOut(caller: Caller, fanOutId: string): Promise<Outcome<FanOut>>;

  /** Why the job did or did not run at a time (default: now). */
  explain(caller: Caller, at?: number): Promise<Outcome<Explanation>>;
  /** Server-sent events of this job; `lastEventId` is where a listener left off. */
  events(caller: Caller, lastEventId?: number): Promise<Outcome<ReadableStream<Uint8Array>>>;

  /** The Cron Trigger's tick of `tickAt`: an all_users job fires what is due. A repeated tick finds nothing due. */
  tick(tickAt: number): Promise<void>;
  /** A shard of a fan-out is idle, or was answered 410. False: there is no such fan-out. */
  fanOutReport(fanOutId: string): Promise<boolean>;
  /** Erases a finished job before its time: its owner keeps too many. Nothing happens to one that is not finished. */
  eraseFinished(): Promise<void>;
  /**
   * The sweep's question: is there a job here, which one, and is something overdue? A job found asleep with something due is
   * armed again. `listedUnder` is the owner that the sweep met it under.
   */
  checkIn(listedUnder?: string): Promise<CheckedIn>;
}

export type JobBinding = { readonly JOB: Objects<JobRpc> };

/** The stub of the job under an id that Reveille made. A fresh one each time: one that has thrown stays broken. */
export const jobObject = (env: JobBinding, id: string): JobRpc => env.JOB.getByName(id);
