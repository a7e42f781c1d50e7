/**
 * The directory's contract with the rest of the Worker, and the way to the right shard.
 * `durable-objects/directory/object.ts` implements it. Most callers use the clients in `src/directory/`. Instants are epoch
 * ms.
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

/** The place of an entry in a list. Lists are in the order of (createdAt, id), descending. */
export type EntryKey = { readonly createdAt: number; readonly id: string };

/** An entry for lists and the sweep. The job itself is read from its object. */
export type ListedEntry = EntryKey & { readonly owner: string; readonly reservedAt: number };

export type IndexQuery = {
  readonly filter: JobFilter;
  readonly limit: number;
  /** Only entries that come after this one. */
  readonly after?: EntryKey | undefined;
  /** Only entries of these owners. Each owner has an index. */
  readonly owners?: readonly string[] | undefined;
};

/**
 * A job's place in the directory. The job must be created with this `createdAt`. If the place was reserved before
 * (`repeated`), that is not the requested one, and the place has its old fields. Then the new job must update its entry.
 */
export type Reservation = { readonly createdAt: number; readonly reservedAt: number; readonly repeated: boolean };

export type JobCount = { readonly state: JobState; readonly execScope: ExecScope; readonly count: number };

/** A stored user. `active` is the mark alone, without the window. */
export type RosterUser = { readonly id: string; readonly active: boolean; readonly lastSeenAt?: number };

/** A user's place in the roster. */
export type UserKey = Pick<RosterUser, "id">;

export type RosterQuery = {
  /** Only users after this id; `""` begins with the first. */
  readonly afterId: string;
  readonly limit: number;
  /** `true`: only active users. `false`: only others. Undefined: all. */
  readonly active?: boolean | undefined;
  readonly seenSince?: number | undefined;
};

export type RosterCount = { readonly total: number; readonly active: number };

/** A registered agent without its secrets. `previousUntil` is the end of the previous secret, epoch ms. */
export type ListedAgent = Omit<RegisteredAgent, "secret" | "previous"> & {
  readonly previousUntil?: number | undefined;
};

export type RegisteredHeartbeat = { readonly name: string; readonly everyMinutes: number; readonly enabled: boolean };

