/**
 * The work on the running fan-out: it feeds it, waits until every shard is idle, and sums the counts. It calls no agent
 * itself. Each wake ends within the remaining calls. Failures are counted, so that no step is tried for ever.
 */
import {
  countFanOut,
  endFanOut,
  type FanOut,
  type FanOutCounts,
  stalled,
  sumCounts,
} from "../../../src/domain/fan-out/fan-out.ts";
import { nextStep } from "../../../src/domain/fan-out/next-step.ts";
import { pauseJob } from "../../../src/domain/job/stop.ts";
import type { TickState } from "../../../src/domain/run/tick.ts";
import { errorText } from "../../../src/domain/text/error-text.ts";
import type { Env, Settings } from "../../../src/env.ts";
import { mapLimit } from "../../../src/map-limit.ts";
import { type FanOutRpc, fanOutShard, type ShardStatus } from "../../../src/objects/fan-out.ts";
import { type CallBudget, isCallRefusal } from "../../../src/outbound/call-budget.ts";
import { FAN_OUT_RETENTION, MINUTE_MS, SECOND_MS } from "../../../src/schema/limits.ts";
import type { JobState } from "../state.ts";
import { FanOutFeed } from "./feed.ts";

/** The pause between two questions to the shards. Shards report by themselves; a question only finds lost reports. */
const POLL_MS = 2 * MINUTE_MS;

export type FanOutEffects = {
  readonly now: () => number;
  readonly random: () => number;
  readonly held: (state: Pick<TickState, "record">) => string | undefined;
  readonly report: (message: string, error: unknown) => void;
};

export class FanOutWork {
  readonly #env: Env;
  readonly #state: JobState;
  readonly #effects: FanOutEffects;
  readonly #feed: FanOutFeed;
  /** The shards that are known to be done, by fan-out and shard. */
  readonly #settled = new Map<string, ShardStatus>();
  #working: Promise<void> | undefined;
  /** Set when a shard has reported since the work began. */
  #reported = false;

  constructor(env: Env, settings: Settings, state: JobState, effects: FanOutEffects) {
    this.#env = env;
    this.#state = state;
    this.#effects = effects;
    this.#feed = new FanOutFeed(env, settings, state, effects);
  }

