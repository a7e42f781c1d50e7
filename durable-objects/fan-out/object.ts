/**
 * One shard of one job's fan-outs, named `{job id}/{shard index}`, with its users' runs. This class is its RPC surface.
 * Only the Job object calls it, after it has checked the caller. `loop.ts` runs the users. A shard that never got users has
 * no tables.
 */
import { DurableObject } from "cloudflare:workers";
import { callJob, notifyListeners } from "../../src/agent/attempt.ts";
import { followUpOffer } from "../../src/agent/offer.ts";
import { calledAgentId } from "../../src/agent/resolve.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import { NO_USERS } from "../../src/domain/fan-out/fan-out.ts";
import { byNewest, type FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import { userRunView } from "../../src/domain/fan-out/view.ts";
import { err, ok } from "../../src/domain/result.ts";
import { claimRun, isClaimable, isReleasable, type Lease, notClaimed, releaseRun } from "../../src/domain/run/claim.ts";
import { readControl } from "../../src/domain/run/control.ts";
import { rulesOf } from "../../src/domain/run/rules.ts";
import { cancelRun, completeRun, isActive, progressRun, type Run, repeatsReport } from "../../src/domain/run/run.ts";
import { keyOfUserRun } from "../../src/domain/run/run-id.ts";
import { noteControl } from "../../src/domain/run/steer.ts";
import { type Env, heldBecause, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import type {
  ClaimedRun,
  FanOutRpc,
  ListedRun,
  RunChange,
  ShardStatus,
  UserRunQuery,
} from "../../src/objects/fan-out.ts";
import { jobObject } from "../../src/objects/job.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import { MINUTE_MS } from "../../src/schema/limits.ts";
import type { Run as RunView } from "../../src/schema/run.ts";
import { type Telemetry, telemetryOf } from "../../src/telemetry/telemetry.ts";
import { Alarm } from "../shared/alarm.ts";
import { countsOf } from "./log.ts";
import { FanOutLoop } from "./loop.ts";
import { FanOutStore, isWanted, type StoredFanOut } from "./store.ts";

const ALARM_RETRY_MS = MINUTE_MS;

export class FanOutObject extends DurableObject<Env> implements FanOutRpc {
  #store: FanOutStore;
  #loop: FanOutLoop;
  readonly #alarm: Alarm;
  readonly #telemetry: Telemetry;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#store = new FanOutStore(ctx.storage.sql);
    this.#alarm = new Alarm(ctx.storage);
    this.#telemetry = telemetryOf(env, ctx);
    this.#loop = this.#newLoop();
  }

  /**
   * The alarm. It does not throw (docs/architecture.md, invariant 3). If something cannot be recorded, it continues from
   * what is stored.
   */
  override async alarm(): Promise<void> {
    this.#alarm.taken();
    try {
      await this.#loop.run();
    } catch (error) {
      logError("A shard of a fan-out could not go on; it tries again in a minute", { shard: this.ctx.id.name }, error);
      this.#loop.stop();
      this.#loop = this.#newLoop();
      this.#alarm.set(Date.now() + ALARM_RETRY_MS);
    } finally {
      this.#telemetry.slept();
    }
  }

  /**
   * Takes users in. Each is run once, however often they are handed over. `spec` is needed the first time. False means that
   * this shard does not know the fan-out yet, and the caller must hand it over with its `spec`.
   */
  async feed(
    number: number,
    users: readonly string[],
    opening?: { readonly spec: FanOutSpec; readonly shardIndex: number },
  ): Promise<boolean> {
    if (this.#store.find(number) === undefined) {
      if (opening === undefined) return false;
      this.#loop.work.current?.leave(Date.now());
      this.ctx.storage.transactionSync(() => this.#store.open(opening.spec, opening.shardIndex));
      this.#loop.reload({ isNew: true });
    }
    this.#store.addBatch(number, users);
    this.#loop.added(users.length);
    return true;
  }

  /** The state of fan-out `number` in this shard. Asking also wakes a shard whose alarm the platform has given up (docs/architecture.md, invariant 4). */
  async status(number: number): Promise<ShardStatus> {
    if (this.#loop.work.current?.spec.number === number) {
      const status = this.#loop.work.current.status();
      if (!status.idle) this.#loop.awaken();
      return status;
    }
    const counts = this.#store.find(number) === undefined ? undefined : this.#store.counts(number);
    return { idle: true, counts: counts === undefined ? NO_USERS : countsOf(counts) };
  }

  /** Runs of one fan-out, or of all kept fan-outs, newest first. */
  async runs(query: UserRunQuery & { readonly number?: number | undefined }): Promise<ListedRun[]> {
    const found: ListedRun[] = [];
    this.#loop.work.write();
    for (const fanOut of this.#store.fanOuts()) {
      if (query.number !== undefined && fanOut.spec.number !== query.number) continue;
      if (found.length >= query.limit) break;
      const unlogged = this.#loop.work.currentOf(fanOut)?.unlogged() ?? [];
      const inFlight = unlogged.filter((run) => isWanted(run, query));
      const runs = [...this.#store.runs(fanOut.spec, query), ...inFlight].sort(byNewest);
      for (const run of runs) found.push({ startedAt: run.startedAt, id: run.id, view: viewOf(fanOut, run) });
    }
    return found.slice(0, query.limit);
  }

  /** The run of the user with this key. Errors: `not_found`, also before the user's turn. */
  async run(number: number, key: string): Promise<Outcome<RunView>> {
    const found = this.#find(number, key);
    return found === undefined ? notFound("run") : ok(viewOf(found.fanOut, found.run));
  }

  /** Changes a user's run. Errors: `not_found`; `run_already_finished`, unless a completion repeats the run's status. */
  async changeRun(number: number, key: string, change: RunChange): Promise<Outcome<RunView>> {
    const found = this.#find(number, key);
    if (found === undefined) return notFound("run");
    const { fanOut, run } = found;
    if (!isActive(run)) {
      if (change.kind === "complete" && repeatsReport(run, change.body.status)) return ok(viewOf(fanOut, run));
      return err({ kind: "run_already_finished", status: run.status });
    }
    if (change.kind === "release" && !isReleasable(run, change.by, change.claimedAt)) return notClaimed;
    if (change.kind !== "complete") return this.#changed(fanOut, key, run, this.#apply(run, change), change);
    const { jobId, definition } = fanOut.spec;
    const body = await notifyListeners(definition, { ...run, jobId }, change.body);
    // Meanwhile the run may have ended, or been dropped with its fan-out.
    const current = this.#find(number, key)?.run;
    if (current === undefined) return notFound("run");
    if (!isActive(current)) {
      // The same report came twice, and the listeners got both.
      if (repeatsReport(current, change.body.status)) return ok(viewOf(fanOut, current));
      return err({ kind: "run_already_finished", status: current.status });
    }
    const ended = completeRun(current, body, Date.now());
    const { control } = body;
    const isSteered = control !== undefined && control !== null;
    return this.#changed(fanOut, key, current, isSteered ? noteControl(ended, readControl(control)) : ended, change);
  }

  /** Hands an offered run to the agent that claims it. Undefined if it is not offered (any more). */
  async claimRun(number: number, key: string, lease: Lease): Promise<ClaimedRun | undefined> {
    const found = this.#find(number, key);
    const job = this.#loop.work.current?.job;
    if (found === undefined || job === undefined) return undefined;
    const calledId = calledAgentId(this.env, settingsOf(this.env), job.definition.agent_id);
    if (!isClaimable(found.run, lease.agentId, calledId)) return undefined;
    const run = claimRun(found.run, lease, rulesOf(job), Date.now());
    this.#loop.change(found.fanOut, key, found.run, run);
    const { definition, origin } = found.fanOut.spec;
    return { run, definition, origin, previous: this.#previous(definition, run) };
  }

  /** Drops a fan-out and its runs. */
  async forget(number: number): Promise<void> {
    const isCurrent = this.#loop.work.current?.spec.number === number;
    this.ctx.storage.transactionSync(() => this.#store.forget(number));
    if (isCurrent) this.#loop.reload();
  }

  /** Aborts every call and erases everything, because the job is gone. */
  async erase(): Promise<void> {
    this.#loop.stop();
    // The tables do not exist from here on. A call before that is on disk must not look for them.
    const erased = this.ctx.storage.deleteAll();
    this.#store = new FanOutStore(this.ctx.storage.sql);
    this.#alarm.taken();
    this.#loop = this.#newLoop();
    await erased;
  }

  #find(number: number, key: string): { readonly fanOut: StoredFanOut; readonly run: Run } | undefined {
    const fanOut = this.#store.find(number);
    if (fanOut === undefined) return undefined;
    const current = this.#loop.work.currentOf(fanOut);
    const run = current === undefined ? this.#store.run(fanOut.spec, key) : current.find(key);
    return run === undefined ? undefined : { fanOut, run };
  }

  #changed(fanOut: StoredFanOut, key: string, before: Run, after: Run, change: RunChange): Outcome<RunView> {
    this.#loop.change(fanOut, key, before, after);
    if (!("via" in change) || change.via === undefined) followUpOffer(this.env, after);
    return ok(viewOf(fanOut, after));
  }

  #apply(run: Run, change: Exclude<RunChange, { kind: "complete" }>): Run {
    const now = Date.now();
    if (change.kind === "cancel") return cancelRun(run, now);
    if (change.kind === "release") return releaseRun(run, now);
    const job = this.#loop.work.current?.job;
    // A run that has not ended belongs to the running fan-out.
    return job === undefined ? run : progressRun(run, change.progress, rulesOf(job), now);
  }

  /** The user's last ended run, for a job with `continuity`. */
  #previous({ continuity }: FanOutSpec["definition"], { seq, id }: Run): Run | undefined {
    return continuity ? this.#store.lastEnded(seq, keyOfUserRun(id)) : undefined;
  }

  #newLoop(): FanOutLoop {
    const settings = settingsOf(this.env);
    const now = () => Date.now();
    return new FanOutLoop(this.#store, {
      now,
      random: () => Math.random(),
      held: (spec) => heldBecause(settings, spec.definition.exec_scope),
      call: (job, { jobId, origin, definition }, run, deadline) =>
        callJob(
          this.env,
          settings,
          { definition, origin, maxAttempts: job.retry.maxAttempts },
          { ...run, jobId, previous: this.#previous(definition, run) },
          { now, deadline },
        ),
      report: (spec) => this.#report(spec),
      ended: ({ jobId: id, definition }, run) => this.#telemetry.recorded({ ...definition, id }, [run]),
      budget: () => this.#telemetry.woke(new CallBudget(settings.CALLS_PER_WAKE)),
      alarm: this.#alarm,
    });
  }

  /** Reports to the job. If the report gets lost, the job asks by itself every few minutes. */
  async #report(spec: FanOutSpec): Promise<void> {
    try {
      const known = await jobObject(this.env, spec.jobId).fanOutReport(spec.id);
      if (!known) await this.forget(spec.number);
    } catch (error) {
      logError(
        "The job could not be told that a shard of its fan-out is idle; it will ask",
        { job_id: spec.jobId },
        error,
      );
    }
  }
}

const viewOf = (fanOut: StoredFanOut, run: Run): RunView => userRunView(fanOut.spec.jobId, fanOut.spec.id, run);
