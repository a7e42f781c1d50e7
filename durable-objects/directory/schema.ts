/**
 * The tables of one shard of the directory, as numbered steps that are only ever added. The first write creates them, so a
 * question about something that does not exist leaves an object without tables (docs/architecture.md, invariant 6).
 *
 * Every table but `shard` is WITHOUT ROWID and has few further indexes, so a row costs one row written. Instants are epoch
 * ms.
 */

import type { Schema } from "../storage/migrate.ts";

/**
 * `job`: its primary key backwards is newest first, so a list reads rows in order and stops early. `reserved_at` is when
 * the place was last asked for; an imported job is older than its entry. `q` searches `name_folded`.
 */
const V1 = [
  `CREATE TABLE shard (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL,
     shard_count INTEGER NOT NULL,
     found_overdue INTEGER NOT NULL,
     sweep_created_at INTEGER,
     sweep_id TEXT
   )`,
  `CREATE TABLE job (
     created_at INTEGER NOT NULL,
     id TEXT NOT NULL,
     owner TEXT NOT NULL,
     version INTEGER NOT NULL,
     name TEXT NOT NULL,
     name_folded TEXT NOT NULL,
     owner_kind TEXT NOT NULL,
     exec_scope TEXT NOT NULL,
     agent_id TEXT,
     user_id TEXT,
     plugin_id TEXT,
     enabled INTEGER NOT NULL,
     state TEXT NOT NULL,
     labels TEXT,
     reserved_at INTEGER NOT NULL,
     PRIMARY KEY (created_at, id)
   ) WITHOUT ROWID`,
  "CREATE INDEX job_all_users ON job (id) WHERE exec_scope = 'all_users' AND state = 'active'",
  `CREATE TABLE reserved_name (
     name TEXT PRIMARY KEY,
     job_id TEXT NOT NULL,
     reserved_at INTEGER NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE adopted_id (
     id TEXT PRIMARY KEY,
     owner TEXT NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE user (
     id TEXT PRIMARY KEY,
     active INTEGER NOT NULL,
     last_seen_at INTEGER
   ) WITHOUT ROWID`,
  `CREATE TABLE agent (
     id TEXT PRIMARY KEY,
     url TEXT NOT NULL,
     secret TEXT NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE heartbeat (
     name TEXT PRIMARY KEY,
     every_minutes INTEGER NOT NULL,
     enabled INTEGER NOT NULL
   ) WITHOUT ROWID`,
] as const;

/** Version 1 took two steps in an earlier form of this list. */
const V2 = [] as const;

/**
 * `idempotency_key`: the job of an Idempotency-Key. The day comes first, so old keys are a range of the primary key.
 * `token`: the tokens of POST /v1/tokens, with indexes for the revoked and the expired ones. `audit`: the trail, by time.
 * The jobs of an owner and of an agent have an index each, which ends with the table's key. So a page of a list reads only
 * itself, even beside a million jobs of others. `made`: the jobs that a subject has created for others.
 */
const V3 = [
  `CREATE TABLE idempotency_key (
     day INTEGER NOT NULL,
     key TEXT NOT NULL,
     job_id TEXT NOT NULL,
     used_at INTEGER NOT NULL,
     PRIMARY KEY (day, key)
   ) WITHOUT ROWID`,
  `CREATE TABLE token (
     id TEXT PRIMARY KEY,
     role TEXT NOT NULL,
     agent_id TEXT,
     user_id TEXT,
     plugin_id TEXT,
     name TEXT,
     access TEXT NOT NULL,
     agents TEXT,
     created_at INTEGER NOT NULL,
     expires_at INTEGER NOT NULL,
     revoked_at INTEGER
   ) WITHOUT ROWID`,
  "CREATE INDEX token_revoked ON token (revoked_at) WHERE revoked_at IS NOT NULL",
  "CREATE INDEX token_expires ON token (expires_at)",
  `CREATE TABLE audit (
     at INTEGER NOT NULL,
     id TEXT NOT NULL,
     actor TEXT NOT NULL,
     token_id TEXT,
     action TEXT NOT NULL,
     target TEXT NOT NULL,
     job_id TEXT,
     owner TEXT,
     PRIMARY KEY (at, id)
   ) WITHOUT ROWID`,
  "ALTER TABLE job ADD COLUMN maker TEXT",
  "ALTER TABLE job ADD COLUMN rate INTEGER NOT NULL DEFAULT 1",
  "CREATE INDEX job_owner ON job (owner)",
  "CREATE INDEX job_agent ON job (agent_id) WHERE agent_id IS NOT NULL",
  `CREATE TABLE made (
     maker TEXT NOT NULL,
     job_id TEXT NOT NULL,
     rate INTEGER NOT NULL,
     PRIMARY KEY (maker, job_id)
   ) WITHOUT ROWID`,
  `CREATE TABLE backfilled (
     day INTEGER NOT NULL,
     owner TEXT NOT NULL,
     fires INTEGER NOT NULL,
     PRIMARY KEY (day, owner)
   ) WITHOUT ROWID`,
] as const;