  /** Does the work that is possible now, within the remaining calls. It joins work that is under way. Never throws. */
  run(budget: CallBudget): Promise<void> {
    this.#working ??= this.#run(budget).finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  /** Resolves when no work is under way. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** Notes that a shard has reported, so that the shards are asked now. */
  reported(): void {
    this.#reported = true;
    this.#state.wakeFanOutAt(this.#effects.now());
  }

  /** Forgets the fan-out in this process, because none is running any more. */
  forget(): void {
    this.#feed.close();
    this.#feed.forgetShards();
    this.#settled.clear();
  }

  async #run(budget: CallBudget): Promise<void> {
    try {
      this.#reported = false;
      await this.#forgetOld();
      for (let pages = 0, startedAt = this.#effects.now(); ; pages++) {
        const fanOut = this.#state.going;
        if (fanOut === undefined) return this.forget();
        const step = nextStep(fanOut, { now: this.#effects.now(), startedAt, pages, callsLeft: budget.left });
        if (step.kind === "rest") return;
        if (!budget.take(step.calls)) budget.exhaust();
        if (step.kind === "settle") return await this.#settle(fanOut, budget);
        if ((await this.#feed.page(fanOut)) === "postponed") return this.#postpone(budget);
      }
    } catch (error) {
      this.#feed.forgetShards();
      this.#failed(error, budget);
    }
  }

  /**
   * Leaves the work to the next invocation, because the platform allows no further call in this one. It does not count as a
   * failure.
   */
  #postpone(budget: CallBudget): void {
    budget.exhaust();
    const fanOut = this.#state.going;
    if (fanOut !== undefined) this.#state.commit({ fanOut: { ...fanOut, wakeAt: this.#effects.now() + SECOND_MS } });
  }

  #failed(error: unknown, budget: CallBudget): void {
    if (isCallRefusal(error)) {
      this.#postpone(budget);
      return;
    }
    const fanOut = this.#state.going;
    const now = this.#effects.now();
    this.#effects.report("A fan-out could not go on", error);
    if (fanOut === undefined) return;
    const next = stalled(fanOut, errorText(error), sumCounts(this.#settledCounts(fanOut)), now);
    if (next.status === "running") this.#state.commit({ fanOut: next });
    else this.#end(next);
  }

  /** Asks the shards that are not known to be done. When all are, the fan-out ends. */
  async #settle(fanOut: FanOut, budget: CallBudget): Promise<void> {
    this.#feed.close();
    do {
      this.#reported = false;
      const unsettled = fanOut.activeShards.filter((shardIndex) => !this.#settled.has(keyOf(fanOut, shardIndex)));
      await mapLimit(unsettled, async (shardIndex) => {
        const status = await this.#shard(shardIndex).status(fanOut.number);
        if (status.agentGone !== undefined) this.#pauseFor(status.agentGone);
        if (status.idle) this.#settled.set(keyOf(fanOut, shardIndex), status);
      });
    } while (this.#reported && this.#state.going !== undefined && budget.take(fanOut.activeShards.length));
    const current = this.#state.going;
    if (current?.number !== fanOut.number) return;
    const now = this.#effects.now();
    const parts = this.#settledCounts(current);
    if (parts.length < current.activeShards.length) {
      const { stalls, ...source } = current.source;
      if (stalls !== undefined) this.#state.commit({ fanOut: { ...current, source } });
      // If there were no calls left to follow a report, the next wake follows it.
      this.#state.restFanOutUntil(now + (this.#reported ? SECOND_MS : POLL_MS));
      return;
    }
    this.#end(endFanOut(current, sumCounts(parts), now));
  }

  #settledCounts(fanOut: FanOut): FanOutCounts[] {
    return fanOut.activeShards.flatMap((shardIndex) => this.#settled.get(keyOf(fanOut, shardIndex))?.counts ?? []);
  }

  #end(ended: FanOut): void {
    const { cursor } = this.#state.stored ?? {};
    const [shardIndex] = ended.activeShards;
    const lastDay = shardIndex === undefined ? undefined : this.#settled.get(keyOf(ended, shardIndex))?.lastDay;
    const counted = cursor === undefined ? {} : { cursor: countFanOut(cursor, ended, this.#effects.now(), lastDay) };
    this.#state.commit({ fanOut: ended, ...counted });
    this.forget();
  }

  /**
   * Pauses the job, because an agent answered 410 and does not want it any more (docs/contract.md §4). It happens once, and
   * the running fan-out continues.
   */
  #pauseFor(reason: string): void {
    const state = this.#state.stored;
    const fanOut = this.#state.going;
    if (state === undefined || fanOut === undefined || fanOut.agentGone) return;
    const paused = pauseJob(state.record, state.cursor, { by: "gone", reason }, this.#effects.now());
    this.#state.commit({ ...paused, fanOut: { ...fanOut, agentGone: true } });
  }

  /** Drops all but the newest fan-outs, together with their users' runs. */
  async #forgetOld(): Promise<void> {
    for (const { number, activeShards } of this.#state.fanOuts.beyond(FAN_OUT_RETENTION)) {
      await mapLimit(activeShards, (shardIndex) => this.#shard(shardIndex).forget(number));
      this.#state.fanOuts.delete(number);
    }
  }

  #shard(shardIndex: number): FanOutRpc {
    const id = this.#state.stored?.record.id;
    if (id === undefined) throw new Error("A job that does not exist has no fan-outs");
    return fanOutShard(this.#env, id, shardIndex);
  }
}

const keyOf = ({ number }: FanOut, shardIndex: number): string => `${number}/${shardIndex}`;
