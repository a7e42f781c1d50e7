/**
 * The tables of one shard of the directory, as numbered steps that only ever grow. They are made by the first write: a
 * question about something that does not exist leaves an object without tables (docs/architecture.md, invariant 6).
 *
 * Every table but `shard` is WITHOUT ROWID and has no further index, but for the few all-users jobs, so that a row costs one row
 * written. Instants are epoch ms.
 */

import type { Schema } from "../storage/migrate.ts";

/**
 * `job`: newest first is its primary key backwards, so a list reads rows in order and stops early. `reserved_at` is when the place
 * was last asked for: an imported job is older than its entry. `name_folded` is what `q` looks in.
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

/** Version 1 took two steps once. */
const V2 = [] as const;

/**
 * `idempotency_key`: what an Idempotency-Key made. Its day comes first, so that old keys are a range of the primary key.
 * `token`: what POST /v1/tokens has made, its two indexes for the revoked and for the expired. `audit`: the trail, the time being the
 * key. An owner's and an agent's jobs have an index each, which ends with the table's key: a page of a list reads itself alone, with a
 * million jobs of others beside it. `made`: jobs that a subject has made for others.
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
 * `event`: what the jobs of this shard's owners have reported; `seq` counts them as they were told. `failures`: of the job in a row.
 * `event_count`: how many of each type there ever were. `health` of a job is for filtering lists: `failing` until it recovers,
 * `overdue` since the sweep found it so.
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

/** Of `agent`: the secret of before and how long it is good for, headers and the body's template as JSON. */
const V5 = [
  "ALTER TABLE agent ADD COLUMN previous_secret TEXT",
  "ALTER TABLE agent ADD COLUMN previous_until INTEGER",
  "ALTER TABLE agent ADD COLUMN headers TEXT",
  "ALTER TABLE agent ADD COLUMN body TEXT",
] as const;

/** `subscription`: every one there is, in every shard; `told_seq` is how far this shard's events were offered to it. */
const V6 = [
  `CREATE TABLE subscription (
     id TEXT PRIMARY KEY,
     interest TEXT NOT NULL,
     told_seq INTEGER NOT NULL
   ) WITHOUT ROWID`,
] as const;

/** Of the first shard. When the last tick came, and how often an alarm or a call did the work of one that did not. */
const V7 = [
  "ALTER TABLE shard ADD COLUMN ticked_at INTEGER",
  "ALTER TABLE shard ADD COLUMN stood_in INTEGER NOT NULL DEFAULT 0",
] as const;

/** Of `shard`: the key that job ids are made with, and since when; in shard 0 alone. */
const V8 = [
  "ALTER TABLE shard ADD COLUMN job_id_key TEXT",
  "ALTER TABLE shard ADD COLUMN job_id_key_since INTEGER",
] as const;

/**
 * The indexes of lists, so that a page reads itself with the rows of others beside it. Of `job`: what fails or is
 * overdue, what rests, and the jobs of users among the system's. Of `event`: by job and by each id that a token may
 * carry. Most are partial: a row that is in none of them costs nothing more.
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