/**
 * `event`: the reports of this shard's owners' jobs. `seq` counts them in the order of their arrival. `failures` counts the
 * job's failures in a row. `event_count` counts all events of each type. The health of a job is for filtering lists:
 * `failing` until it recovers, `overdue` since the sweep found it so.
 */
const V4 = [
  "ALTER TABLE job ADD COLUMN failing INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE job ADD COLUMN overdue INTEGER NOT NULL DEFAULT 0",
  `CREATE TABLE event (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     at INTEGER NOT NULL,
     type TEXT NOT NULL,
     hidden INTEGER NOT NULL,
     message TEXT NOT NULL,
     failures INTEGER,
     job_id TEXT,
     exec_scope TEXT,
     agent_id TEXT,
     user_id TEXT,
     plugin_id TEXT,
     run_status TEXT,
     job TEXT,
     run TEXT
   )`,
  "CREATE INDEX event_at ON event (at, id)",
  `CREATE TABLE event_count (
     type TEXT PRIMARY KEY,
     told INTEGER NOT NULL
   ) WITHOUT ROWID`,
] as const;

/** New columns of `agent`: the previous secret and its end, headers, and the body's template as JSON. */
const V5 = [
  "ALTER TABLE agent ADD COLUMN previous_secret TEXT",
  "ALTER TABLE agent ADD COLUMN previous_until INTEGER",
  "ALTER TABLE agent ADD COLUMN headers TEXT",
  "ALTER TABLE agent ADD COLUMN body TEXT",
] as const;

/** `subscription`: every shard has all of them. `told_seq` is the last event of this shard that was offered to it. */
const V6 = [
  `CREATE TABLE subscription (
     id TEXT PRIMARY KEY,
     interest TEXT NOT NULL,
     told_seq INTEGER NOT NULL
   ) WITHOUT ROWID`,
] as const;

/**
 * New columns of the first shard. They hold the time of the last tick, and the number of times that an alarm or a call did
 * a missing tick's work.
 */
const V7 = [
  "ALTER TABLE shard ADD COLUMN ticked_at INTEGER",
  "ALTER TABLE shard ADD COLUMN stood_in INTEGER NOT NULL DEFAULT 0",
] as const;

/** New columns of `shard`: the key that job ids are made with, and its age. Only shard 0 uses them. */
const V8 = [
  "ALTER TABLE shard ADD COLUMN job_id_key TEXT",
  "ALTER TABLE shard ADD COLUMN job_id_key_since INTEGER",
] as const;

/**
 * The indexes of lists, so that a page reads only itself beside the rows of others. For `job`: failing, overdue and resting
 * jobs, and the jobs of users among the system's. For `event`: by job and by each id that a token may carry. Most are
 * partial, so a row outside them costs nothing more.
 */
const V9 = [
  "CREATE INDEX job_failing ON job (failing) WHERE failing = 1",
  "CREATE INDEX job_overdue ON job (overdue) WHERE overdue = 1",
  "CREATE INDEX job_resting ON job (state) WHERE state != 'active'",
  "CREATE INDEX job_system_user ON job (user_id) WHERE user_id IS NOT NULL AND owner = 'system'",
  "CREATE INDEX event_job ON event (job_id, at, id) WHERE job_id IS NOT NULL",
  "CREATE INDEX event_agent ON event (agent_id, at, id) WHERE agent_id IS NOT NULL",
  "CREATE INDEX event_user ON event (user_id, at, id) WHERE user_id IS NOT NULL",
  "CREATE INDEX event_plugin ON event (plugin_id, at, id) WHERE plugin_id IS NOT NULL",
] as const;

export const SCHEMA: Schema = { table: "shard", steps: [V1, V2, V3, V4, V5, V6, V7, V8, V9] };
