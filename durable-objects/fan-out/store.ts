/**
 * The one place that reads and writes a FanOut object's tables. Its verbs are the shard's: open a fan-out, take a batch, log a
 * run, list, forget. Every write is synchronous, so a turn without an await is one commit.
 */
import type { FanOutCounts } from "../../src/domain/fan-out/fan-out.ts";
import { boundOf, firstCallAt, intervalOf } from "../../src/domain/fan-out/shard.ts";
import { byNewest, type FanOutSpec, restoreUserRun, type UserRunParts } from "../../src/domain/fan-out/user-run.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { keyedRunId, keyOfUserRun, userKey } from "../../src/domain/run/run-id.ts";
import type { UserRunQuery } from "../../src/objects/fan-out.ts";
import type { RunStatus } from "../../src/schema/job.ts";
import { MIGRATIONS, runTable, runTableStatements, SCHEMA_VERSION, TABLES } from "./schema.ts";

/** A fan-out as this shard knows it. */
export type StoredFanOut = {
  readonly spec: FanOutSpec;
  /** Which shard this is. */
  readonly k: number;
  /** Before this no call is made, where the job has a rate; epoch ms. */
  readonly nextCallAt: number;
  readonly begunAtLogged: number;
  readonly stalls: number;
  /** What an agent said with 410. */
  readonly gone?: string;
};

/** Users to run, as they were taken in. */
export type Batch = { readonly seq: number; readonly users: readonly string[] };

type Row = Record<string, SqlStorageValue>;

/** A statement takes a hundred values, and a run has five. */
const RUNS_PER_STATEMENT = 20;

