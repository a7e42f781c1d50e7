/**
 * The tables of a Job object, as numbered steps that only ever grow (docs/storage.md shows them for an auditor).
 * They are made when a job is made: a request for an id that does not exist leaves an object without tables (invariant 6).
 */

/**
 * `job` has one row. `run` is the run log: a new run takes the slot of the oldest, so that an old one costs no delete.
 * `rev` counts every write to either table; the row with the highest one carries the cursor. Instants are epoch ms.
 */
const V1 = [
  `CREATE TABLE job (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL,
     id TEXT NOT NULL,
     definition TEXT NOT NULL,
     version INTEGER NOT NULL,
     indexed_version INTEGER NOT NULL,
     indexed_owner TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     anchor_at INTEGER NOT NULL,
     finished_at INTEGER,
     deleted_at INTEGER,
     paused_reason TEXT,
     buffered TEXT,
     backfills TEXT NOT NULL,
     backfill_count INTEGER NOT NULL,
     idle_wakes TEXT,
     origin TEXT,
     idempotency_hash TEXT,
     rev INTEGER NOT NULL,
     cursor TEXT NOT NULL
   )`,
  `CREATE TABLE run (
     slot INTEGER PRIMARY KEY,
     seq INTEGER NOT NULL,
     id TEXT NOT NULL,
     session_id TEXT NOT NULL,
     user_id TEXT,
     run_trigger TEXT NOT NULL,
     status TEXT NOT NULL,
     phase TEXT NOT NULL,
     due_at INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     finished_at INTEGER,
     attempt INTEGER NOT NULL,
     wake_at INTEGER,
     error TEXT,
     http_status INTEGER,
     output TEXT,
     output_truncated INTEGER,
     progress TEXT,
     missed INTEGER,
     rev INTEGER NOT NULL,
     cursor TEXT NOT NULL
   )`,
] as const;

/** Step n brings version n-1 to n. Append only. */
export const MIGRATIONS: readonly (readonly string[])[] = [V1];
export const SCHEMA_VERSION = MIGRATIONS.length;
