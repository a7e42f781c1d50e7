/**
 * One shard of the directory: the index of some owners' jobs, some users of the roster, some agents, some heartbeats. This
 * class is its RPC surface. Each kind of row has its own store, and `src/directory/` knows which shard to ask. Expected
 * failures are answers. The only throw is a shard count that differs from the one the shard was created with.
 */
import { exportEach } from "../../src/directory/export-jobs.ts";
import { tickEach } from "../../src/directory/tick-jobs.ts";
import {
  type AgentChange,
  type AgentChanged,
  changeAgent,
  type RegisteredAgent,
} from "../../src/domain/agent/registration.ts";
import type { AuditEntry, Author } from "../../src/domain/audit.ts";
import { compact } from "../../src/domain/compact.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import type { IndexEntry } from "../../src/domain/job/index-entry.ts";
import { type Allowance, FINISHED_QUOTAS, isMadeByAnother } from "../../src/domain/limits/admission.ts";
import type { Found } from "../../src/domain/page.ts";
import { err, ok } from "../../src/domain/result.ts";
import { base32 } from "../../src/domain/text/base32.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { settleEach } from "../../src/jobs/builtins.ts";
import { logError } from "../../src/log.ts";
import type {
  DirectoryRpc,
  EntryKey,
  IndexQuery,
  JobCount,
  JobIdKey,
  ListedAgent,
  ListedEntry,
  RegisteredHeartbeat,
  Reservation,
  RosterCount,
  RosterQuery,
  RosterUser,
  SettledBuiltins,
  SweepReport,
  SweepStats,
  TickAnswer,
  WantedBuiltin,
} from "../../src/objects/directory.ts";
import { shardFor } from "../../src/objects/directory.ts";
import { jobObject } from "../../src/objects/job.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import type { ExportedJob } from "../../src/schema/job-export.ts";
import { DAY_MS } from "../../src/schema/limits.ts";
import { makeSecret } from "../shared/secret.ts";
import { AgentStore } from "./agent-store.ts";
import type { JobHealth } from "./events-shard.ts";
import { HeartbeatRegistryStore } from "./heartbeat-store.ts";
import { IdempotencyStore } from "./idempotency-store.ts";
import { IndexStore } from "./index-store.ts";
import { ListStore } from "./list-store.ts";
import { NameStore } from "./name-store.ts";
import { QuotaStore } from "./quota-store.ts";
import { RosterStore } from "./roster-store.ts";
import { giveUpPlace } from "./sweep.ts";
import { Sweeper, type SweeperIo } from "./sweeper.ts";
import { TrustShard } from "./trust-shard.ts";

/** The number of finished jobs erased at once. It is more than one, so a surplus shrinks. */
const ERASED_AT_ONCE = 4;

