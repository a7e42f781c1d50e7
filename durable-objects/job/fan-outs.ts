/**
 * A job's fan-outs as its object runs them: it reads the users page by page, hands them to the shards, waits until every shard is
 * idle, and adds up. It calls no agent itself. All of it goes on from what is stored: the page's cursor is committed after
 * its users were handed over, and a page handed over twice is harmless (DESIGN "Fan-out").
 */

import { compact } from "../../src/domain/compact.ts";
import { SHARD_COUNT } from "../../src/domain/directory-shard.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import {
  countFanOut,
  decideFire,
  endFanOut,
  type FanOut,
  type FanOutCounts,
  openFanOut,
  pageHanded,
  sourceFailed,
  stalled,
  sumCounts,
} from "../../src/domain/fan-out/fan-out.ts";
import { shardOfUser } from "../../src/domain/fan-out/shard.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import { fanOutView } from "../../src/domain/fan-out/view.ts";
import type { JobRecord } from "../../src/domain/job/job.ts";
import { refuseStart, type TriggerContext, type TriggerEvent, toldByEvent } from "../../src/domain/job/start-run.ts";
import { pauseJob } from "../../src/domain/job/stop.ts";
import { err, ok } from "../../src/domain/result.ts";
import { skipFire } from "../../src/domain/run/new-run.ts";
import type { Told } from "../../src/domain/run/run.ts";
import { eventRunId } from "../../src/domain/run/run-id.ts";
import type { TickState } from "../../src/domain/run/tick.ts";
import { errorText } from "../../src/domain/text/error-text.ts";
import type { Env, Settings } from "../../src/env.ts";
import { inTurns } from "../../src/map-limit.ts";
import { type FanOutRpc, fanOutShard, type ShardStatus } from "../../src/objects/fan-out.ts";
import { type CallBudget, isCallRefusal } from "../../src/outbound/call-budget.ts";
import type { FanOut as FanOutView } from "../../src/schema/fan-out.ts";
import { FAN_OUT_RETENTION, MINUTE_MS, SECOND_MS } from "../../src/schema/limits.ts";
import type { Triggered } from "../../src/schema/run.ts";
import { openSource } from "../../src/users/open.ts";
import type { ActiveUserSource } from "../../src/users/source.ts";
import { FanOutProgress } from "./fan-out-progress.ts";
import type { JobState } from "./state.ts";
import { allShardsOf } from "./user-runs.ts";

/** So many pages are handed over in one wake, for so long: every call to a shard is a subrequest, and the job answers others in between. */
const MAX_PAGES_PER_WAKE = 20;
const MAX_FEED_MS = 20 * SECOND_MS;
/** A page of the roster asks every shard of the directory. */
const SOURCE_CALLS = SHARD_COUNT;
/** How often the shards are asked where they are. They report by themselves; asking is for reports that are lost. */
const POLL_MS = 2 * MINUTE_MS;

export type FanOutEffects = {
  readonly now: () => number;
  readonly random: () => number;
  readonly held: (state: Pick<TickState, "record">) => string | undefined;
  readonly report: (message: string, error: unknown) => void;
};

export class JobFanOuts {
  /** The counts of the fan-out that is going, for listeners. */
  readonly progress: FanOutProgress;
  readonly #env: Env;
  readonly #settings: Settings;
  readonly #state: JobState;
  readonly #effects: FanOutEffects;
  #source: { readonly no: number; readonly users: ActiveUserSource } | undefined;
  /** Shards that have been told of the current fan-out in this process, and those that are known to be done with it. */
  readonly #opened = new Set<string>();
  readonly #settled = new Map<string, ShardStatus>();
  #working: Promise<void> | undefined;
  /** A shard has reported since the work began. */
  #reported = false;

  constructor(env: Env, settings: Settings, state: JobState, effects: FanOutEffects) {
    this.#env = env;
    this.#settings = settings;
    this.#state = state;
    this.#effects = effects;
    this.progress = new FanOutProgress({
      going: () => this.#going(),
      status: (k, no) => this.#shard(k).status(no),
      listen: (listener) => state.onCommit(listener),
      report: effects.report,
    });
  }

