/**
 * The one place that reads and writes a Job object's tables. Its verbs are the job's: create, load, record, list, erase.
 * Every write is synchronous, so a caller that does not await between two of them gets one commit.
 */
import type { Cursor, JobRecord } from "../src/domain/job.ts";
import type { Run, RunPhase } from "../src/domain/run.ts";
import type { RunStatus } from "../src/schema/job.ts";
import type { Trigger } from "../src/schema/run.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "./job-schema.ts";

export type StoredJob = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs that have not ended, oldest first. */
  readonly active: readonly Run[];
  /** Whether the job has ever fanned out, and so has the table of `JobFanOutStore`. */
  readonly hasFannedOut: boolean;
};

/** Which runs of the log are wanted, newest first. */
export type RunQuery = {
  readonly limit: number;
  /** Only runs before this one. */
  readonly beforeSeq?: number | undefined;
  readonly status?: RunStatus | undefined;
  readonly userId?: string | undefined;
};

type Row = Record<string, SqlStorageValue>;

export class JobStore {
  readonly #sql: SqlStorage;
  readonly #retention: number;
  /** Slots of the log by run id, for runs known to be in it; kept so that a run's end writes where its start did. */
  readonly #slots = new Map<string, number>();
  /** How many runs the log holds, and the first slot never used; undefined until they were asked for. */
  #log: { size: number; nextSlot: number } | undefined;

  /** @param retention how many runs the log keeps (`RUN_RETENTION`) */
  constructor(sql: SqlStorage, retention: number) {
    this.#sql = sql;
    this.#retention = Math.max(1, retention);
  }

  /** The whole state, or undefined where no job was ever made here (or it was erased). Brings old tables up to date. */
  load(): StoredJob | undefined {
    const tables = [...this.#sql.exec<Row>("SELECT name FROM sqlite_master WHERE name IN ('job', 'fan_out')")];
    if (!tables.some(({ name }) => name === "job")) return undefined;
    const row = [...this.#sql.exec<Row>(`SELECT *, ${LOG_SIZE} FROM job`)][0];
    if (row === undefined) return undefined;
    this.#log = toLogSize(row);
    this.#migrate(Number(row.schema_version));
    // The runs that go on and the one written last in one question: a job that wakes asks it before it calls anybody.
    const runs = [
      ...this.#sql.exec<Row>(
        "SELECT * FROM run WHERE phase != 'ended' OR rev = (SELECT max(rev) FROM run) ORDER BY seq",
      ),
    ];
    const active = runs.filter(({ phase }) => phase !== "ended");
    for (const run of active) this.#slots.set(String(run.id), Number(run.slot));
    const carrier = [row, ...runs].reduce((newest, next) => (Number(next.rev) > Number(newest.rev) ? next : newest));
    return {
      record: toRecord(row),
      cursor: parseJson<Cursor>(carrier.cursor),
      active: active.map(toRun),
      hasFannedOut: tables.some(({ name }) => name === "fan_out"),
    };
  }

  /** Makes the tables and the job's row. */
  create(record: JobRecord, cursor: Cursor): void {
    for (const step of MIGRATIONS) for (const statement of step) this.#sql.exec(statement);
    this.#putJob(record, cursor);
  }

  /**
   * Records what was decided. Rows written: one per run, and one for the job only if its record changed.
   * The cursor travels in each row written; give it the next `rev` first.
   */
  record(change: {
    readonly record?: JobRecord | undefined;
    readonly runs: readonly Run[];
    readonly cursor: Cursor;
  }): void {
    for (const run of change.runs) this.#putRun(run, change.cursor);
    if (change.record !== undefined) this.#putJob(change.record, change.cursor);
  }

  run(id: string): Run | undefined {
    return [...this.#sql.exec<Row>("SELECT * FROM run WHERE id = ?", id)].map(toRun)[0];
  }

  /** Newest first. */
  runs(query: RunQuery): Run[] {
    const rows = this.#sql.exec<Row>(
      `SELECT * FROM run WHERE seq < ?1 AND (?2 IS NULL OR status = ?2) AND (?3 IS NULL OR user_id = ?3)
       ORDER BY seq DESC LIMIT ?4`,
      query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
      query.status ?? null,
      query.userId ?? null,
      query.limit,
    );
    return [...rows].map(toRun);
  }

  /** Runs written after `rev`, in the order of writing: what a listener that saw `rev` has missed. */
  runsSince(rev: number): { readonly rev: number; readonly run: Run }[] {
    const rows = this.#sql.exec<Row>("SELECT * FROM run WHERE rev > ? ORDER BY rev", rev);
    return [...rows].map((row) => ({ rev: Number(row.rev), run: toRun(row) }));
  }

  #migrate(from: number): void {
    // Tables of a later version are left as they are: it has been rolled back, and will be deployed again.
    if (from >= SCHEMA_VERSION) return;
    for (const step of MIGRATIONS.slice(from)) for (const statement of step) this.#sql.exec(statement);
    this.#sql.exec("UPDATE job SET schema_version = ?", SCHEMA_VERSION);
  }