export class FanOutStore {
  readonly #sql: SqlStorage;
  #present: boolean | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get present(): boolean {
    this.#present ??= this.#open();
    return this.#present;
  }

  /** Brings the tables of an older version of the code up to date; what a later one wrote is left as it is. */
  #open(): boolean {
    if ([...this.#sql.exec("SELECT 1 FROM sqlite_master WHERE name = 'fan_out'")].length === 0) return false;
    const old = [
      ...this.#sql.exec<Row>("SELECT no, schema_version FROM fan_out WHERE schema_version < ?", SCHEMA_VERSION),
    ];
    for (const row of old) {
      const no = Number(row.no);
      for (const step of MIGRATIONS.slice(Number(row.schema_version) - 1)) {
        for (const statement of step(no)) this.#sql.exec(statement);
      }
      this.#sql.exec("UPDATE fan_out SET schema_version = ? WHERE no = ?", SCHEMA_VERSION, no);
    }
    return true;
  }

  /** Newest first. Brings nothing about where the shard was never handed users. */
  fanOuts(): StoredFanOut[] {
    if (!this.present) return [];
    return [...this.#sql.exec<Row>("SELECT * FROM fan_out ORDER BY no DESC")].map(toFanOut);
  }

  newest(): StoredFanOut | undefined {
    if (!this.present) return undefined;
    return [...this.#sql.exec<Row>("SELECT * FROM fan_out ORDER BY no DESC LIMIT 1")].map(toFanOut)[0];
  }

  find(no: number): StoredFanOut | undefined {
    if (!this.present) return undefined;
    return [...this.#sql.exec<Row>("SELECT * FROM fan_out WHERE no = ?", no)].map(toFanOut)[0];
  }

  /** Makes the fan-out's tables. */
  open(spec: FanOutSpec, k: number): void {
    if (!this.present) for (const statement of TABLES) this.#sql.exec(statement);
    this.#present = true;
    for (const statement of runTableStatements(spec.no)) this.#sql.exec(statement);
    const first = firstCallAt(spec.startedAt, intervalOf(boundOf(spec.definition), spec.shards), spec.shards, k);
    this.#sql.exec(
      "INSERT INTO fan_out VALUES (?, ?, ?, ?, ?, ?, 0, 0, NULL)",
      spec.no,
      SCHEMA_VERSION,
      spec.jobId,
      k,
      JSON.stringify(spec),
      first,
    );
  }

  /** Forgets a fan-out and its runs; rows written: one. */
  forget(no: number): void {
    if (!this.present) return;
    this.#sql.exec(`DROP TABLE IF EXISTS ${runTable(no)}`);
    this.#sql.exec("DELETE FROM batch WHERE fan_out = ?", no);
    this.#sql.exec("DELETE FROM fan_out WHERE no = ?", no);
  }

  noteNextCall(no: number, at: number): void {
    this.#sql.exec("UPDATE fan_out SET next_call_at = ? WHERE no = ?", at, no);
  }

  noteBegin(no: number, logged: number, stalls: number): void {
    this.#sql.exec("UPDATE fan_out SET begun_at_logged = ?, stalls = ? WHERE no = ?", logged, stalls, no);
  }

  noteGone(no: number, reason: string): void {
    this.#sql.exec("UPDATE fan_out SET gone = coalesce(gone, ?) WHERE no = ?", reason, no);
  }

  /** Takes users in: one row. */
  addBatch(no: number, users: readonly string[]): void {
    this.#sql.exec(
      "INSERT INTO batch (fan_out, size, users) VALUES (?, ?, ?)",
      no,
      users.length,
      JSON.stringify(users),
    );
  }

  /** The batch that was taken in first, those already `open` left out. */
  nextBatch(no: number, open: readonly number[]): Batch | undefined {
    const rows = this.#sql.exec<Row>(
      `SELECT * FROM batch WHERE fan_out = ?1 AND seq NOT IN (SELECT value FROM json_each(?2)) ORDER BY seq LIMIT 1`,
      no,
      JSON.stringify(open),
    );
    return [...rows].map(toBatch)[0];
  }

  /** How many users the batches hold that are not `open`. */
  queued(no: number, open: readonly number[]): number {
    const row = this.#sql
      .exec<Row>(
        `SELECT sum(size) AS n FROM batch WHERE fan_out = ?1 AND seq NOT IN (SELECT value FROM json_each(?2))`,
        no,
        JSON.stringify(open),
      )
      .one();
    return Number(row.n ?? 0);
  }

  deleteBatch(seq: number): void {
    this.#sql.exec("DELETE FROM batch WHERE seq = ?", seq);
  }

  /** Those of the keys whose users have a run in the log. */
  logged(no: number, keys: readonly string[]): string[] {
    const rows = this.#sql.exec<Row>(
      `SELECT user_key FROM ${runTable(no)} WHERE user_key IN (SELECT value FROM json_each(?))`,
      JSON.stringify(keys),
    );
    return [...rows].map((row) => String(row.user_key));
  }

  run(spec: FanOutSpec, key: string): Run | undefined {
    const rows = this.#sql.exec<Row>(`SELECT * FROM ${runTable(spec.no)} WHERE user_key = ?`, key);
    return [...rows].map((row) => toRun(spec, row))[0];
  }

  /**
   * Logs runs, each over what was logged of it before: one row a run, two while it waits. A call is found again at once after a crash.
   */
  putRuns(no: number, runs: readonly Run[]): void {
    for (let from = 0; from < runs.length; from += RUNS_PER_STATEMENT) {
      const some = runs.slice(from, from + RUNS_PER_STATEMENT);
      const rows = some.map(() => "(?, ?, ?, ?, ?)").join(", ");
      this.#sql.exec(`INSERT OR REPLACE INTO ${runTable(no)} VALUES ${rows}`, ...some.flatMap(toRow));
    }
  }

  /** Logged runs that have not ended and whose time has come, the earliest first. */
  dueRuns(spec: FanOutSpec, now: number, limit: number): Run[] {
    const rows = this.#sql.exec<Row>(
      `SELECT * FROM ${runTable(spec.no)} WHERE wake_at <= ? ORDER BY wake_at LIMIT ?`,
      now,
      limit,
    );
    return [...rows].map((row) => toRun(spec, row));
  }

  /** When the first logged run that comes after the due ones has its time. */
  nextWake(no: number, after: number): number | undefined {
    const row = this.#sql.exec<Row>(`SELECT min(wake_at) AS at FROM ${runTable(no)} WHERE wake_at > ?`, after).one();
    return row.at === null ? undefined : Number(row.at);
  }

  /** Counts the log of one fan-out: reads all of it, so keep the answer. `active` are logged runs that have not ended. */
  counts(no: number): FanOutCounts & { readonly active: number } {
    const counts = { total: 0, succeeded: 0, failed: 0, skipped: 0, active: 0 };
    for (const row of this.#sql.exec<Row>(`SELECT status, count(*) AS n FROM ${runTable(no)} GROUP BY status`)) {
      const n = Number(row.n);
      counts.total += n;
      if (row.status === "success") counts.succeeded = n;
      else if (row.status === "error") counts.failed = n;
      else if (row.status === "skipped") counts.skipped = n;
      else counts.active = n;
    }
    return counts;
  }

  /** The log of one fan-out, newest first. A page reads the whole log of the shard once, or one row where the user is given. */
  runs(spec: FanOutSpec, query: UserRunQuery): Run[] {
    const { before, status, userId, limit } = query;
    if (userId !== undefined) {
      const run = this.run(spec, userKey(userId));
      return run !== undefined && isWanted(run, query) ? [run] : [];
    }
    const rows = this.#sql.exec<Row>(
      `SELECT * FROM ${runTable(spec.no)}
         WHERE (?1 IS NULL OR status = ?1)
           AND (?2 IS NULL OR started_at < ?2 OR (started_at = ?2 AND ?3 || user_key < ?4))
         ORDER BY started_at DESC, user_key DESC LIMIT ?5`,
      status ?? null,
      before?.startedAt ?? null,
      keyedRunId(spec.id, ""),
      before?.id ?? null,
      limit,
    );
    return [...rows].map((row) => toRun(spec, row));
  }
}