  /** The Cron Trigger's tick of `tickAt` (epoch ms): fires what is due. Repeating it does nothing. */
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
      ...(open === undefined ? {} : { fanOut: open }),
      ...(skipped === undefined ? {} : { runs: [skipped] }),
    });
  }

  /** Run now. Errors: `job_finished`; `job_already_running` while a fan-out is going. */
  runNow(state: TickState, told: Told, nonce: string): Outcome<{ readonly fan_out_id: string }> {
    const { record } = state;
    const now = this.#effects.now();
    const refused = refuseStart("manual", state, now);
    if (refused !== undefined) return err(refused);
    const newest = this.#state.fanOuts.newest();
    const [active] = state.active;
    if (newest?.status === "running") return err({ kind: "job_already_running", run_id: newest.id });
    if (active !== undefined) return err({ kind: "job_already_running", run_id: active.id });
    const opened = { trigger: "manual", dueAt: now, missed: 0, no: (newest?.no ?? 0) + 1 } as const;
    const fanOut = openFanOut(toldTo(record, told), { requestedAt: now, nonce }, opened, now);
    this.#state.commit({ fanOut });
    return ok({ fan_out_id: fanOut.id });
  }

  /**
   * An event from outside opens a fan-out. While one is going, or the job is held, it is skipped, and leaves a run that says so.
   * Errors: `job_finished`, `job_paused`, `budget_exceeded`, `validation_failed`.
   */
  trigger(state: TickState, event: TriggerEvent, { nonce, held, now }: TriggerContext): Outcome<Triggered> {
    const { record, cursor } = state;
    const refused = refuseStart("event", { ...state, held }, now);
    if (refused !== undefined) return err(refused);
    const told = toldByEvent(state, event);
    if (!told.ok) return told;
    const newest = this.#state.fanOuts.newest();
    const opened = { trigger: "event", dueAt: now, missed: 0, no: (newest?.no ?? 0) + 1 } as const;
    const fanOut = openFanOut(toldTo(record, told.value), { requestedAt: now, nonce }, opened, now);
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

  /** The id of the fan-out that is going, if one is. */
  get goingId(): string | undefined {
    return this.#going()?.id;
  }

  /** A shard has something to tell. False: there is no such fan-out (any more), the shard may forget it. */
  reported(fanOutId: string): boolean {
    const newest = this.#state.stored === undefined ? undefined : this.#state.fanOuts.newest();
    if (newest?.id === fanOutId && newest.status === "running") {
      this.#reported = true;
      this.#state.wakeFanOutAt(this.#effects.now());
      return true;
    }
    return this.#state.stored !== undefined && this.#state.fanOuts.find(fanOutId) !== undefined;
  }

  /**
   * Does what can be done now for the fan-out that is going, within the calls that are left; called by the loop when its time
   * has come. Never throws.
   */
  work(budget: CallBudget): Promise<void> {
    this.#working ??= this.#workOnce(budget).finally(() => {
      this.#working = undefined;
    });
    return this.#working;
  }

  /** Drops every shard of the deleted job. Nothing is handed over any more when it returns; throws where a shard cannot be reached. */
  async erase(): Promise<void> {
    await this.#working;
    const fanOuts = this.#state.fanOuts.list(FAN_OUT_RETENTION + 1);
    await inTurns(allShardsOf(fanOuts), (k) => this.#shard(k).erase());
    this.#forgetProcess();
  }

  /** Newest first. Errors: none. */
  async list(limit: number, beforeNo?: number): Promise<{ readonly items: FanOutView[]; readonly next?: number }> {
    const fanOuts = this.#state.fanOuts.list(limit + 1, beforeNo);
    const page = fanOuts.slice(0, limit);
    const items = await Promise.all(page.map((fanOut) => this.#view(fanOut)));
    const last = page.at(-1);
    return fanOuts.length > limit && last !== undefined ? { items, next: last.no } : { items };
  }

  /** With live counts while it is going. Errors: `not_found`. */
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
    const statuses = await inTurns(fanOut.fed, (k) => this.#shard(k).status(fanOut.no));
    return sumCounts(statuses.map(({ counts }) => counts));
  }

  async #workOnce(budget: CallBudget): Promise<void> {
    try {
      this.#reported = false;
      await this.#forgetOld();
      for (let pages = 0, startedAt = this.#effects.now(); ; pages++) {
        const fanOut = this.#going();
        if (fanOut === undefined) return this.#forgetProcess();
        // A wake's first calls are made however many they are: no later wake would have more to spend.
        const calls = fanOut.source.done ? fanOut.fed.length : SOURCE_CALLS + fanOut.shards;
        if (!budget.take(calls) && pages > 0) return;
        if (fanOut.source.done) return await this.#settle(fanOut, budget);
        const now = this.#effects.now();
        if (pages >= MAX_PAGES_PER_WAKE || now - startedAt > MAX_FEED_MS) return;
        if (fanOut.wakeAt > now) return;
        await this.#feed(fanOut);
      }
    } catch (error) {
      this.#opened.clear();
      const fanOut = this.#going();
      if (isCallRefusal(error)) {
        budget.exhaust();
        if (fanOut !== undefined)
          this.#state.commit({ fanOut: { ...fanOut, wakeAt: this.#effects.now() + SECOND_MS } });
        return;
      }
      if (fanOut !== undefined) this.#stalled(fanOut, errorText(error));
      this.#effects.report("A fan-out could not go on", error);
    }
  }

  #stalled(fanOut: FanOut, reason: string): void {
    const parts = fanOut.fed.flatMap((k) => this.#settled.get(`${fanOut.no}/${k}`)?.counts ?? []);
    const next = stalled(fanOut, reason, sumCounts(parts), this.#effects.now());
    if (next.status === "running") this.#state.commit({ fanOut: next });
    else this.#end(next);
  }

  #end(ended: FanOut): void {
    const { cursor } = this.#state.stored ?? {};
    this.#state.commit({
      fanOut: ended,
      ...(cursor === undefined ? {} : { cursor: countFanOut(cursor, ended, this.#effects.now()) }),
    });
    this.#forgetProcess();
  }

  /** The fan-out that is going, unless the job is being deleted. */
  #going(): FanOut | undefined {
    const state = this.#state.stored;
    return state === undefined || state.record.deletedAt !== undefined ? undefined : state.fanOut;
  }

  /** One page of users, from the source to the shards; its cursor is stored when every shard has taken its part. */
  async #feed(fanOut: FanOut): Promise<void> {
    const page = await this.#sourceOf(fanOut).page(fanOut.source.cursor);
    if (!page.ok) {
      const policy = this.#state.current?.job.retry;
      if (policy === undefined || this.#going()?.no !== fanOut.no) return;
      const context = { policy, now: this.#effects.now(), random: this.#effects.random() };
      this.#state.commit({ fanOut: sourceFailed(fanOut, page.error, context) });
      return;
    }
    const byShard = new Map<number, string[]>();
    for (const user of new Set(page.value.users)) {
      const k = shardOfUser(user, fanOut.shards);
      const its = byShard.get(k);
      if (its === undefined) byShard.set(k, [user]);
      else its.push(user);
    }
    // Stored before a user is handed over: whoever deletes the job, or looks for a run, must know of the shard.
    const isNew = [...byShard.keys()].some((k) => !fanOut.fed.includes(k));
    if (isNew && this.#going()?.no === fanOut.no) {
      this.#state.commit({
        fanOut: { ...fanOut, fed: [...new Set([...fanOut.fed, ...byShard.keys()])].sort((a, b) => a - b) },
      });
    }
    await inTurns(byShard, async ([k, users]) => {
      if (this.#going()?.no === fanOut.no) await this.#handOver(fanOut, k, users);
    });
    const current = this.#going();
    if (current?.no !== fanOut.no) return;
    const { users, cursor } = page.value;
    const handed = { users: users.length, shards: byShard.keys(), cursor };
    this.#state.commit({ fanOut: pageHanded(current, handed, this.#effects.now()) });
  }

  async #handOver(fanOut: FanOut, k: number, users: readonly string[]): Promise<void> {
    const shard = this.#shard(k);
    const key = `${fanOut.no}/${k}`;
    if (this.#opened.has(key) && (await shard.feed(fanOut.no, users))) return;
    const { no, id, trigger, dueAt, startedAt, definition, origin, shards } = fanOut;
    // While a fan-out is going nothing else of the job spends: this is what it had spent when the fan-out began.
    const spent = this.#state.stored?.cursor.spent;
    const jobId = this.#jobId;
    const spec: FanOutSpec = {
      ...{ no, id, jobId, trigger, dueAt, startedAt, definition, shards },
      ...(origin === undefined ? {} : { origin }),
      ...(spent === undefined ? {} : { spent }),
    };
    await shard.feed(no, users, { spec, k });
    this.#opened.add(key);
  }

  /** Asks the shards that are not known to be done; when all are, the fan-out has ended. */
  async #settle(fanOut: FanOut, budget: CallBudget): Promise<void> {
    this.#source?.users.close();
    this.#source = undefined;
    do {
      this.#reported = false;
      const unsettled = fanOut.fed.filter((k) => !this.#settled.has(`${fanOut.no}/${k}`));
      await inTurns(unsettled, async (k) => {
        const status = await this.#shard(k).status(fanOut.no);
        if (status.gone !== undefined) this.#pauseFor(status.gone);
        if (status.idle) this.#settled.set(`${fanOut.no}/${k}`, status);
      });
    } while (this.#reported && this.#going() !== undefined && budget.take(fanOut.fed.length));
    const current = this.#going();
    if (current?.no !== fanOut.no) return;
    const now = this.#effects.now();
    const parts = current.fed.flatMap((k) => this.#settled.get(`${current.no}/${k}`)?.counts ?? []);
    if (parts.length < current.fed.length) {
      const { stalls: _stalls, ...source } = current.source;
      this.#state.commit({ fanOut: { ...current, source, wakeAt: now + POLL_MS } });
      return;
    }
    this.#end(endFanOut(current, sumCounts(parts), now));
  }

  /** An agent that answers 410 wants no more of this job (CONTRACT.md §4): it is paused once, and what is going goes on. */
  #pauseFor(reason: string): void {
    const state = this.#state.stored;
    const fanOut = this.#going();
    if (state === undefined || fanOut === undefined || fanOut.gone) return;
    const paused = pauseJob(state.record, state.cursor, { by: "gone", reason }, this.#effects.now());
    this.#state.commit({ ...paused, fanOut: { ...fanOut, gone: true } });
  }

  /** Only the newest fan-outs are kept, and their users' runs with them. */
  async #forgetOld(): Promise<void> {
    for (const { no, fed } of this.#state.fanOuts.beyond(FAN_OUT_RETENTION)) {
      await inTurns(fed, (k) => this.#shard(k).forget(no));
      this.#state.fanOuts.delete(no);
    }
  }

  #sourceOf(fanOut: FanOut): ActiveUserSource {
    if (this.#source?.no !== fanOut.no) {
      this.#source?.users.close();
      const reading = { fanOutId: fanOut.id, startedAt: fanOut.startedAt, now: this.#effects.now };
      this.#source = { no: fanOut.no, users: openSource(this.#env, this.#settings, reading) };
    }
    return this.#source.users;
  }

  #forgetProcess(): void {
    this.#source?.users.close();
    this.#source = undefined;
    this.#opened.clear();
    this.#settled.clear();
  }

  get #jobId(): string {
    const id = this.#state.stored?.record.id;
    if (id === undefined) throw new Error("A job that does not exist has no fan-outs");
    return id;
  }

  #shard(k: number): FanOutRpc {
    return fanOutShard(this.#env, this.#jobId, k);
  }
}

/** The job as a fan-out is to tell its users of it. */
const toldTo = (record: JobRecord, { message, payload }: Told): JobRecord => ({
  ...record,
  definition: { ...record.definition, ...compact({ message, payload }) },
});
