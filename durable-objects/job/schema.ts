/**
 * The tables of a Job object (docs/storage.md shows them for an auditor), and the steps from those of earlier versions of the code.
 * They are made when a job is made: a request for an id that does not exist leaves an object without tables (invariant 6).
 */

/** Raise it with any change to {@link TABLE}, by a step of {@link MIGRATIONS}. */
export const SCHEMA_VERSION = 2;

/**
 * Slot 0 is the job, the others are its run log: a new run takes the slot of the oldest, so that an old one costs no delete. What is
 * looked for has a column, `body` is the whole as JSON: a job that wakes has to parse its schema and compile every statement anew, and
 * one that is made has to write its schema, so there is one narrow table. `rev` counts every write; the row with the highest one
 * carries the cursor.
 */
export const TABLE = `CREATE TABLE IF NOT EXISTS entry (
  slot INTEGER PRIMARY KEY,
  rev INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  status TEXT,
  phase TEXT,
  schema_version INTEGER,
  cursor TEXT NOT NULL,
  body TEXT NOT NULL
)`;

/** How many runs the log holds and which slot comes next had to be counted at each wake. */
const MOVING = `json_object('cursor', json(cursor), 'log', json_object(
  'size', (SELECT count(*) FROM run), 'nextSlot', (SELECT coalesce(max(slot) + 2, 1) FROM run)))`;

/**
 * There were two tables, `job` and `run`, of a column for each field. A patch takes out what is null; a payload may hold null. Until all
 * is there the new table has another name: what cannot be brought over is left as it was, and tried again.
 */
const V2 = [
  "DROP TABLE IF EXISTS entry_to_come",
  TABLE.replace("entry", "entry_to_come"),
  `INSERT INTO entry_to_come SELECT 0, rev, 0, id, NULL, NULL, 2, ${MOVING}, json_set(json_patch('{}', json_object(
     'id', id, 'version', version, 'indexedVersion', indexed_version, 'indexedOwner', indexed_owner, 'createdAt', created_at,
     'updatedAt', updated_at, 'anchorAt', anchor_at, 'finishedAt', finished_at, 'deletedAt', deleted_at, 'pausedReason', paused_reason,
     'buffered', json(buffered), 'backfills', json(backfills), 'backfillCount', backfill_count, 'idleWakes', json(idle_wakes),
     'origin', origin, 'idempotencyHash', idempotency_hash)), '$.definition', json(definition)) FROM job`,
  `INSERT INTO entry_to_come SELECT slot + 1, rev, seq, id, status, phase, NULL, ${MOVING}, json_patch('{}', json_object(
     'id', id, 'seq', seq, 'sessionId', session_id, 'userId', user_id, 'trigger', run_trigger, 'status', status, 'phase', phase,
     'dueAt', due_at, 'startedAt', started_at, 'finishedAt', finished_at, 'attempt', attempt, 'wakeAt', wake_at, 'error', error,
     'httpStatus', http_status, 'output', output, 'outputTruncated', iif(output_truncated, json('true'), NULL),
     'progress', json(progress), 'missed', missed)) FROM run`,
  "ALTER TABLE entry_to_come RENAME TO entry",
  "DROP TABLE job",
  "DROP TABLE run",
];

/** Step n brings version n to n + 1. Append only, and before {@link TABLE} changes, a step that names it gets a copy of its own. */
export const MIGRATIONS: readonly (readonly string[])[] = [V2];
