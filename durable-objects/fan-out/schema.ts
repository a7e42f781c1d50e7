/**
 * The tables of a FanOut object: one shard of the fan-outs of one job (docs/fan-out.md). They are made by the first fan-out that
 * hands it users. Instants are epoch ms.
 */

import type { Schema } from "../storage/migrate.ts";

/**
 * `shard` has one row, which outlives every fan-out. `fan_out` has a row for each fan-out whose runs are kept, `spec` being what its runs have in common. `begun_at_logged` is how many
 * runs were logged when the object last began to call after a restart, `stalls` how often that number had not grown since the time
 * before: it tells a call that kills the object from a restart in passing. `batch` holds users who have not all been run, a row for
 * a whole page's share.
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

/** Each fan-out has a table of its own. Dropping it is free, while deleting its rows would be billed row by row. */
export const runTable = (number: number): string => `user_run_${Math.trunc(number)}`;

/**
 * The runs of one fan-out in this shard. One row a user is written when the run ends or has to wait. What is looked
 * for has a column, `run` is the rest as JSON: rows of few columns are written many with one statement. The index
 * holds only runs that wait, so an ended run costs one row. `run` comes last: a list is sorted without reading it.
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
