/**
 * The contract of the directory for the rest of the Worker, and the way to the shard that knows.
 * `durable-objects/directory/object.ts` implements it; the clients that most callers want are in `src/directory/`.
 * Instants are epoch ms.
 */

import type { AgentChange, AgentChanged, RegisteredAgent } from "../domain/agent/registration.ts";
import type { AuditEntry, Author, Change } from "../domain/audit.ts";
import { SHARD_COUNT, shardOf } from "../domain/directory-shard.ts";
import type { Outcome } from "../domain/failure.ts";
import type { IndexEntry } from "../domain/job/index-entry.ts";
import type { JobFilter } from "../domain/job/job-filter.ts";
import type { Allowance } from "../domain/limits/admission.ts";
import type { Found } from "../domain/page.ts";
import type { ExecScope, JobState } from "../schema/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";
import type { Objects } from "./binding.ts";
import type { EventsRpc } from "./events.ts";

/** Where an entry stands in a list: lists run by (createdAt, id) backwards. */
export type EntryKey = { readonly createdAt: number; readonly id: string };

/** An entry as lists and the sweep need it; the job itself is read from its object. */
export type ListedEntry = EntryKey & { readonly owner: string; readonly reservedAt: number };

export type IndexQuery = {
  readonly filter: JobFilter;
  readonly limit: number;
  /** Only entries that come after this one. */
  readonly after?: EntryKey | undefined;
  /** Only these owners' entries, each found by an index. */
  readonly owners?: readonly string[] | undefined;
};

/**
 * A job's place in the directory. The job must be made with this `createdAt`, which is not the one asked for if the place was
 * reserved before (`repeated`); a repeated place keeps the fields it had, so the job must update its entry once it is made.
 */
export type Reservation = { readonly createdAt: number; readonly reservedAt: number; readonly repeated: boolean };

export type JobCount = { readonly state: JobState; readonly execScope: ExecScope; readonly count: number };

/** A user as stored: `active` is the mark alone. */
export type RosterUser = { readonly id: string; readonly active: boolean; readonly lastSeenAt?: number };

/** A user's place in the roster. */
export type UserKey = Pick<RosterUser, "id">;

export type RosterQuery = {
  /** Only users after this id; `""` begins with the first. */
  readonly afterId: string;
  readonly limit: number;
  /** Only users who are active (true) or are not (false); undefined: all. */
  readonly active?: boolean | undefined;
  readonly seenSince?: number | undefined;
};

export type RosterCount = { readonly total: number; readonly active: number };

/** A registered agent without its secrets. `previousUntil`: how long the secret of before is good for, epoch ms. */
export type ListedAgent = Omit<RegisteredAgent, "secret" | "previous"> & {
  readonly previousUntil?: number | undefined;
};

export type RegisteredHeartbeat = { readonly name: string; readonly everyMinutes: number; readonly enabled: boolean };

/** A token that the operator has made, without the token itself. */
export type RegisteredToken = {
  /** Its claim `jti`; ids sort by the time at which they were made. */
  readonly id: string;
  readonly role: "agent" | "user" | "plugin" | "viewer";
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  readonly pluginId?: string | undefined;
  readonly name?: string | undefined;
  readonly access: "read" | "write";
  /** The only agents that its jobs may name. */
  readonly agents?: readonly string[] | undefined;
  readonly createdAt: number;
  readonly expiresAt: number;
};

/** `before`: only tokens made before the one of this id. */
export type TokenQuery = { readonly limit: number; readonly now: number; readonly before?: string | undefined };

/** Where an entry of the audit trail stands: the trail runs by (at, id) backwards. */
export type AuditKey = Pick<AuditEntry, "at" | "id">;

/** Both bounds are included. `before`: only entries that come after this one in a list, newest first. */
export type AuditQuery = {
  readonly limit: number;
  readonly since: number;
  readonly until: number;
  readonly before?: AuditKey | undefined;
  readonly jobId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
};

/** The work of a tick beyond a shard: all heartbeats (a disabled one logs that it is), and all-users jobs. */
export type TickAnswer = { readonly heartbeats: readonly RegisteredHeartbeat[]; readonly allUsers: readonly string[] };

/** `failed`: jobs whose object could not answer; they are asked again when their turn comes. */
export type SweepReport = {
  readonly checked: number;
  readonly foundOverdue: number;
  readonly dropped: number;
  readonly failed: number;
};

/**
 * `foundOverdue` counts since the first deploy; `last` is the last sweep since the object woke. `tickedAt` (epoch ms) is the last
 * tick: the first shard remembers it, the others since they woke.
 */
