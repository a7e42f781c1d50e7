/**
 * The table of a Job object (docs/storage.md shows it for an auditor). It is created with the job. So a request for an id
 * that does not exist leaves an object without tables (docs/architecture.md, invariant 6).
 */
import type { Schema } from "../storage/migrate.ts";

/**
 * Slot 0 is the job; the others are its run log. A new run takes the slot of the oldest, so dropping an old run needs no
 * delete. Fields that queries use have a column, and `body` is the whole as JSON. A waking job parses its schema and
 * compiles every statement again, and a new job writes its schema, so there is one narrow table. `rev` counts every write.
 * The row with the highest `rev` carries the cursor.
 */
const V1 = [
  `CREATE TABLE IF NOT EXISTS entry (
  slot INTEGER PRIMARY KEY,
  rev INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  status TEXT,
  phase TEXT,
  schema_version INTEGER,
  cursor TEXT NOT NULL,
  body TEXT NOT NULL
)`,
] as const;

export const SCHEMA: Schema = { table: "entry", steps: [V1] };
