/**
 * The table of a Job object (docs/storage.md shows it for an auditor). It is made when a job is made: a request for an id that does
 * not exist leaves an object without tables (docs/architecture.md, invariant 6).
 */
import type { Schema } from "../storage/migrate.ts";

/**
 * Slot 0 is the job, the others are its run log. A new run takes the slot of the oldest, so that an old one costs no
 * delete. What is looked for has a column, `body` is the whole as JSON: a job that wakes has to parse its schema and
 * compile every statement again, and one that is made has to write its schema, so there is one narrow table. `rev`
 * counts every write; the row with the highest one carries the cursor.
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