export class DirectoryObject extends TrustShard implements DirectoryRpc {
  readonly #index: IndexStore;
  readonly #lists: ListStore;
  readonly #sweeper: Sweeper;
  readonly #quota: QuotaStore;
  readonly #names: NameStore;
  readonly #keys: IdempotencyStore;
  readonly #roster: RosterStore;
  readonly #agents: AgentStore;
  readonly #heartbeats: HeartbeatRegistryStore;
  #tickedAt: number | undefined;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#quota = new QuotaStore(this.tables);
    this.#index = new IndexStore(this.tables, this.#quota);
    this.#lists = new ListStore(this.tables);
    this.#sweeper = new Sweeper(this.tables, () => this.#sweeperIo());
    this.#names = new NameStore(this.tables);
    this.#keys = new IdempotencyStore(this.tables);
    this.#roster = new RosterStore(this.tables);
    this.#agents = new AgentStore(this.tables);
    this.#heartbeats = new HeartbeatRegistryStore(this.tables);
  }

  /**
   * Reserves a place for a job before its object is created, so that every job is listed. The job must take the answer's
   * `createdAt`. Errors: `name_reserved`, `quota_exceeded`.
   */
  async reserve(entry: IndexEntry, allowed: Allowance, by?: Author): Promise<Outcome<Reservation>> {
    if (entry.ownerKind !== "system" && this.#names.holderOf(entry.name) !== undefined) {
      return err({ kind: "name_reserved", name: entry.name });
    }
    const reserved = this.#index.reserve(entry, allowed, Date.now());
    if (reserved.ok && !reserved.value.repeated) {
      this.record({ action: "job.create", target: entry.id, by }, { jobId: entry.id, owner: entry.owner });
    }
    return reserved;
  }

  async upsert(entry: IndexEntry, changes: readonly AuditEntry[] = []): Promise<void> {
    this.#index.upsert(entry, Date.now());
    for (const change of changes) this.audit.add(change);
    if (entry.state === "finished") this.#eraseOldest(entry.owner);
  }

  /** See {@link IndexStore.claim}. */
  async claim(entry: IndexEntry, allowed: Allowance): Promise<Outcome<null>> {
    return this.#index.claim(entry, allowed, Date.now());
  }

  /** See {@link IndexStore.remove}. */
  async remove(key: EntryKey & { readonly owner?: string }, changes: readonly AuditEntry[] = []): Promise<void> {
    this.#index.remove(key);
    for (const change of changes) this.audit.add(change);
  }

  async giveUpPlace(key: EntryKey & { readonly owner: string }): Promise<void> {
    this.#giveUp(key);
  }

  async admitBackfill(
    asked: { readonly owner: string; readonly maker: string },
    fires: number,
    maxFires: number,
  ): Promise<Outcome<null>> {
    return this.#index.backfill(asked, fires, maxFires, Date.now());
  }

  async keepMade(maker: string, jobId: string, rate: number, allowed?: Allowance): Promise<Outcome<boolean>> {
    const isNew = !this.#quota.hasMade(maker, jobId);
    const room = isNew && allowed !== undefined ? this.#index.admitMaker(maker, rate, allowed) : ok(null);
    if (!room.ok) return room;
    this.#quota.keepMade(maker, jobId, rate);
    return ok(isNew);
  }

  async dropMade(maker: string, jobId: string): Promise<void> {
    this.#quota.dropMade(maker, jobId);
  }

  /** Removes an entry that has no job. This asks the job's object itself, so that no caller's mistake can unlist a job. */
  async dropPhantom(key: EntryKey): Promise<void> {
    const io = this.#sweeperIo();
    giveUpPlace(key, await io.checkIn(key.id), io);
  }

  async list(query: IndexQuery): Promise<ListedEntry[]> {
    return [...this.#lists.list(query)];
  }

  async page(query: IndexQuery): Promise<Found<ListedEntry, EntryKey>> {
    return this.#lists.page(query);
  }

  async counts(): Promise<JobCount[]> {
    return this.#index.counts();
  }

  /** Keeps a name for a system job. Errors: `name_reserved` if another job has it. */
  async reserveName(name: string, jobId: string): Promise<Outcome<null>> {
    return this.#names.reserve(name, jobId, Date.now()) ? ok(null) : err({ kind: "name_reserved", name });
  }

  async releaseName(name: string, jobId: string): Promise<void> {
    this.#names.release(name, jobId);
  }

  /** The id of the system job that holds the name. */
  async nameHolder(name: string): Promise<string | undefined> {
    return this.#names.holderOf(name);
  }

  /** Notes an id that was not minted here. False if it was known already. */
  async adoptId(id: string, owner: string): Promise<boolean> {
    return this.#names.adopt(id, owner);
  }

  async knowsId(id: string): Promise<boolean> {
    return this.#names.knows(id);
  }

  async jobIdKey(): Promise<JobIdKey> {
    return this.tables.jobIdKey(() => base32(crypto.getRandomValues(new Uint8Array(20)), 32), Date.now());
  }

  async hasJobBefore(id: string, before: number): Promise<boolean> {
    return this.#lists.hasJobBefore(id, before);
  }

  async forgetId(id: string): Promise<void> {
    this.#names.forget(id);
  }

  async jobOfKey(key: string, now: number): Promise<string | undefined> {
    return this.#keys.jobOf(key, now);
  }

  async claimKey(key: string, jobId: string, now: number): Promise<string> {
    return this.#keys.claim(key, jobId, now);
  }

  async putUser(
    id: string,
    active: boolean,
    by?: Author,
  ): Promise<{ readonly user: RosterUser; readonly created: boolean }> {
    const { user, created, changed } = this.#roster.put(id, active);
    if (changed) this.record({ action: created ? "user.create" : "user.update", target: id, by });
    return { user, created };
  }

  async getUser(id: string): Promise<Outcome<RosterUser>> {
    const user = this.#roster.get(id);
    return user === undefined ? notFound("user") : ok(user);
  }

  async deleteUser(id: string, by?: Author): Promise<Outcome<null>> {
    if (!this.#roster.delete(id)) return notFound("user");
    this.record({ action: "user.delete", target: id, by });
    return ok(null);
  }

  /** Notes that the user was seen at `at` (epoch ms). */
  async seenUser(id: string, at: number): Promise<RosterUser> {
    return this.#roster.seen(id, at);
  }

  /** See {@link RosterStore.import}. */
  async importUsers(ids: readonly string[], seenAt?: number): Promise<void> {
    this.#roster.import(ids, seenAt);
  }

  async listUsers(query: RosterQuery): ReturnType<DirectoryRpc["listUsers"]> {
    return this.#roster.list(query);
  }

  /** See {@link RosterStore.active}. */
  async activeUsers(afterId: string, limit: number, seenSince?: number): Promise<string[]> {
    return this.#roster.active(afterId, limit, seenSince);
  }

  async countUsers(seenSince?: number): Promise<RosterCount> {
    return this.#roster.count(seenSince);
  }

  async putAgent(id: string, change: AgentChange, by?: Author): Promise<Outcome<AgentChanged>> {
    const present = this.#agents.find(id);
    const changed = changeAgent(id, present, change, makeSecret, Date.now());
    if (changed.ok && !isSame(changed.value.agent, present)) {
      this.#agents.put(changed.value.agent);
      this.record({ action: present === undefined ? "agent.create" : "agent.update", target: id, by });
    }
    return changed;
  }

  /** An agent with its secret. It is for the delivery of a call, not for an answer. */
  async findAgent(id: string): Promise<RegisteredAgent | undefined> {
    return this.#agents.find(id);
  }

  async deleteAgent(id: string, by?: Author): Promise<Outcome<null>> {
    if (!this.#agents.delete(id)) return notFound("agent");
    this.record({ action: "agent.delete", target: id, by });
    return ok(null);
  }

  async listAgents(afterId: string, limit: number): Promise<ListedAgent[]> {
    return this.#agents.list(afterId, limit);
  }

  async putHeartbeat(heartbeat: RegisteredHeartbeat): Promise<void> {
    this.#heartbeats.put(heartbeat);
  }

  async removeHeartbeat(name: string): Promise<void> {
    this.#heartbeats.remove(name);
  }

  async listHeartbeats(): Promise<RegisteredHeartbeat[]> {
    return this.#heartbeats.list();
  }

  /**
   * The Cron Trigger's call of each minute (`minute` since 1970). It returns the work to do elsewhere at once. It sweeps
   * this shard's slice afterwards, so no heartbeat waits for that.
   */
  async tick(minute: number): Promise<TickAnswer> {
    this.#tickedAt = Date.now();
    this.noteTick(this.#tickedAt);
    this.tidyEvents(Date.now());
    this.ctx.waitUntil(this.#sweeper.run(minute));
    return { heartbeats: this.#heartbeats.list(), allUsers: this.#lists.activeAllUsers() };
  }

  /** The sweep of one minute alone. It joins a sweep that is under way. */
  async sweep(minute: number): Promise<SweepReport> {
    return this.#sweeper.run(minute);
  }

  async sweepStats(): Promise<SweepStats> {
    const tickedAt = this.#tickedAt ?? this.lastTickAt;
    return {
      foundOverdue: this.tables.foundOverdue,
      overdue: this.#lists.countOverdue(),
      stoodIn: this.stoodIn,
      ...compact({ last: this.#sweeper.last, tickedAt }),
    };
  }

  /** A part of a tick that has more jobs than one invocation has calls for. This invocation has its own calls. */
  async tickJobs(jobIds: readonly string[], tickAt: number): Promise<void> {
    await tickEach(this.env, jobIds, tickAt, new CallBudget(settingsOf(this.env).CALLS_PER_WAKE));
  }

  /** A part of a tick. Making a builtin takes half of a tick's calls, and this invocation has its own. */
  async settleBuiltins(wanted: readonly WantedBuiltin[]): Promise<SettledBuiltins> {
    const budget = new CallBudget(settingsOf(this.env).CALLS_PER_WAKE);
    return settleEach(this.env, wanted, Date.now(), budget);
  }

  /** A part of an export. This invocation has its own calls. Throws if a job cannot be read. */
  async exportJobs(jobIds: readonly string[]): Promise<(ExportedJob | undefined)[]> {
    return exportEach(this.env, jobIds);
  }

  /**
   * Gives up the place and the audit entry of the job's creation. The count in its maker's shard follows a moment later.
   */
  #giveUp(key: EntryKey & { readonly owner?: string }): void {
    const removed = this.#index.remove(key);
    if (removed === undefined) return;
    this.audit.takeBack(key.id, Date.now() - DAY_MS);
    if (!isMadeByAnother(removed)) return;
    const dropped = shardFor(this.env, removed.maker).dropMade(removed.maker, removed.id);
    this.ctx.waitUntil(
      dropped.catch((error) => logError("A maker's count is one too high", { job_id: removed.id }, error)),
    );
  }

  /** Erases the owner's oldest finished jobs beyond ten times its quota, a few for each job that ends. */
  #eraseOldest(owner: string): void {
    const kept = FINISHED_QUOTAS * settingsOf(this.env).MAX_JOBS_PER_OWNER;
    for (const id of this.#index.finishedBeyond(owner, kept, ERASED_AT_ONCE)) {
      const erased = jobObject(this.env, id).eraseFinished();
      this.ctx.waitUntil(
        erased.catch((error) => logError("A finished job could not be erased", { job_id: id }, error)),
      );
    }
  }

  protected override noteHealth(key: EntryKey, health: JobHealth): void {
    this.#index.setHealth(key, health);
  }

  #sweeperIo(): SweeperIo {
    return {
      overdue: (entry, event) => {
        this.#index.setHealth(entry, { overdue: event !== undefined });
        if (event !== undefined) this.addEvents([event]);
      },
      budget: new CallBudget(settingsOf(this.env).CALLS_PER_WAKE),
      index: this.#index,
      names: this.#names,
      giveUp: (entry) => this.#giveUp(entry),
      checkIn: (jobId, owner) => jobObject(this.env, jobId).checkIn(owner),
      now: () => Date.now(),
      report: (message, jobId, error) => logError(message, { job_id: jobId }, error),
    };
  }
}

const isSame = (one: RegisteredAgent, other: RegisteredAgent | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
