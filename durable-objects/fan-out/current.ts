/**
 * The fan-out that a shard works on, in memory. It has its job and bounds, its queue, its log and its calls in flight. A
 * turn (`turn.ts`) advances it. Callers from outside read or change a run here. Older fan-outs are only stored.
 */
import { compact } from "../../src/domain/compact.ts";
import { boundOf, concurrencyOf, intervalOf } from "../../src/domain/fan-out/shard.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import { type CompiledJob, defineJob } from "../../src/domain/job/definition.ts";
import type { AttemptOutcome } from "../../src/domain/run/attempt-outcome.ts";
import { addSpend, dayOf, type Spent, spentSince } from "../../src/domain/run/budget.ts";
import { cancelRun, isActive, type Run } from "../../src/domain/run/run.ts";
import type { ShardStatus } from "../../src/objects/fan-out.ts";
import type { Deadline } from "../../src/outbound/deadline.ts";
import { type Flight, Flights } from "./flights.ts";
import { countsOf, FanOutLog } from "./log.ts";
import { FanOutQueue, type OpenBatch } from "./queue.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";

/** The events that come by themselves: an answered call, an ended run. */
export type CurrentEvents = {
  readonly answered: () => void;
  readonly ended: (spec: FanOutSpec, run: Run) => void;
};

/** The number of waiting runs that are ended when the next fan-out is opened. */
const MAX_LEFT = 10_000;
const LEFT_BEHIND = "interrupted: the fan-out was ended before this run, and the next one has begun";

export class CurrentFanOut {
  readonly spec: FanOutSpec;
  readonly job: CompiledJob;
  /** The number of calls that this shard may have in flight. */
  readonly concurrency: number;
  /** The least time between two calls of this shard, in ms. 0 for a job without a rate. */
  readonly interval: number;
  readonly log: FanOutLog;
  readonly queue: FanOutQueue;
  readonly flights: Flights;
  readonly #store: FanOutStore;
  #agentGone: string | undefined;
  #spent: Spent | undefined;

  /** Throws if the stored definition cannot be read, because a later version of the code has written it. */
  constructor(stored: StoredFanOut, store: FanOutStore, events: CurrentEvents) {
    const { spec, shardIndex } = stored;
    const job = defineJob(spec.definition, { stored: true });
    if (!job.ok)
      throw new Error(`The stored definition of fan-out ${spec.id} cannot be read: ${JSON.stringify(job.error)}`);
    const bound = boundOf(spec.definition);
    this.spec = spec;
    this.job = job.value;
    this.concurrency = concurrencyOf(bound, spec.shards, shardIndex);
    this.interval = intervalOf(bound, spec.shards);
    this.log = new FanOutLog(store, spec, (run) => events.ended(spec, run));
    this.queue = new FanOutQueue(store, spec.number);
    this.flights = new Flights(events.answered);
    this.#store = store;
    this.#agentGone = stored.agentGone;
    this.#spent = spec.definition.budget === undefined ? undefined : store.spent(spec);
  }

  /** The job's spend, including this fan-out's runs. Undefined for a job without a budget. */
  get spent(): Spent | undefined {
    return this.#spent;
  }

  /** Notes the spend after a turn. */
  noteSpent(spent: Spent | undefined): void {
    this.#spent = spent;
  }

  /** Notes that an agent has answered 410. The first reason stays. */
  noteAgentGone(reason: string): void {
    this.#store.noteAgentGone(this.spec.number, reason);
    this.#agentGone ??= reason;
  }

  /** The user's run as it is now, in flight or logged. */
  find(key: string): Run | undefined {
    return this.flights.byKey.get(key)?.run ?? this.log.find(key);
  }

  /** Runs in flight that the log does not hold. */
  unlogged(): Run[] {
    return [...this.flights.byKey.values()].filter(({ logged }) => !logged).map(({ run }) => run);
  }

  get isIdle(): boolean {
    return this.flights.size === 0 && this.log.tally.active === 0 && this.queue.size === 0;
  }

  /** The progress of this shard. A user who has not run yet counts once for each time that the source named them. */
  status(): ShardStatus {
    this.log.write();
    const counts = countsOf(this.log.tally);
    const toCome = this.queue.size + this.unlogged().length;
    return {
      idle: this.isIdle,
      counts: { ...counts, total: counts.total + toCome },
      ...compact({ agentGone: this.#agentGone }),
      ...(this.#spent === undefined ? {} : { lastDay: spentSince(this.spec.spent, this.#spent) }),
    };
  }

  /** Calls the agent for a run. The user's batch stays open until the run has ended or waits. */
  begin(flight: Flight, now: number, call: (deadline: Deadline) => Promise<AttemptOutcome>): void {
    this.flights.begin(flight, this.job.timeoutMs, now, call);
  }

  /** Ends a flight, since the log has its result. */
  land(key: string): void {
    const batch = this.flights.land(key);
    if (batch !== undefined) this.endIn(batch);
  }

  /** Notes that one user of a batch is logged. A batch is dropped in the commit that logs the last of its users. */
  endIn(batch: OpenBatch): void {
    if (!this.queue.ended(batch)) return;
    this.log.write();
    this.queue.drop(batch);
  }

  /**
   * Ends the active runs as errors. The job has ended this fan-out without this shard and opens another one, so nobody
   * would look after them any more.
   */
  leave(now: number): void {
    const waiting = this.#store.dueRuns(this.spec, Number.MAX_SAFE_INTEGER, MAX_LEFT);
    for (const run of this.unlogged()) this.log.put(cancelRun(run, now, LEFT_BEHIND), undefined, now);
    for (const run of waiting) this.log.put(cancelRun(run, now, LEFT_BEHIND), run, now);
    this.log.write();
  }

  /** Logs a run that was changed from outside. True if that ended its flight, so a turn may have more to do. */
  change(key: string, before: Run, after: Run, now: number): boolean {
    const flight = this.flights.byKey.get(key);
    this.log.put(after, flight === undefined || flight.logged ? before : undefined, now);
    const { budget, schedule } = this.spec.definition;
    if (budget !== undefined && !isActive(after)) {
      this.#spent = addSpend(this.#spent, { usd: after.costUsd ?? 0, tokens: after.tokens ?? 0 }, dayOf(schedule, now));
    }
    // The client will hear that the change is stored, so it is written first.
    this.log.write();
    // If a run is claimed while its offer is still being made, the agent has it, and the offer's answer does not count.
    if (flight !== undefined && after.phase === "calling") {
      this.flights.relogged(key, after);
      return false;
    }
    this.land(key);
    return true;
  }
}