/** A token that the operator has issued, without the token itself. */
export type RegisteredToken = {
  /** Its claim `jti`. Ids sort by the time of their creation. */
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

/** The query of tokens. `before`: only tokens issued before the one with this id. */
export type TokenQuery = { readonly limit: number; readonly now: number; readonly before?: string | undefined };

/** The place of an entry in the audit trail. The trail is in the order of (at, id), descending. */
export type AuditKey = Pick<AuditEntry, "at" | "id">;

/**
 * The query of the audit trail. Both bounds are included. `before`: only entries after this one in the list, newest first.
 */
export type AuditQuery = {
  readonly limit: number;
  readonly since: number;
  readonly until: number;
  readonly before?: AuditKey | undefined;
  readonly jobId?: string | undefined;
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
};

/** The work of a tick outside the shard: all heartbeats (a disabled one logs that it is), and all-users jobs. */
export type TickAnswer = { readonly heartbeats: readonly RegisteredHeartbeat[]; readonly allUsers: readonly string[] };

/** A builtin job as the caller's code has it. */
export type WantedBuiltin = { readonly name: string; readonly version: string };

/** `settled`: the names of those that are as the code has them; `left`: those that there were no calls for. */
export type SettledBuiltins = { readonly settled: readonly string[]; readonly left: readonly WantedBuiltin[] };

/** The figures of a sweep. `failed` are jobs whose object could not answer. They are asked again in the next round. */
export type SweepReport = {
  readonly checked: number;
  readonly foundOverdue: number;
  readonly dropped: number;
  readonly failed: number;
};

/**
 * The figures of a shard's sweeps. `foundOverdue` counts since the first deploy. `last` is the last sweep since the object
 * woke. `tickedAt` (epoch ms) is the last tick. The first shard stores it; the others know it since they woke.
 */
export type SweepStats = {
  readonly foundOverdue: number;
  /** The jobs that the sweep knows to be overdue. `stoodIn` counts the missing ticks that an alarm or a call replaced. */
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
  /** The tokens that are neither expired nor revoked, newest first. */
  listTokens(query: TokenQuery): Promise<RegisteredToken[]>;
  /** Revokes a token. Errors: `not_found` if there is no such token, or it has expired or been revoked. */
  revokeToken(id: string, by: Author, now: number): Promise<Outcome<RegisteredToken>>;
  /** The unexpired tokens revoked after `after`, and the time of the last revocation. A few earlier ones are repeated. */
  revokedTokens(after: number, now: number): Promise<{ readonly ids: string[]; readonly upTo: number }>;

  /** Opens an event stream or a socket of the token for `leaseMs`, or renews it. False if the token has its most open. */
  openStream(token: string, lease: string, leaseMs: number): Promise<boolean>;
  closeStream(token: string, lease: string): Promise<void>;

  /** The audit trail of this shard, newest first, as far as it was searched. */
  listAudit(query: AuditQuery): Promise<Found<AuditEntry, AuditKey>>;
  /** Records a change of something that is not a row of the directory. */
  noteChange(change: Change): Promise<void>;
}

/**
 * One shard of the directory. Expected failures are answers. The only throw is a shard count that differs from the one the
 * shard was created with.
 */
export interface DirectoryRpc extends EventsRpc, TrustRpc {
  /**
   * Reserves a job's place before its object is created, so that every job is listed. The job must take the answer's
   * `createdAt`. Errors: `name_reserved`, `quota_exceeded`.
   */
  reserve(entry: IndexEntry, allowed: Allowance, by?: Author): Promise<Outcome<Reservation>>;
  /**
   * Updates the entry to the job's newer state. An older version than the stored one changes nothing. `changes` are for the
   * audit trail.
   */
  upsert(entry: IndexEntry, changes?: readonly AuditEntry[]): Promise<void>;
  /**
   * Updates like `upsert`, if the entry's owner has room for one more job. Errors: `quota_exceeded`, which leaves the entry
   * unchanged.
   */
  claim(entry: IndexEntry, allowed: Allowance): Promise<Outcome<null>>;
  /**
   * Removes the entry. If an `owner` is given, the entry must still be that owner's, since a job may have moved within this
   * shard.
   */
  remove(key: EntryKey & { readonly owner?: string }, changes?: readonly AuditEntry[]): Promise<void>;
  /** Gives up a place whose job will not be created, and its entry in the audit trail. */
  giveUpPlace(key: EntryKey & { readonly owner: string }): Promise<void>;
  /**
   * Admits and counts the fires that the owner backfills today. `maker` is the token's subject. Errors: `quota_exceeded`.
   */
  admitBackfill(
    asked: { readonly owner: string; readonly maker: string },
    fires: number,
    maxFires: number,
  ): Promise<Outcome<null>>;
  /**
   * Counts a job that the subject has created for another owner. With `allowed` it does so only if there is room. Returns
   * whether it was new. Errors: `quota_exceeded`.
   */
  keepMade(maker: string, jobId: string, rate: number, allowed?: Allowance): Promise<Outcome<boolean>>;
  dropMade(maker: string, jobId: string): Promise<void>;
  /** Removes an entry without a job. It asks the job's object itself, so that no caller's mistake can unlist a job. */
  dropPhantom(key: EntryKey): Promise<void>;
  /** Entries, newest first. */
  list(query: IndexQuery): Promise<ListedEntry[]>;
  /**
   * Entries like {@link list}, as far as the index was searched. A filter that hardly any job fits reads a bounded number
   * of rows.
   */
  page(query: IndexQuery): Promise<Found<ListedEntry, EntryKey>>;
  counts(): Promise<JobCount[]>;

  /** Reserves a name for a system job. Errors: `name_reserved` if another one has it. */
  reserveName(name: string, jobId: string): Promise<Outcome<null>>;
  releaseName(name: string, jobId: string): Promise<void>;
  /** The id of the system job that holds the name. */
  nameHolder(name: string): Promise<string | undefined>;
  /** Notes an id that was not minted here. False if it was known already. */
  adoptId(id: string, owner: string): Promise<boolean>;
  knowsId(id: string): Promise<boolean>;
  /** The deployment's key for job ids, drawn at the first question. Only shard 0 is asked. */
  jobIdKey(): Promise<JobIdKey>;
  /** Whether the index has a job with this id that was created before `before`. */
  hasJobBefore(id: string, before: number): Promise<boolean>;
  forgetId(id: string): Promise<void>;

  /** The id of the job of an Idempotency-Key, if it was used within 24 hours. `key` is a digest of caller and key. */
  jobOfKey(key: string, now: number): Promise<string | undefined>;
  /** The id of the key's job, like `jobOfKey`. A free key gets `jobId`. */
  claimKey(key: string, jobId: string, now: number): Promise<string>;

  /** Marks a user. `by`, here and below, is the author for the audit trail. */
  putUser(id: string, active: boolean, by?: Author): Promise<{ readonly user: RosterUser; readonly created: boolean }>;
  /** One user. Errors: `not_found`. */
  getUser(id: string): Promise<Outcome<RosterUser>>;
  /** Removes a user. Errors: `not_found`. */
  deleteUser(id: string, by?: Author): Promise<Outcome<null>>;
  seenUser(id: string, at: number): Promise<RosterUser>;
  /** Makes each user active. With `seenAt` they also count as seen then. */
  importUsers(ids: readonly string[], seenAt?: number): Promise<void>;
  listUsers(query: RosterQuery): Promise<Found<RosterUser, UserKey>>;
  /** The ids of active users after `afterId`, in order: a page of a fan-out. */
  activeUsers(afterId: string, limit: number, seenSince?: number): Promise<string[]>;
  countUsers(seenSince?: number): Promise<RosterCount>;

  /**
   * Registers an agent or changes it. A secret is generated for a new agent with an address if none is given, and if
   * `rotate` asks for it. Only this answer shows it. Errors: `validation_failed`.
   */
  putAgent(id: string, change: AgentChange, by?: Author): Promise<Outcome<AgentChanged>>;
  /** The agent with its secret. It is for the delivery of a call, not for an answer. */
  findAgent(id: string): Promise<RegisteredAgent | undefined>;
  /** Removes an agent. Errors: `not_found`. */
  deleteAgent(id: string, by?: Author): Promise<Outcome<null>>;
  listAgents(afterId: string, limit: number): Promise<ListedAgent[]>;

  putHeartbeat(heartbeat: RegisteredHeartbeat): Promise<void>;
  removeHeartbeat(name: string): Promise<void>;
  listHeartbeats(): Promise<RegisteredHeartbeat[]>;

  /**
   * The Cron Trigger's call of each minute (`minute` since 1970). It returns the work to do elsewhere, and begins the
   * sweep.
   */
  tick(minute: number): Promise<TickAnswer>;
  /** Asks these all-users jobs to fire what is due at the tick of `tickAt`. */
  tickJobs(jobIds: readonly string[], tickAt: number): Promise<void>;
  /** Makes these builtins, or brings them to this version, as far as the calls of one invocation go. */
  settleBuiltins(wanted: readonly WantedBuiltin[]): Promise<SettledBuiltins>;
  /** These jobs as an export shows them, in their order. A job that was deleted meanwhile is undefined. */
  exportJobs(jobIds: readonly string[]): Promise<(ExportedJob | undefined)[]>;
  /** The sweep of one minute alone. It joins a sweep that is under way. */
  sweep(minute: number): Promise<SweepReport>;
  sweepStats(): Promise<SweepStats>;
}

export type DirectoryBinding = { readonly DIRECTORY: Objects<DirectoryRpc> };

/** A shard of the directory. The stub is fresh each time, since one that has thrown stays broken. */
export const shardAt = (env: DirectoryBinding, index: number): DirectoryRpc =>
  env.DIRECTORY.getByName(`shard-${index}`);

/** The shard that holds the rows of `key`: an owner, or a key made in `domain/directory-shard.ts`. */
export const shardFor = (env: DirectoryBinding, key: string): DirectoryRpc => shardAt(env, shardOf(key, SHARD_COUNT));

export const allShards = (env: DirectoryBinding): DirectoryRpc[] =>
  Array.from({ length: SHARD_COUNT }, (_, index) => shardAt(env, index));

/** Each shard that holds rows of at least one of the owners. */
export function shardsFor(env: DirectoryBinding, owners: readonly string[] | "any"): DirectoryRpc[] {
  if (owners === "any") return allShards(env);
  return [...new Set(owners.map((owner) => shardOf(owner, SHARD_COUNT)))].map((index) => shardAt(env, index));
}