export type SweepStats = {
  readonly foundOverdue: number;
  /** Jobs that are overdue, as far as the sweep knows; how often a missing tick was stood in for. */
  readonly overdue: number;
  readonly stoodIn: number;
  readonly last?: SweepReport;
  readonly tickedAt?: number;
};

/** The key that job ids are made with. Jobs made before `since` (epoch ms) have ids without it. */
export type JobIdKey = { readonly key: string; readonly since: number };

/** The part of a shard that keeps tokens and changes. */
export interface TrustRpc {
  /** Lists a token. */
  putToken(token: RegisteredToken, by: Author): Promise<void>;
  /** Those that have neither expired nor been revoked, newest first. */
  listTokens(query: TokenQuery): Promise<RegisteredToken[]>;
  /** Errors: `not_found` if there is no such token, or it has expired or been revoked. */
  revokeToken(id: string, by: Author, now: number): Promise<Outcome<RegisteredToken>>;
  /** Tokens revoked after `after` that have not expired, and when the last of them was. A few earlier ones come again. */
  revokedTokens(after: number, now: number): Promise<{ readonly ids: string[]; readonly upTo: number }>;

  /** Opens an event stream or a socket of the token for `leaseMs`, or renews it. False if the token has as many open as it may. */
  openStream(token: string, lease: string, leaseMs: number): Promise<boolean>;
  closeStream(token: string, lease: string): Promise<void>;

  /** The audit trail of this shard, newest first, as far as it was looked through. */
  listAudit(query: AuditQuery): Promise<Found<AuditEntry, AuditKey>>;
  /** Records a change that is no row of the directory. */
  noteChange(change: Change): Promise<void>;
}

/**
 * One shard of the directory. Expected failures are answers; the only throw is a shard count that differs from the one that the
 * shard was made with.
 */
export interface DirectoryRpc extends EventsRpc, TrustRpc {
  /**
   * Reserves a job's place before its object is made, so that no job exists that is not listed. Make it with the answer's
   * `createdAt`. Errors: `name_reserved`, `quota_exceeded`.
   */
  reserve(entry: IndexEntry, allowed: Allowance, by?: Author): Promise<Outcome<Reservation>>;
  /** Brings the entry to the job's newer state; an older version than is stored changes nothing. `changes`: for the audit trail. */
  upsert(entry: IndexEntry, changes?: readonly AuditEntry[]): Promise<void>;
  /** As `upsert`, if the entry's owner has room for one more job. Errors: `quota_exceeded`; the entry is as it was then. */
  claim(entry: IndexEntry, allowed: Allowance): Promise<Outcome<null>>;
  /**
   * Removes the entry. With an `owner` only if it is still that one's: a job may have moved to another owner of this
   * shard.
   */
  remove(key: EntryKey & { readonly owner?: string }, changes?: readonly AuditEntry[]): Promise<void>;
  /** Gives up a place whose job will not be made: the audit trail forgets it as well. */
  giveUpPlace(key: EntryKey & { readonly owner: string }): Promise<void>;
  /** Counts fires that the owner has backfilled today. `maker` is the token's subject. Errors: `quota_exceeded`. */
  admitBackfill(
    asked: { readonly owner: string; readonly maker: string },
    fires: number,
    maxFires: number,
  ): Promise<Outcome<null>>;
  /**
   * Counts a job that the subject has made for another owner; with `allowed` only if there is room. Answers whether it was not
   * counted before. Errors: `quota_exceeded`.
   */
  keepMade(maker: string, jobId: string, rate: number, allowed?: Allowance): Promise<Outcome<boolean>>;
  dropMade(maker: string, jobId: string): Promise<void>;
  /** Removes an entry that no job stands behind. The job's object is asked, so that no caller's mistake unlists a job. */
  dropPhantom(key: EntryKey): Promise<void>;
  /** Newest first. */
  list(query: IndexQuery): Promise<ListedEntry[]>;
  /**
   * As {@link list}, as far as the index was looked through. A filter that hardly any job fits reads no more than so
   * many rows.
   */
  page(query: IndexQuery): Promise<Found<ListedEntry, EntryKey>>;
  counts(): Promise<JobCount[]>;

