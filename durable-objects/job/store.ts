/**
 * The only code that reads and writes a Job object's tables: create, load, record, list, erase. Every write is synchronous,
 * so two writes without an await between them are one commit.
 */
import type { Cursor, JobRecord } from "../../src/domain/job/job.ts";
import type { Run } from "../../src/domain/run/run.ts";
import type { RunStatus } from "../../src/schema/job.ts";
import { makeTables, upgrade, versionOf } from "../storage/migrate.ts";
import { all, first, parse, put, type Row, replace } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

export type StoredJob = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** Runs that have not ended, oldest first. */
  readonly active: readonly Run[];
  /** Whether the job has ever fanned out, which means that the table of `JobFanOutStore` exists. */
  readonly hasFannedOut: boolean;
};

/** The runs of the log that a caller wants, newest first. */
export type RunQuery = {
  readonly limit: number;
  /** Only runs before this one. */
  readonly beforeSeq?: number | undefined;
  readonly status?: RunStatus | undefined;
  readonly userId?: string | undefined;
  /** `true`: only runs in which the agent found nothing new. `false`: only the others. */
  readonly unchanged?: boolean | undefined;
  /** Only runs that started at `since` or later, and before `until`; epoch ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
};

/**
 * The number of runs in the log, and the first slot that was never used. It moves with the cursor, so no wake has to count.
 */
type LogSize = { size: number; nextSlot: number };
type Moving = { readonly cursor: Cursor; readonly log: LogSize };

export class JobStore {
  readonly #sql: SqlStorage;
  readonly #retention: number;
  /** The log's slots by run id, for runs known to be in it. So a run's end is written to the slot of its start. */
  readonly #slots = new Map<string, number>();
  #log: LogSize = { size: 0, nextSlot: 1 };
  /** The version of the tables. A later version stays, even if an older one writes after a rollback. */
  #version = versionOf(SCHEMA);

  /** @param retention the number of runs that the log keeps (`RUN_RETENTION`) */
  constructor(sql: SqlStorage, retention: number) {
    this.#sql = sql;
    this.#retention = Math.max(1, retention);
  }

  /** The whole state. Undefined if no job was created here or it was erased. It brings old tables up to date. */
  load(): StoredJob | undefined {
    const [job, ...runs] = this.#readAwake() ?? [];
    if (job?.slot !== 0) return undefined;
    this.#version = upgrade(this.#sql, SCHEMA, Number(job.schema_version));
    const active = runs.filter(({ phase }) => phase !== "ended");
    for (const run of active) this.#slots.set(String(run.id), Number(run.slot));
    const carrier = runs.reduce((newest, next) => (Number(next.rev) > Number(newest.rev) ? next : newest), job);
    const { cursor, log } = parse<Moving>(carrier.cursor);
    this.#log = log;
    return {
      record: toRecord(job),
      cursor,
      active: active.map(toRun).sort((a, b) => a.seq - b.seq),
      hasFannedOut: job.fanned_out === 1,
    };
  }

  /**
   * The job, its active runs and the row written last, in one query. A waking job reads them before it calls anybody. The
   * table is not checked first, since it nearly always exists.
   */
  #readAwake(): Row[] | undefined {
    try {
      return all(this.#sql, READ_AWAKE);
    } catch (error) {
      if (error instanceof Error && error.message.includes("no such table: entry")) return undefined;
      throw error;
    }
  }

  /** Creates the table and the job's row. */
  create(record: JobRecord, cursor: Cursor): void {
    makeTables(this.#sql, SCHEMA);
    this.#putJob(record, cursor);
  }

  /**
   * Records a decision. It writes one row for each run, and one for the job only if its record changed. The cursor travels
   * in each row; give it the next `rev` first.
   */
  record(change: {
    readonly record?: JobRecord | undefined;
    readonly runs: readonly Run[];
    readonly cursor: Cursor;
  }): void {
    for (const run of change.runs) this.#findPlace(run);
    // Slots come first: the rows of one write share one number, so each must know the log as it is after all of them.
    const fresh = change.runs.filter(({ id }) => !this.#slots.has(id));
    const surplus = this.#place(fresh);
    // A new run replaces the whole row, so that nothing stays of a column that a later version added for the old run.
    for (const run of change.runs) this.#putRun(run, change.cursor, fresh.includes(run) ? replace : put);
    if (change.record !== undefined) this.#putJob(change.record, change.cursor);
    for (const slot of surplus) this.#sql.exec("DELETE FROM entry WHERE slot = ?", slot);
  }

  run(id: string): Run | undefined {
    const row = first(this.#sql, "SELECT body FROM entry WHERE id = ? AND slot > 0", id);
    return row === undefined ? undefined : toRun(row);
  }

  /** The last other run of the same user that ended as success or error. One user's results must not reach another user. */
  lastEnded({ id, userId }: Pick<Run, "id" | "userId">): Run | undefined {
    const row = first(this.#sql, LAST_ENDED, id, userId ?? null);
    return row === undefined ? undefined : toRun(row);
  }

  /** The runs of a query, newest first. */
  runs(query: RunQuery): Run[] {
    const rows = all(
      this.#sql,
      `SELECT body FROM entry WHERE slot > 0 AND seq < ?1 AND (?2 IS NULL OR status = ?2)
         AND (?3 IS NULL OR body ->> 'userId' = ?3) AND (?4 IS NULL OR coalesce(body ->> 'unchanged', 0) = ?4)
         AND body ->> 'startedAt' >= ?6 AND body ->> 'startedAt' < ?7
       ORDER BY seq DESC LIMIT ?5`,
      query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
      query.status ?? null,
      query.userId ?? null,
      query.unchanged === undefined ? null : Number(query.unchanged),
      query.limit,
      query.since ?? Number.MIN_SAFE_INTEGER,
      query.until ?? Number.MAX_SAFE_INTEGER,
    );
    return rows.map(toRun);
  }

  /** The runs written after `rev`, in the order of writing. A listener that saw `rev` has missed them. */
  runsSince(rev: number): { readonly rev: number; readonly run: Run }[] {
    const rows = all(this.#sql, "SELECT rev, body FROM entry WHERE rev > ? AND slot > 0 ORDER BY rev", rev);
    return rows.map((row) => ({ rev: Number(row.rev), run: toRun(row) }));
  }

  /** Finds the slot of a skip that counts further held fires. It has a row, although it has ended. */
  #findPlace({ id, count = 1 }: Run): void {
    if (count === 1 || this.#slots.has(id)) return;
    const row = first(this.#sql, "SELECT slot FROM entry WHERE id = ? AND slot > 0", id);
    if (row !== undefined) this.#slots.set(id, Number(row.slot));
  }

  #putJob(record: JobRecord, cursor: Cursor): void {
    put(this.#sql, "entry", {
      slot: 0,
      rev: cursor.rev,
      seq: 0,
      id: record.id,
      schema_version: this.#version,
      cursor: this.#moving(cursor),
      body: JSON.stringify(record),
    });
  }

  #putRun(run: Run, cursor: Cursor, write: typeof put): void {
    const slot = this.#slots.get(run.id);
    if (slot === undefined) throw new Error(`Run ${run.id} has no place in the log`);
    write(this.#sql, "entry", {
      slot,
      rev: cursor.rev,
      seq: run.seq,
      id: run.id,
      status: run.status,
      phase: run.phase,
      cursor: this.#moving(cursor),
      body: JSON.stringify(run),
    });
    if (run.phase === "ended") this.#slots.delete(run.id);
  }

  #moving(cursor: Cursor): string {
    return JSON.stringify({ cursor, log: this.#log } satisfies Moving);
  }

  /**
   * Gives new runs their slots: unused ones while the log has room, then those of the oldest ended runs. An active run
   * keeps its slot however long it lasts. The answer is the slots of rows beyond the retention, which exist if many runs
   * were active or RUN_RETENTION was lowered. The caller must delete them last, since one of them may carry the cursor
   * until then.
   */
  #place(runs: readonly Run[]): readonly number[] {
    const leaving = runs.length === 0 ? 0 : this.#log.size + runs.length - this.#retention;
    const ended = leaving > 0 ? all(this.#sql, OLDEST_ENDED, leaving) : [];
    const slots = ended.map((row) => Number(row.slot));
    for (const run of runs) {
      const reused = slots.shift();
      this.#slots.set(run.id, reused ?? this.#log.nextSlot++);
      if (reused === undefined) this.#log.size++;
    }
    this.#log.size -= slots.length;
    return slots;
  }
}

const READ_AWAKE = `SELECT *, (SELECT count(*) FROM sqlite_master WHERE name = 'fan_out') AS fanned_out FROM entry
  WHERE slot = 0 OR phase != 'ended' OR rev = (SELECT max(rev) FROM entry) ORDER BY slot`;
const LAST_ENDED = `SELECT body FROM entry WHERE slot > 0 AND status IN ('success', 'error') AND id != ? AND body ->> 'userId' IS ?
  ORDER BY body ->> 'finishedAt' DESC, seq DESC LIMIT 1`;
/**
 * The oldest ended runs. The last run that did something comes last, after any number of skips, since `continuity` and
 * people need it.
 */
const OLDEST_ENDED = `SELECT slot FROM entry WHERE phase = 'ended' ORDER BY
  seq = (SELECT max(seq) FROM entry WHERE slot > 0 AND status IN ('success', 'error')), seq LIMIT ?`;
const toRun = (row: Row): Run => parse<Run>(row.body);

/** A stored backfill. An earlier version called its number `no`. */
type StoredBackfill = { readonly number?: number; readonly no?: number; readonly due: readonly number[] };

function toRecord(row: Row): JobRecord {
  const record = parse<Omit<JobRecord, "backfills"> & { readonly backfills: readonly StoredBackfill[] }>(row.body);
  return { ...record, backfills: record.backfills.map(({ no = 0, number = no, due }) => ({ number, due })) };
}
