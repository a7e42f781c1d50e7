/**
 * A job's fan-outs as its object starts and shows them. `work.ts` works on the running one. The shards hold its users'
 * runs.
 */
import { compact } from "../../../src/domain/compact.ts";
import { notFound, type Outcome } from "../../../src/domain/failure.ts";
import {
  decideFire,
  type FanOut,
  type FanOutCounts,
  openFanOut,
  sumCounts,
} from "../../../src/domain/fan-out/fan-out.ts";
import { fanOutView } from "../../../src/domain/fan-out/view.ts";
import type { JobRecord } from "../../../src/domain/job/job.ts";
import {
  inputOfEvent,
  refuseStart,
  type TriggerContext,
  type TriggerEvent,
} from "../../../src/domain/job/start-run.ts";
import { type Page, pageOf } from "../../../src/domain/page.ts";
import { err, ok } from "../../../src/domain/result.ts";
import { skipFire } from "../../../src/domain/run/new-run.ts";
import type { RunInput } from "../../../src/domain/run/run.ts";
import { eventRunId } from "../../../src/domain/run/run-id.ts";
import type { TickState } from "../../../src/domain/run/tick.ts";
import type { Env, Settings } from "../../../src/env.ts";
import { mapLimit } from "../../../src/map-limit.ts";
import { type FanOutRpc, fanOutShard } from "../../../src/objects/fan-out.ts";
import type { CallBudget } from "../../../src/outbound/call-budget.ts";
import type { FanOut as FanOutView } from "../../../src/schema/fan-out.ts";
import { FAN_OUT_RETENTION } from "../../../src/schema/limits.ts";
import type { Triggered } from "../../../src/schema/run.ts";
import type { JobState } from "../state.ts";
import { FanOutProgress } from "./progress.ts";
import { allShardsOf } from "./user-runs.ts";
import { type FanOutEffects, FanOutWork } from "./work.ts";

export class JobFanOuts {
  /** The counts of the running fan-out, for listeners. */
  readonly progress: FanOutProgress;
  readonly #env: Env;
  readonly #state: JobState;
  readonly #effects: FanOutEffects;
  readonly #work: FanOutWork;

  constructor(env: Env, settings: Settings, state: JobState, effects: FanOutEffects) {
    this.#env = env;
    this.#state = state;
    this.#effects = effects;
    this.#work = new FanOutWork(env, settings, state, effects);
    this.progress = new FanOutProgress({
      going: () => state.going,
      status: (shardIndex, number) => this.#shard(shardIndex).status(number),
      listen: (listener) => state.onCommit(listener),
      report: effects.report,
    });
  }

  /** Handles the Cron Trigger's tick of `tickAt` (epoch ms) by firing what is due. Repeating it does nothing. */
  tick(tickAt: number): void {
    const state = this.#state.current;
    if (state === undefined || state.record.deletedAt !== undefined) return;
    if (state.record.definition.exec_scope !== "all_users") return;
    const newest = this.#state.fanOuts.newest();
    const verdict = decideFire(state, { now: this.#effects.now(), tickAt, held: this.#effects.held(state), newest });
    if (verdict === undefined) return;
    const { cursor, open, skipped } = verdict;
    this.#state.commit({
      cursor,
      ...compact({ fanOut: open }),
      ...(skipped === undefined ? {} : { runs: [skipped] }),
    });
  }

  /** Runs the job now. Errors: `job_finished`; `job_already_running` while a fan-out is running. */
  runNow(state: TickState, input: RunInput, nonce: string): Outcome<{ readonly fan_out_id: string }> {
    const { record } = state;
    const now = this.#effects.now();
    const refused = refuseStart("manual", state, now);
    if (refused !== undefined) return err(refused);
    const newest = this.#state.fanOuts.newest();
    const [active] = state.active;
    if (newest?.status === "running") return err({ kind: "job_already_running", run_id: newest.id });
    if (active !== undefined) return err({ kind: "job_already_running", run_id: active.id });
    const opened = { trigger: "manual", dueAt: now, missed: 0, number: (newest?.number ?? 0) + 1 } as const;
    const fanOut = openFanOut(withInput(record, input), { requestedAt: now, nonce }, opened, now);
    this.#state.commit({ fanOut });
    return ok({ fan_out_id: fanOut.id });
  }

