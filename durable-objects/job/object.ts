/**
 * One job: the only writer of its state, its run log and its alarm. This class is its RPC surface. Each method loads the
 * state, checks the caller, takes a pure step of the domain, records it, and answers with a Result. `loop.ts` handles the
 * job's wakes.
 */

import { DurableObject } from "cloudflare:workers";
import { callJob } from "../../src/agent/attempt.ts";
import { composeCall } from "../../src/agent/call-agent.ts";
import { standIn } from "../../src/directory/stand-in.ts";
import { type Author, authorOf } from "../../src/domain/audit.ts";
import { compact } from "../../src/domain/compact.ts";
import { overdueReport } from "../../src/domain/event/report.ts";
import type { Outcome } from "../../src/domain/failure.ts";
import { ADMIN, type Caller, canRun, runRefused } from "../../src/domain/job/access.ts";
import type { ForecastWindow } from "../../src/domain/job/forecast.ts";
import { etagOf, jobView } from "../../src/domain/job/job.ts";
import { changeByEnsure, changeByPatch, changeByPause, changeByResume } from "../../src/domain/job/job-change.ts";
import { withPendingAudit } from "../../src/domain/job/signed-change.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { Lease } from "../../src/domain/run/claim.ts";
import type { Run, RunInput } from "../../src/domain/run/run.ts";
import type { TickState } from "../../src/domain/run/tick.ts";
import { type Env, heldBecause, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import type {
  CheckedIn,
  ClaimVerdict,
  Created,
  CreateRequest,
  JobRpc,
  Recalled,
  ReleasedBy,
  RunPlace,
  RunQuery,
  Started,
  TriggerAnswer,
  TriggerRequest,
} from "../../src/objects/job.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import type { Explanation } from "../../src/schema/explanation.ts";
import type { FanOut as FanOutView } from "../../src/schema/fan-out.ts";
import type { JobForecast } from "../../src/schema/forecast.ts";
import type { Job, JobInput } from "../../src/schema/job.ts";
import type { ExportedJob } from "../../src/schema/job-export.ts";
import { MINUTE_MS } from "../../src/schema/limits.ts";
import type { BackfillBody, CompleteBody, PauseBody, Progress, Run as RunView } from "../../src/schema/run.ts";
import { type Telemetry, telemetryOf } from "../../src/telemetry/telemetry.ts";
import { JobChanger, newAuditId } from "./changer.ts";
import { EventStreams } from "./event-streams.ts";
import { JobFanOuts } from "./fan-outs/fan-outs.ts";
import { UserRuns } from "./fan-outs/user-runs.ts";
import { JobListing, type ListingParts } from "./listing.ts";
import { JobLoop } from "./loop.ts";
import { JobOffers } from "./offers.ts";
import { JobReader } from "./reader.ts";
import { JobRunLog } from "./run-log.ts";
import { JobStarter } from "./starter.ts";
import { changeableRecord, JobState, type StoredState, visibleRecord } from "./state.ts";
import { TriggerKeys } from "./trigger-store.ts";

/**
 * The time in which a reserved place must get its job. After a minute the directory drops a place without a job, so no job
 * may appear then.
 */
const RESERVATION_TTL_MS = 30_000;

/**
 * The pause after a wake that threw. If only a later version of the code can read the definition, that lasts longer than
 * seconds.
 */
const ALARM_RETRY_MS = 5 * MINUTE_MS;

export class JobObject extends DurableObject<Env> implements JobRpc {
  readonly #state: JobState;
  readonly #listing: JobListing;
  readonly #fanOuts: JobFanOuts;
  readonly #loop: JobLoop;
  readonly #offers: JobOffers;
  readonly #streams: EventStreams;
  readonly #runLog: JobRunLog;
  readonly #changer: JobChanger;
  readonly #starter: JobStarter;
  readonly #reader: JobReader;
  readonly #telemetry: Telemetry;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    const settings = settingsOf(env);
    const state = new JobState(ctx.storage, settings.RUN_RETENTION);
    const now = () => Date.now();
    const random = () => Math.random();
    const held = ({ record }: Pick<TickState, "record">) => heldBecause(settings, record.definition.exec_scope);
    const report = (message: string, error: unknown) => logError(message, { job_id: ctx.id.name }, error);
    const userRuns = new UserRuns(env, settings, state, () => fanOuts.progress.moved());
    const failedRuns: ListingParts["failedRuns"] = (fanOut, limit) => userRuns.failed(fanOut, limit);
    const telemetry = telemetryOf(env, ctx);
    const listing = new JobListing(env, state, { failedRuns, report });
    const fanOuts = new JobFanOuts(env, settings, state, { now, random, held, report });
    const loop = new JobLoop(
      state,
      { listing, fanOuts },
      {
        ...{ now, random, held, report },
        call: (tick, run, deadline) => this.#call(tick, run, deadline),
        budget: () => telemetry.woke(new CallBudget(settings.CALLS_PER_WAKE)),
      },
    );
    // This is the only wire between the parts, so no part has to commit and then wake the loop.
    state.onCommit((change) => loop.wake(change));
    state.onCommit(({ runs }) => {
      const record = state.stored?.record;
      if (record !== undefined) telemetry.recorded({ ...record.definition, id: record.id }, runs);
    });
    const offers = new JobOffers(env, state);
    state.onCommit((change) => offers.noticed(change));
    this.#state = state;
    this.#telemetry = telemetry;
    this.#listing = listing;
    this.#fanOuts = fanOuts;
    this.#loop = loop;
    this.#offers = offers;
    this.#streams = new EventStreams(env, state, fanOuts.progress);
    this.#changer = new JobChanger(env, state, listing);
    this.#runLog = new JobRunLog(state, userRuns);
    this.#reader = new JobReader(env, state, (at) => loop.overdueMs(at));
    this.#starter = new JobStarter(
      env,
      state,
      { fanOuts, userRuns, keys: new TriggerKeys(ctx.storage.sql) },
      { now, held },
    );
  }

  /**
   * The alarm. It does not throw (docs/architecture.md, invariant 3). After six throws in a row the platform stops ringing,
   * and the job would never fire again.
   */
  override async alarm(): Promise<void> {
    this.ctx.waitUntil(standIn(this.env, Date.now()));
    try {
      await this.#loop.run();
    } catch (error) {
      logError("A job's alarm failed; trying again in a few minutes", { job_id: this.ctx.id.name }, error);
      this.#state.alarm.set(Math.min(Date.now() + ALARM_RETRY_MS, this.#loop.nextCallEnd(Date.now())));
    } finally {
      this.#telemetry.slept();
    }
  }

  /** Creates the job, or answers with the one that the same Idempotency-Key has created. */
  async create(request: CreateRequest): Promise<Outcome<Created>> {
    const { record, cursor, place, isNewId = false } = request;
    if (!isNewId) {
      const entered = await this.#listing.enterAfterRemoval(record, () => this.#loop.remove());
      if (!entered.ok) return entered;
      const present = this.#state.stored;
      if (present !== undefined) return this.#replay(present, record.idempotencyHash);
    }
    const now = Date.now();
    if (now - place.reservedAt > RESERVATION_TTL_MS) {
      throw new Error("The job's place in the directory has run out before the job could be made");
    }
    // A place from an earlier attempt lists that attempt's job, and the removal of an earlier job may have removed this
    // job's place.
    const isListed = !place.repeated && this.#listing.removals === 0;
    this.#state.create(isListed ? record : { ...record, indexedVersion: 0 }, cursor, now);
    if (!isListed) await this.#listing.index();
    return ok({ job: jobView(record, cursor, Date.now()), replayed: false });
  }

  /**
   * The job that an Idempotency-Key has created here. `hash` is the request's. Another request's hash is
   * `idempotency_key_reused`.
   */
  async recall(hash: string): Promise<Outcome<Recalled>> {
    const present = this.#state.stored;
    if (present === undefined || present.record.deletedAt !== undefined) return ok({ was: "nothing" });
    if (present.record.idempotencyHash !== hash) return err({ kind: "idempotency_key_reused" });
    return ok({ was: "kept", job: jobView(present.record, present.cursor, Date.now()) });
  }

  async read(caller: Caller): Promise<Outcome<Job>> {
    return this.#reader.read(caller);
  }

  /** The job with the further fields that an import needs. */
  async exported(): Promise<Outcome<ExportedJob>> {
    return this.#reader.exported();
  }

  /** The job, with its fires and their cost in a future window. */
  async forecast(window: ForecastWindow): Promise<Outcome<{ readonly job: Job; readonly answer: JobForecast }>> {
    return this.#reader.forecast(window);
  }

  /** Applies a JSON merge patch. `ifMatch` is the If-Match header's list of ETags, or `*`. */
  async patch(caller: Caller, patch: Readonly<Record<string, unknown>>, ifMatch?: string): Promise<Outcome<Job>> {
    return this.#changer.change(caller, "job.update", (state, now) => {
      if (!matches(ifMatch, etagOf(state.record))) {
        return err({ kind: "precondition_failed", etag: etagOf(state.record) });
      }
      return changeByPatch(state, caller, patch, now);
    });
  }

  /**
   * Sets a system job to this definition. An equal one changes nothing. `keepEnabled`: the input does not say whether it is
   * enabled.
   */
  async ensure(input: JobInput, keepEnabled: boolean, by: Author = { actor: "admin" }): Promise<Outcome<Job>> {
    return this.#changer.change(
      ADMIN,
      "job.update",
      (state, now) => changeByEnsure(state, input, keepEnabled, now),
      by,
    );
  }

  async setEnabled(caller: Caller, enabled: boolean, pause: PauseBody = {}): Promise<Outcome<Job>> {
    if (!enabled) return this.#changer.change(caller, "job.pause", (state, now) => changeByPause(state, pause, now));
    return this.#changer.change(caller, "job.resume", (state, now) =>
      canRun(caller, state.record.definition) ? changeByResume(state, now) : runRefused,
    );
  }

  /** Deletes the job with its runs, and aborts a call in flight. Answers the deleted definition. */
  async remove(caller: Caller, ifMatch?: string): Promise<Outcome<Job>> {
    const seen = changeableRecord(this.#state, caller);
    if (!seen.ok) return seen;
    const { record, cursor, active } = seen.value;
    if (!matches(ifMatch, etagOf(record))) return err({ kind: "precondition_failed", etag: etagOf(record) });
    this.#offers.withdrawAll(active);
    const now = Date.now();
    const change = { ...authorOf(caller), id: newAuditId(now), at: now, action: "job.delete", target: record.id };
    const pendingAudit = withPendingAudit(record, change);
    this.#state.commit({ record: { ...record, deletedAt: now, version: record.version + 1, pendingAudit } });
    await this.#loop.remove();
    return ok(jobView(record, cursor, Date.now()));
  }

  async runNow(caller: Caller, input: RunInput = {}): Promise<Outcome<Started>> {
    return this.#starter.runNow(caller, input);
  }

  async retryRun(caller: Caller, runId: string): Promise<Outcome<{ readonly run_id: string }>> {
    return this.#starter.retry(caller, runId);
  }

  async trigger(caller: Caller, request: TriggerRequest): Promise<Outcome<TriggerAnswer>> {
    return this.#starter.trigger(caller, request);
  }

  async setTriggerToken(caller: Caller, hash?: string): Promise<Outcome<null>> {
    return this.#changer.setTriggerToken(caller, hash);
  }

  async backfill(caller: Caller, body: BackfillBody): Promise<Outcome<{ readonly count: number }>> {
    return this.#starter.backfill(caller, body);
  }

  /** The run log, newest first. `next` is the place to continue from, if there is more. */
  async runs(
    caller: Caller,
    query: RunQuery,
  ): Promise<Outcome<{ readonly items: RunView[]; readonly next?: RunPlace }>> {
    return this.#runLog.list(caller, query);
  }

  /** One run, for callers who may see the job and for the run's own token. */
  async run(caller: Caller, runId: string): Promise<Outcome<RunView>> {
    return this.#runLog.read(caller, runId);
  }

  /** Takes the agent's report of a run's end. Repeating the same report is fine; a different one comes too late. */
  async completeRun(caller: Caller, runId: string, body: CompleteBody, via?: "mailbox"): Promise<Outcome<RunView>> {
    const complete = () => this.#runLog.complete(caller, runId, body, via);
    return via === "mailbox" ? this.#offers.reporting(runId, complete) : complete();
  }

  async progressRun(caller: Caller, runId: string, progress: Progress, via?: "mailbox"): Promise<Outcome<RunView>> {
    const report = () => this.#runLog.progress(caller, runId, progress, via);
    return via === "mailbox" ? this.#offers.reporting(runId, report) : report();
  }

  /** Stops an active run and aborts a call in flight. */
  async cancelRun(caller: Caller, runId: string): Promise<Outcome<RunView>> {
    return this.#runLog.cancel(caller, runId);
  }

  async claimRun(caller: Caller, runId: string, lease: Lease): Promise<ClaimVerdict> {
    return this.#confirm(caller, runId, lease);
  }

  async releaseRun(caller: Caller, runId: string, by: ReleasedBy): Promise<Outcome<RunView>> {
    const before = this.#state.stored?.active.find(({ id }) => id === runId);
    const released = await this.#runLog.release(caller, runId, by);
    if (released.ok && by === "agent" && before !== undefined) this.#offers.released(before);
    return released;
  }

  /** Why the job did or did not run at a time (epoch ms; default: now). */
  async explain(caller: Caller, at?: number): Promise<Outcome<Explanation>> {
    return this.#reader.explain(caller, at);
  }

  /** The server-sent events of this job. `lastEventId` is the last one that the listener got. */
  async events(caller: Caller, lastEventId?: number): Promise<Outcome<ReadableStream<Uint8Array>>> {
    const seen = visibleRecord(this.#state, caller);
    return seen.ok ? this.#streams.open(caller, lastEventId) : seen;
  }

  /**
   * Handles the Cron Trigger's tick of `tickAt` (epoch ms): an all_users job fires what is due. A repeated tick finds
   * nothing due.
   */
  async tick(tickAt: number): Promise<void> {
    this.#fanOuts.tick(tickAt);
  }

  /** Takes the report of a fan-out's shard that is idle or got a 410. False if the fan-out does not exist. */
  async fanOutReport(fanOutId: string): Promise<boolean> {
    return this.#fanOuts.reported(fanOutId);
  }

  /** The kept fan-outs, newest first. `next` is the number before which the next page begins, if there are more. */
  async fanOuts(
    caller: Caller,
    query: { readonly limit: number; readonly before?: number | undefined },
  ): Promise<Outcome<{ readonly items: FanOutView[]; readonly next?: number }>> {
    const seen = visibleRecord(this.#state, caller);
    return seen.ok ? ok(await this.#fanOuts.list(query.limit, query.before)) : seen;
  }

  async fanOut(caller: Caller, fanOutId: string): Promise<Outcome<FanOutView>> {
    const seen = visibleRecord(this.#state, caller);
    return seen.ok ? this.#fanOuts.read(fanOutId) : seen;
  }

  async eraseFinished(): Promise<void> {
    if (this.#state.stored?.record.finishedAt !== undefined) await this.#loop.remove();
  }

  /**
   * Answers the sweep whether there is a job, which one, and whether something is overdue. A job that is asleep with
   * something due is armed again. `listedUnder` is the owner of the sweep's entry.
   */
  async checkIn(listedUnder?: string): Promise<CheckedIn> {
    const state = this.#state.current;
    if (state === undefined) return { exists: false, overdueMs: 0 };
    if (listedUnder !== undefined) this.#listing.foundUnder(listedUnder);
    const now = Date.now();
    const overdueMs = this.#loop.overdueMs(now);
    if (overdueMs !== undefined) this.#loop.awaken();
    const event = overdueMs ? overdueReport(state.record, now - overdueMs) : undefined;
    return {
      ...compact({ event }),
      exists: state.record.deletedAt === undefined,
      overdueMs: overdueMs ?? 0,
      createdAt: state.record.createdAt,
    };
  }

  /** Answers a repeated create. If two calls with one key come at the same time, the second is a repeat of the first. */
  #replay({ record, cursor }: StoredState, hash: string | undefined): Outcome<Created> {
    if (record.idempotencyHash === undefined || record.idempotencyHash !== hash) {
      return err({ kind: "idempotency_key_reused" });
    }
    return ok({ job: jobView(record, cursor, Date.now()), replayed: true });
  }

  /** Hands the run to the agent that claims it. The verdict says so if it is offered no more, or the caller may not see the job. */
  async #confirm(caller: Caller, runId: string, lease: Lease): Promise<ClaimVerdict> {
    const claimed = await this.#runLog.claim(caller, runId, lease, this.#offers.agentId);
    if (typeof claimed === "string") return { kind: claimed };
    const jobId = this.#state.stored?.record.id ?? "";
    const { run, previous } = claimed;
    const body = await composeCall(settingsOf(this.env), claimed, { ...run, jobId, previous }, Date.now());
    return { kind: "claimed", body };
  }

  async #call({ record, job }: TickState, run: Run, deadline: Deadline) {
    const previous = await this.#runLog.previousOf(run);
    return callJob(
      this.env,
      settingsOf(this.env),
      { definition: record.definition, origin: record.origin, maxAttempts: job.retry.maxAttempts },
      { ...run, jobId: record.id, previous },
      { now: () => Date.now(), deadline, confirm: (caller, lease) => this.#confirm(caller, run.id, lease) },
    );
  }
}

/** Whether an If-Match header (RFC 9110 §13.1.1) allows the change. A missing header does. */
function matches(ifMatch: string | undefined, etag: string): boolean {
  if (ifMatch === undefined || ifMatch.trim() === "*") return true;
  return ifMatch.split(",").some((candidate) => candidate.trim() === etag);
}
