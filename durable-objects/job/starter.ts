/** Starts of runs by clients: run now, retry, backfill, and events from outside with their token. */
import { subjectOf } from "../../src/domain/audit.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import type { Caller } from "../../src/domain/job/access.ts";
import { changeByBackfill } from "../../src/domain/job/backfill.ts";
import { ownerOf } from "../../src/domain/job/definition.ts";
import {
  changeByRetry,
  changeByRunNow,
  changeByTrigger,
  type Repeated,
  type RunStarted,
} from "../../src/domain/job/start-run.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { RunInput } from "../../src/domain/run/run.ts";
import { parseUserRunId } from "../../src/domain/run/run-id.ts";
import type { TickState } from "../../src/domain/run/tick.ts";
import { allowanceOf, type Env, settingsOf } from "../../src/env.ts";
import { shardFor } from "../../src/objects/directory.ts";
import type { Started, TriggerAnswer, TriggerRequest } from "../../src/objects/job.ts";
import type { BackfillBody, Triggered } from "../../src/schema/run.ts";
import type { JobFanOuts } from "./fan-outs/fan-outs.ts";
import type { UserRuns } from "./fan-outs/user-runs.ts";
import { type JobState, runnableJob } from "./state.ts";
import type { TriggerKeys } from "./trigger-store.ts";

export type StarterEffects = {
  readonly now: () => number;
  /** Why nothing fires at present, if that is so. */
  readonly held: (state: Pick<TickState, "record">) => string | undefined;
};

export class JobStarter {
  readonly #env: Env;
  readonly #state: JobState;
  readonly #fanOuts: JobFanOuts;
  readonly #userRuns: UserRuns;
  readonly #keys: TriggerKeys;
  readonly #effects: StarterEffects;

  constructor(
    env: Env,
    state: JobState,
    parts: { readonly fanOuts: JobFanOuts; readonly userRuns: UserRuns; readonly keys: TriggerKeys },
    effects: StarterEffects,
  ) {
    this.#env = env;
    this.#state = state;
    this.#fanOuts = parts.fanOuts;
    this.#userRuns = parts.userRuns;
    this.#keys = parts.keys;
    this.#effects = effects;
  }

  runNow(caller: Caller, input: RunInput): Outcome<Started> {
    const seen = runnableJob(this.#state, caller);
    if (!seen.ok) return seen;
    if (seen.value.record.definition.exec_scope === "all_users")
      return this.#fanOuts.runNow(seen.value, input, nonce());
    return this.#started(changeByRunNow(seen.value, input, nonce(), this.#effects.now()));
  }

  /** Repeats a run. Errors: `not_found`, also for a run that the log no longer keeps. */
  async retry(caller: Caller, runId: string): Promise<Outcome<{ readonly run_id: string }>> {
    const seen = runnableJob(this.#state, caller);
    if (!seen.ok) return seen;
    const old = await this.#repeatable(runId);
    if (old === undefined) return notFound("run");
    const going = this.#state.fanOuts.present ? this.#fanOuts.goingId : undefined;
    if (going !== undefined) return err({ kind: "job_already_running", run_id: going });
    const { current } = this.#state;
    if (current === undefined) return notFound("job");
    return this.#started(changeByRetry(current, old, nonce(), this.#effects.now()));
  }

  /** The run to repeat. A user's run of a fan-out lives in a shard, and its input in the fan-out. */
  async #repeatable(runId: string): Promise<Repeated | undefined> {
    const parsed = parseUserRunId(runId);
    if (parsed === undefined) return this.#state.store.run(runId);
    const fanOut = this.#state.fanOuts.find(parsed.fanOutId);
    const run = await this.#userRuns.run(runId);
    if (fanOut === undefined || !run.ok) return undefined;
    const { message, payload } = fanOut.definition;
    const phase = run.value.status === "running" ? "waiting" : "ended";
    return { id: runId, dueAt: fanOut.dueAt, phase, userId: run.value.user_id, message, payload };
  }

  #started(change: Outcome<RunStarted>): Outcome<{ readonly run_id: string }> {
    if (!change.ok) return change;
    this.#state.commit(change.value);
    return ok({ run_id: change.value.run.id });
  }

  /** Queues past fires, if the owner may fire more today, or drops the waiting ones. */
  async backfill(caller: Caller, body: BackfillBody): Promise<Outcome<{ readonly count: number }>> {
    const decide = () => this.#decided(caller, (state) => changeByBackfill(state, body, this.#effects.now()));
    const wanted = decide();
    if (!wanted.ok) return wanted;
    const { count } = wanted.value;
    const { maxFires } = allowanceOf(settingsOf(this.#env), caller);
    const owner = this.#state.stored === undefined ? undefined : ownerOf(this.#state.stored.record.definition);
    if (count > 0 && maxFires !== undefined && owner !== undefined) {
      const room = await shardFor(this.#env, owner).admitBackfill({ owner, maker: subjectOf(caller) }, count, maxFires);
      if (!room.ok) return room;
    }
    const change = decide();
    if (!change.ok) return change;
    if (change.value.record !== undefined) this.#state.commit(change.value);
    return ok({ count: change.value.count });
  }

  #decided<T>(caller: Caller, decide: (state: TickState) => Outcome<T>): Outcome<T> {
    const seen = runnableJob(this.#state, caller);
    return seen.ok ? decide(seen.value) : seen;
  }

  /**
   * Starts a run for an event from outside. The token may change the job, or is the job's own trigger token. `denied`: it
   * is not the job's token.
   */
  trigger(caller: Caller, { key, ...event }: TriggerRequest): Outcome<TriggerAnswer> {
    const seen = this.#triggerable(caller);
    if (seen === "denied") return ok({ kind: "denied" });
    if (!seen.ok) return seen;
    const now = this.#effects.now();
    const known = key === undefined ? undefined : this.#keys.find(key, now);
    if (known !== undefined) return ok({ kind: "answered", answer: known, repeated: true });
    const state = seen.value;
    const context = { nonce: nonce(), held: this.#effects.held(state), now };
    const done =
      state.record.definition.exec_scope === "all_users"
        ? this.#fanOuts.trigger(state, event, context)
        : this.#triggered(changeByTrigger(state, event, context));
    if (!done.ok) return done;
    // The key is stored in the commit of the run, so a repeat finds both or neither.
    if (key !== undefined) this.#keys.keep(key, done.value, now);
    return ok({ kind: "answered", answer: done.value, repeated: false });
  }

  #triggered(change: ReturnType<typeof changeByTrigger>): Outcome<Triggered> {
    if (!change.ok) return change;
    this.#state.commit(change.value);
    return ok({ run_id: change.value.runId, status: change.value.status });
  }

  #triggerable(caller: Caller): Outcome<TickState> | "denied" {
    if (caller.role !== "trigger") return runnableJob(this.#state, caller);
    const { current } = this.#state;
    const isOwn = current !== undefined && current.record.deletedAt === undefined;
    return isOwn && current.record.triggerTokenHash === caller.token_hash ? ok(current) : "denied";
  }
}

/** 48 random bits in hex. They distinguish two runs that were requested in the same millisecond. */
const nonce = (): string =>
  [...crypto.getRandomValues(new Uint8Array(6))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