  /**
   * Opens a fan-out for an event from outside. While another is running or the job is held, the event leaves a skipped run
   * instead. Errors: `job_finished`, `job_paused`, `budget_exceeded`, `validation_failed`.
   */
  trigger(state: TickState, event: TriggerEvent, { nonce, held, now }: TriggerContext): Outcome<Triggered> {
    const { record, cursor } = state;
    const refused = refuseStart("event", { ...state, held }, now);
    if (refused !== undefined) return err(refused);
    const input = inputOfEvent(state, event);
    if (!input.ok) return input;
    const newest = this.#state.fanOuts.newest();
    const opened = { trigger: "event", dueAt: now, missed: 0, number: (newest?.number ?? 0) + 1 } as const;
    const fanOut = openFanOut(withInput(record, input.value), { requestedAt: now, nonce }, opened, now);
    const going = newest?.status === "running" ? "skipped: the previous fan-out was still going" : undefined;
    const reason = held ?? going;
    if (reason === undefined) {
      this.#state.commit({ fanOut });
      return ok({ fan_out_id: fanOut.id, status: "running" });
    }
    const cause = { id: eventRunId(record.id, now, nonce), trigger: "event", dueAt: now } as const;
    const skipped = skipFire(record, cursor, { ...cause, reason, held: held !== undefined }, now);
    this.#state.commit({ runs: [skipped.run], cursor: skipped.cursor });
    return ok({ fan_out_id: fanOut.id, status: "skipped" });
  }

  /** The id of the running fan-out, if there is one. */
  get goingId(): string | undefined {
    return this.#state.going?.id;
  }

  /** Takes a shard's report. False if the fan-out does not exist (any more), so that the shard may forget it. */
  reported(fanOutId: string): boolean {
    const newest = this.#state.stored === undefined ? undefined : this.#state.fanOuts.newest();
    if (newest?.id === fanOutId && newest.status === "running") {
      this.#work.reported();
      return true;
    }
    return this.#state.stored !== undefined && this.#state.fanOuts.find(fanOutId) !== undefined;
  }

  /**
   * Does the work of the running fan-out that is possible now, within the remaining calls. The loop calls it at its time.
   * Never throws.
   */
  work(budget: CallBudget): Promise<void> {
    return this.#work.run(budget);
  }

  /** Drops every shard of the deleted job. After that no users are handed over. Throws if a shard cannot be reached. */
  async erase(): Promise<void> {
    await this.#work.settled();
    const fanOuts = this.#state.fanOuts.list(FAN_OUT_RETENTION + 1);
    await mapLimit(allShardsOf(fanOuts), (shardIndex) => this.#shard(shardIndex).erase());
    this.#work.forget();
  }

  /** The fan-outs, newest first. Errors: none. */
  async list(limit: number, beforeNumber?: number): Promise<Page<FanOutView, number>> {
    const page = pageOf(this.#state.fanOuts.list(limit + 1, beforeNumber), limit, ({ number }) => number);
    return { ...page, items: await Promise.all(page.items.map((fanOut) => this.#view(fanOut))) };
  }

  /** One fan-out, with live counts while it is running. Errors: `not_found`. */
  async read(id: string): Promise<Outcome<FanOutView>> {
    const fanOut = this.#state.fanOuts.find(id);
    return fanOut === undefined ? notFound("fan-out") : ok(await this.#view(fanOut));
  }

  async #view(fanOut: FanOut): Promise<FanOutView> {
    return fanOutView(
      this.#jobId,
      fanOut,
      fanOut.status === "running" ? await this.#liveCounts(fanOut) : fanOut.counts,
    );
  }

  async #liveCounts(fanOut: FanOut): Promise<FanOutCounts> {
    const statuses = await mapLimit(fanOut.activeShards, (shardIndex) => this.#shard(shardIndex).status(fanOut.number));
    return sumCounts(statuses.map(({ counts }) => counts));
  }

  get #jobId(): string {
    const id = this.#state.stored?.record.id;
    if (id === undefined) throw new Error("A job that does not exist has no fan-outs");
    return id;
  }

  #shard(shardIndex: number): FanOutRpc {
    return fanOutShard(this.#env, this.#jobId, shardIndex);
  }
}

/** The job with this input, as a fan-out passes it to its users. */
const withInput = (record: JobRecord, { message, payload }: RunInput): JobRecord => ({
  ...record,
  definition: { ...record.definition, ...compact({ message, payload }) },
});
