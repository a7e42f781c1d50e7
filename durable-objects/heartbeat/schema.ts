/**
 * The tables of a Heartbeat object, as numbered steps that are only ever added. They are created with the heartbeat, so a
 * request for a name that does not exist leaves an object without tables.
 */

import type { Schema } from "../storage/migrate.ts";

/**
 * `heartbeat` has one row. `beat` is the log. The fields that order and wake beats have columns; the fields that only
 * readers see are JSON in `detail`. Instants are epoch ms.
 */
const V1 = [
  `CREATE TABLE heartbeat (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL,
     name TEXT NOT NULL,
     config TEXT NOT NULL,
     created_at INTEGER NOT NULL,
     updated_at INTEGER NOT NULL,
     handled_at INTEGER NOT NULL
   )`,
  `CREATE TABLE document (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     markdown TEXT NOT NULL,
     updated_at INTEGER NOT NULL
   )`,
  `CREATE TABLE beat (
     seq INTEGER PRIMARY KEY,
     id TEXT NOT NULL,
     beat_trigger TEXT NOT NULL,
     attempt INTEGER NOT NULL,
     phase TEXT NOT NULL,
     outcome TEXT,
     due_at INTEGER NOT NULL,
     started_at INTEGER NOT NULL,
     finished_at INTEGER,
     last_at INTEGER NOT NULL,
     count INTEGER NOT NULL,
     retry_at INTEGER,
     handled_at INTEGER NOT NULL,
     detail TEXT NOT NULL
   )`,
] as const;

/** `code_version`: the version of the configuration in code that was applied last (`setHeartbeat`). */
const V2 = ["ALTER TABLE heartbeat ADD COLUMN code_version TEXT"] as const;

/** `owed`: 1 until the directory knows that the beat failed. */
const V3 = ["ALTER TABLE beat ADD COLUMN owed INTEGER"] as const;

export const SCHEMA: Schema = { table: "heartbeat", steps: [V1, V2, V3] };