  /** Keeps a name for a system job. Errors: `name_reserved` if another one has it. */
  reserveName(name: string, jobId: string): Promise<Outcome<null>>;
  releaseName(name: string, jobId: string): Promise<void>;
  /** The id of the system job that holds the name. */
  nameHolder(name: string): Promise<string | undefined>;
  /** Notes an id that was not minted here; false if it was known already. */
  adoptId(id: string, owner: string): Promise<boolean>;
  knowsId(id: string): Promise<boolean>;
  /** The deployment's key for job ids, drawn at the first question. Only shard 0 is asked. */
  jobIdKey(): Promise<JobIdKey>;
  /** Whether the index has a job of this id that was made before `before`. */
  hasJobBefore(id: string, before: number): Promise<boolean>;
  forgetId(id: string): Promise<void>;

  /** The id of the job that an Idempotency-Key stands for, if it was used within 24 hours. `key` is a digest of caller and key. */
  jobOfKey(key: string, now: number): Promise<string | undefined>;
  /** As `jobOfKey`; a key that is free stands for `jobId` from now on. */
  claimKey(key: string, jobId: string, now: number): Promise<string>;

  /** `by`, here and below, is whose change the audit trail tells of. */
  putUser(id: string, active: boolean, by?: Author): Promise<{ readonly user: RosterUser; readonly created: boolean }>;
  /** Errors: `not_found`. */
  getUser(id: string): Promise<Outcome<RosterUser>>;
  /** Errors: `not_found`. */
  deleteUser(id: string, by?: Author): Promise<Outcome<null>>;
  seenUser(id: string, at: number): Promise<RosterUser>;
  /** Makes each user active; with `seenAt` they also count as seen then. */
  importUsers(ids: readonly string[], seenAt?: number): Promise<void>;
  listUsers(query: RosterQuery): Promise<Found<RosterUser, UserKey>>;
  /** The ids of active users after `afterId`, in order: a page of a fan-out. */
  activeUsers(afterId: string, limit: number, seenSince?: number): Promise<string[]>;
  countUsers(seenSince?: number): Promise<RosterCount>;

  /**
   * Registers an agent or changes it. A secret is made for a new agent with an address and none given, and if `rotate` asks for
   * it; a made one is in this answer and in no other. Errors: `validation_failed`.
   */
  putAgent(id: string, change: AgentChange, by?: Author): Promise<Outcome<AgentChanged>>;
  /** The agent with its secret: for the delivery of a call, never for an answer. */
  findAgent(id: string): Promise<RegisteredAgent | undefined>;
  /** Errors: `not_found`. */
  deleteAgent(id: string, by?: Author): Promise<Outcome<null>>;
  listAgents(afterId: string, limit: number): Promise<ListedAgent[]>;

  putHeartbeat(heartbeat: RegisteredHeartbeat): Promise<void>;
  removeHeartbeat(name: string): Promise<void>;
  listHeartbeats(): Promise<RegisteredHeartbeat[]>;

  /**
   * The Cron Trigger's call of each minute (`minute` since 1970). It answers the work to do elsewhere, and begins the
   * sweep.
   */
  tick(minute: number): Promise<TickAnswer>;
  /** Asks these all-users jobs to fire what is due at the tick of `tickAt`. */
  tickJobs(jobIds: readonly string[], tickAt: number): Promise<void>;
  /** These jobs as an export has them, in their order; undefined for those that are gone by now. */
  exportJobs(jobIds: readonly string[]): Promise<(ExportedJob | undefined)[]>;
  /** The sweep of one minute by itself; joins one that is under way. */
  sweep(minute: number): Promise<SweepReport>;
  sweepStats(): Promise<SweepStats>;
}

export type DirectoryBinding = { readonly DIRECTORY: Objects<DirectoryRpc> };

/** A fresh stub each time: one that has thrown stays broken. */
export const shardAt = (env: DirectoryBinding, index: number): DirectoryRpc =>
  env.DIRECTORY.getByName(`shard-${index}`);

/** The shard that holds the rows of `key`: an owner, or a key made in `domain/directory-shard.ts`. */
export const shardFor = (env: DirectoryBinding, key: string): DirectoryRpc => shardAt(env, shardOf(key, SHARD_COUNT));

export const allShards = (env: DirectoryBinding): DirectoryRpc[] =>
  Array.from({ length: SHARD_COUNT }, (_, index) => shardAt(env, index));

/** Every shard that holds rows of one of the owners, once. */
export function shardsFor(env: DirectoryBinding, owners: readonly string[] | "any"): DirectoryRpc[] {
  if (owners === "any") return allShards(env);
  return [...new Set(owners.map((owner) => shardOf(owner, SHARD_COUNT)))].map((index) => shardAt(env, index));
}
