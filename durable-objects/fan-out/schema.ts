/**
 * The tables of a FanOut object, which is one shard of one job's fan-outs (docs/fan-out.md). The first fan-out that hands
 * it users creates them. Instants are epoch ms.
 */

import type { Schema } from "../storage/migrate.ts";

/**
 * `shard` has one row, which outlives every fan-out. `fan_out` has a row for each fan-out whose runs are kept; `spec` holds
 * what its runs share. `begun_at_logged` is the number of logged runs when the object last began to call after a restart.
 * `stalls` is the number of restarts in a row without growth of that number. It distinguishes a call that kills the object
 * from an ordinary restart. `batch` holds users who have not all been run, one row for the share of a whole page.
 */
const V1 = [
  `CREATE TABLE shard (
     one INTEGER PRIMARY KEY CHECK (one = 1),
     schema_version INTEGER NOT NULL
   )`,
  `CREATE TABLE fan_out (
     no INTEGER PRIMARY KEY,
     job_id TEXT NOT NULL,
     k INTEGER NOT NULL,
     spec TEXT NOT NULL,
     next_call_at REAL NOT NULL,
     begun_at_logged INTEGER NOT NULL,
     stalls INTEGER NOT NULL,
     gone TEXT
   )`,
  `CREATE TABLE batch (
     seq INTEGER PRIMARY KEY,
     fan_out INTEGER NOT NULL,
     size INTEGER NOT NULL,
     users TEXT NOT NULL
   )`,
] as const;

export const SCHEMA: Schema = { table: "shard", steps: [V1] };

/** The name of a fan-out's own table. Dropping a table is free, while deleting its rows would be billed row by row. */
export const runTable = (number: number): string => `user_run_${Math.trunc(number)}`;

/**
 * The runs of one fan-out in this shard. A user's row is written when the run ends or has to wait. Fields that queries use
 * have a column, and `run` is the rest as JSON, since rows with few columns can be written many at a time. The index holds
 * only waiting runs, so an ended run costs one row. `run` comes last, so a list is sorted without reading it.
 */
export const runTableStatements = (number: number): readonly string[] => [
  runTableOf(runTable(number)),
  wakeIndexOf(number),
];

const runTableOf = (name: string): string => `CREATE TABLE ${name} (
     user_key TEXT PRIMARY KEY,
     started_at INTEGER NOT NULL,
     status TEXT NOT NULL,
     wake_at INTEGER,
     run TEXT NOT NULL
   ) WITHOUT ROWID`;

const wakeIndexOf = (number: number): string =>
  `CREATE INDEX ${runTable(number)}_wake ON ${runTable(number)} (wake_at) WHERE wake_at IS NOT NULL`;