/** Whether a run belongs into a list. */
export const isWanted = (run: Run, { before, status, userId }: Omit<UserRunQuery, "limit">): boolean =>
  (status === undefined || run.status === status) &&
  (userId === undefined || run.userId === userId) &&
  (before === undefined || byNewest(before, run) < 0);

const parse = <T>(value: SqlStorageValue | undefined): T => JSON.parse(String(value)) as T;

const toFanOut = (row: Row): StoredFanOut => ({
  spec: parse<FanOutSpec>(row.spec),
  k: Number(row.k),
  nextCallAt: Number(row.next_call_at),
  begunAtLogged: Number(row.begun_at_logged),
  stalls: Number(row.stalls),
  ...(row.gone === null ? {} : { gone: String(row.gone) }),
});

const toBatch = (row: Row): Batch => ({
  seq: Number(row.seq),
  users: parse<string[]>(row.users),
});

/** A run without what follows from the fan-out and the user (`commonOf` of user-run.ts), or stands in a column. */
type StoredRun = Omit<UserRunParts, "startedAt" | "status">;

function toRow(run: Run): SqlStorageValue[] {
  const { id, startedAt, status, userId = "", phase, finishedAt, attempt, wakeAt, error, httpStatus, output } = run;
  const rest: StoredRun = {
    userId,
    phase,
    attempt,
    ...(wakeAt === undefined ? {} : { wakeAt }),
    ...(finishedAt === undefined ? {} : { finishedAt }),
    ...(error === undefined ? {} : { error }),
    ...(httpStatus === undefined ? {} : { httpStatus }),
    ...(run.progress === undefined ? {} : { progress: run.progress }),
    ...(run.offeredAt === undefined ? {} : { offeredAt: run.offeredAt }),
    ...(run.claim === undefined ? {} : { claim: run.claim }),
    ...(run.outputTruncated ? { outputTruncated: true } : {}),
    ...(output === undefined ? {} : { output }),
  };
  return [keyOfUserRun(id), startedAt, status, wakeAt ?? (phase === "ended" ? null : startedAt), JSON.stringify(rest)];
}

const toRun = (spec: FanOutSpec, row: Row): Run =>
  restoreUserRun(spec, {
    ...parse<StoredRun>(row.run),
    startedAt: Number(row.started_at),
    status: row.status as RunStatus,
  });
