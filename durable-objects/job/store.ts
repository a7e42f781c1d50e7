/**
 * The one place that reads and writes a Job object's tables. Its verbs are the job's: create, load, record, list, erase.
 * Every write is synchronous, so a caller that does not await between two of them gets one commit.
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
  /** Only runs in which the agent found nothing new, or only the others. */
  readonly unchanged?: boolean | undefined;
};

/**
 * The number of runs that the log holds, and the first slot never used. It moves with the cursor, so that no wake has
 * to count.
 */
type LogSize = { size: number; nextSlot: number };
type Moving = { readonly cursor: Cursor; readonly log: LogSize };

export class JobStore {
  readonly #sql: SqlStorage;
  readonly #retention: number;
  /** Slots of the log by run id, for runs known to be in it. Kept so that a run's end writes where its start did. */
  readonly #slots = new Map<string, number>();
  #log: LogSize = { size: 0, nextSlot: 1 };
  /** The version of the tables. A later version's stays, even if an older one writes after a rollback. */
  #version = versionOf(SCHEMA);

  /** @param retention how many runs the log keeps (`RUN_RETENTION`) */
  constructor(sql: SqlStorage, retention: number) {
    this.#sql = sql;
    this.#retention = Math.max(1, retention);
  }

  /** The whole state, or undefined where no job was ever made here (or it was erased). Brings old tables up to date. */
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
      record: parse<JobRecord>(job.body),
      cursor,
      active: active.map(toRun).sort((a, b) => a.seq - b.seq),
      hasFannedOut: job.fanned_out === 1,
    };
  }

  /**
   * The job, the runs that go on and the row written last, in one question. A job that wakes asks it before it calls
   * anybody. It nearly always has its table, so that this is not asked first.
   */
  #readAwake(): Row[] | undefined {
    try {
      return all(this.#sql, READ_AWAKE);
    } catch (error) {
      if (error instanceof Error && error.message.includes("no such table: entry")) return undefined;
      throw error;
    }
  }

  /** Makes the table and the job's row. */
  create(record: JobRecord, cursor: Cursor): void {
    makeTables(this.#sql, SCHEMA);
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
    for (const run of change.runs) this.#findPlace(run);
    // Places first: rows of one write have one number, so each must know of the log as it is after all of them.
    const fresh = change.runs.filter(({ id }) => !this.#slots.has(id));
    const surplus = this.#place(fresh);
    // A new run takes over a slot without what a later version may keep there of the run before.
    for (const run of change.runs) this.#putRun(run, change.cursor, fresh.includes(run) ? replace : put);
    if (change.record !== undefined) this.#putJob(change.record, change.cursor);
    for (const slot of surplus) this.#sql.exec("DELETE FROM entry WHERE slot = ?", slot);
  }

  run(id: string): Run | undefined {
    const row = first(this.#sql, "SELECT body FROM entry WHERE id = ? AND slot > 0", id);
    return row === undefined ? undefined : toRun(row);
  }

  /**
   * The other run of its user that was the last to end as success or error. What one user's run came to is not told
   * to another's.
   */
  lastEnded({ id, userId }: Pick<Run, "id" | "userId">): Run | undefined {
    const row = first(this.#sql, LAST_ENDED, id, userId ?? null);
    return row === undefined ? undefined : toRun(row);
  }

  /** Newest first. */
  runs(query: RunQuery): Run[] {
    const rows = all(
      this.#sql,
      `SELECT body FROM entry WHERE slot > 0 AND seq < ?1 AND (?2 IS NULL OR status = ?2)
         AND (?3 IS NULL OR body ->> 'userId' = ?3) AND (?4 IS NULL OR coalesce(body ->> 'unchanged', 0) = ?4)
       ORDER BY seq DESC LIMIT ?5`,
      query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
      query.status ?? null,
      query.userId ?? null,
      query.unchanged === undefined ? null : Number(query.unchanged),
      query.limit,
    );
    return rows.map(toRun);
  }

  /** Runs written after `rev`, in the order of writing: what a listener that saw `rev` has missed. */
  runsSince(rev: number): { readonly rev: number; readonly run: Run }[] {
    const rows = all(this.#sql, "SELECT rev, body FROM entry WHERE rev > ? AND slot > 0 ORDER BY rev", rev);
    return rows.map((row) => ({ rev: Number(row.rev), run: toRun(row) }));
  }

  /** A skip in which further held fires are counted has its row, although it has ended. */
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
   * Gives new runs their slots. New ones while the log has room, then those of the oldest runs that have ended. An
   * active run keeps its slot however long it lasts. Answers the slots of rows beyond what is kept (many runs were
   * active, or RUN_RETENTION was lowered), which the log is then without: delete them last, since one of them may
   * bear the cursor until then.
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
/** The last run that did something goes last, after any number of skips. `continuity` hands it over, and people look for it. */
const OLDEST_ENDED = `SELECT slot FROM entry WHERE phase = 'ended' ORDER BY
  seq = (SELECT max(seq) FROM entry WHERE slot > 0 AND status IN ('success', 'error')), seq LIMIT ?`;
const toRun = (row: Row): Run => parse<Run>(row.body);
