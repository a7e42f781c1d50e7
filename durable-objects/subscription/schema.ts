/** The tables of a Subscription object (docs/storage.md shows them for an auditor). Instants are epoch ms. */
import type { Schema } from "../storage/migrate.ts";

/**
 * `message`: events for the targets. `delivery`: one message on its way to one target. `incident`: the last message about a
 * job, for `after` and `cooldown`.
 */
const V1 = [
  `CREATE TABLE subscription (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL,
     id TEXT NOT NULL,
     config TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL
   )`,
  `CREATE TABLE message (
     event_id TEXT PRIMARY KEY,
     at INTEGER NOT NULL,
     event TEXT NOT NULL
   ) WITHOUT ROWID`,
  `CREATE TABLE delivery (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL UNIQUE,
     event_id TEXT NOT NULL,
     event_type TEXT NOT NULL,
     target TEXT NOT NULL,
     shown TEXT NOT NULL,
     status TEXT NOT NULL,
     attempts INTEGER NOT NULL,
     created_at INTEGER NOT NULL,
     next_at INTEGER,
     delivered_at INTEGER,
     error TEXT
   )`,
  "CREATE INDEX delivery_due ON delivery (next_at) WHERE next_at IS NOT NULL",
  `CREATE TABLE incident (
     job_id TEXT PRIMARY KEY,
     told_at INTEGER NOT NULL,
     is_open INTEGER NOT NULL
   ) WITHOUT ROWID`,
] as const;

/** The index of held deliveries. Every alarm asks for them, and there are hardly ever any. */
const V2 = ["CREATE INDEX delivery_held ON delivery (seq) WHERE status = 'held'"] as const;

export const SCHEMA: Schema = { table: "subscription", steps: [V1, V2] };