  #putJob(record: JobRecord, cursor: Cursor): void {
    this.#sql.exec(
      INSERT_JOB,
      SCHEMA_VERSION,
      record.id,
      JSON.stringify(record.definition),
      record.version,
      record.indexedVersion,
      record.indexedOwner,
      record.createdAt,
      record.updatedAt,
      record.anchorAt,
      record.finishedAt ?? null,
      record.deletedAt ?? null,
      record.pausedReason ?? null,
      record.buffered === undefined ? null : JSON.stringify(record.buffered),
      JSON.stringify(record.backfills),
      record.backfillCount,
      record.idleWakes === undefined ? null : JSON.stringify(record.idleWakes),
      record.origin ?? null,
      record.idempotencyHash ?? null,
      cursor.rev,
      JSON.stringify(cursor),
    );
  }

  #putRun(run: Run, cursor: Cursor): void {
    const slot = this.#slots.get(run.id) ?? this.#freeSlot();
    this.#sql.exec(
      INSERT_RUN,
      slot,
      run.seq,
      run.id,
      run.sessionId,
      run.userId ?? null,
      run.trigger,
      run.status,
      run.phase,
      run.dueAt,
      run.startedAt,
      run.finishedAt ?? null,
      run.attempt,
      run.wakeAt ?? null,
      run.error ?? null,
      run.httpStatus ?? null,
      run.output ?? null,
      run.outputTruncated ? 1 : null,
      run.progress === undefined ? null : JSON.stringify(run.progress),
      run.missed ?? null,
      cursor.rev,
      JSON.stringify(cursor),
    );
    if (run.phase === "ended") this.#slots.delete(run.id);
    else this.#slots.set(run.id, slot);
  }

  /**
   * The slot for a new run: a new one while the log has room, then that of the oldest run that has ended. An active run keeps
   * its slot however long it lasts. Rows beyond what is kept (many runs were active, or RUN_RETENTION was lowered) are deleted.
   */
  #freeSlot(): number {
    this.#log ??= toLogSize(this.#sql.exec<Row>(`SELECT ${LOG_SIZE}`).one());
    const surplus = this.#log.size - this.#retention;
    const isFull = surplus >= 0;
    const ended = isFull
      ? this.#sql.exec<Row>("SELECT slot FROM run WHERE phase = 'ended' ORDER BY seq LIMIT ?", surplus + 1)
      : [];
    const [oldest, ...others] = [...ended].map((row) => Number(row.slot));
    for (const slot of others) this.#sql.exec("DELETE FROM run WHERE slot = ?", slot);
    this.#log.size -= others.length;
    if (oldest !== undefined) return oldest;
    this.#log.size++;
    return this.#log.nextSlot++;
  }
}

const LOG_SIZE =
  "(SELECT count(*) FROM run) AS log_size, (SELECT coalesce(max(slot) + 1, 0) FROM run) AS log_next_slot";

const toLogSize = (row: Row) => ({ size: Number(row.log_size), nextSlot: Number(row.log_next_slot) });

const marks = (count: number): string => Array.from({ length: count }, () => "?").join(", ");
const INSERT_JOB = `INSERT OR REPLACE INTO job VALUES (1, ${marks(20)})`;
const INSERT_RUN = `INSERT OR REPLACE INTO run VALUES (${marks(21)})`;

const parseJson = <T>(value: SqlStorageValue | undefined): T => JSON.parse(String(value)) as T;

const optional = <K extends string, V>(key: K, value: V | null | undefined) =>
  (value === null || value === undefined ? {} : { [key]: value }) as { [P in K]?: V };

function toRecord(row: Row): JobRecord {
  return {
    id: String(row.id),
    definition: parseJson(row.definition),
    version: Number(row.version),
    indexedVersion: Number(row.indexed_version),
    indexedOwner: String(row.indexed_owner),
    createdAt: Number(row.created_at),
    updatedAt: Number(row.updated_at),
    anchorAt: Number(row.anchor_at),
    ...optional("finishedAt", row.finished_at as number | null),
    ...optional("deletedAt", row.deleted_at as number | null),
    ...optional("pausedReason", row.paused_reason as string | null),
    ...(row.buffered === null ? {} : { buffered: parseJson(row.buffered) }),
    backfills: parseJson(row.backfills),
    backfillCount: Number(row.backfill_count),
    ...(row.idle_wakes === null ? {} : { idleWakes: parseJson(row.idle_wakes) }),
    ...optional("origin", row.origin as string | null),
    ...optional("idempotencyHash", row.idempotency_hash as string | null),
  };
}

function toRun(row: Row): Run {
  return {
    id: String(row.id),
    seq: Number(row.seq),
    sessionId: String(row.session_id),
    ...optional("userId", row.user_id as string | null),
    trigger: row.run_trigger as Trigger,
    status: row.status as RunStatus,
    phase: row.phase as RunPhase,
    dueAt: Number(row.due_at),
    startedAt: Number(row.started_at),
    ...optional("finishedAt", row.finished_at as number | null),
    attempt: Number(row.attempt),
    ...optional("wakeAt", row.wake_at as number | null),
    ...optional("error", row.error as string | null),
    ...optional("httpStatus", row.http_status as number | null),
    ...optional("output", row.output as string | null),
    ...(row.output_truncated === 1 ? { outputTruncated: true } : {}),
    ...(row.progress === null ? {} : { progress: parseJson(row.progress) }),
    ...optional("missed", row.missed as number | null),
  };
}
