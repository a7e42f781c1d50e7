/** The tables of a mailbox. The first offer creates them. Instants are epoch ms. */
import type { Schema } from "../storage/migrate.ts";

/**
 * `mailbox` has one row. `offer` has a row for each run that waits to be claimed, oldest first by its primary key. So an
 * offer costs one row written, and its claim another. `agent_id` and `user_id` are the job's.
 */
const V1 = [
  `CREATE TABLE mailbox (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL
   )`,
  `CREATE TABLE offer (
     offered_at INTEGER NOT NULL,
     run_id TEXT NOT NULL,
     job_id TEXT NOT NULL,
     agent_id TEXT,
     user_id TEXT,
     expires_at INTEGER NOT NULL,
     PRIMARY KEY (offered_at, run_id)
   ) WITHOUT ROWID`,
] as const;

/**
 * The index of offers by user. A token that is bound to a user reads only that user's offers. An offer of a job without a
 * user costs no extra row.
 */
const V2 = ["CREATE INDEX offer_by_user ON offer (user_id, offered_at, run_id) WHERE user_id IS NOT NULL"] as const;

export const SCHEMA: Schema = { table: "mailbox", steps: [V1, V2] };
