/**
 * The only code that reads and writes a FanOut object's tables. It opens fan-outs, takes batches, logs runs, lists and
 * forgets. Every write is synchronous, so a turn without an await is one commit.
 */
import { compact } from "../../src/domain/compact.ts";
import type { FanOutCounts } from "../../src/domain/fan-out/fan-out.ts";
import { boundOf, firstCallAt, intervalOf } from "../../src/domain/fan-out/shard.ts";
import { byNewest, type FanOutSpec, restoreUserRun, type UserRunParts } from "../../src/domain/fan-out/user-run.ts";
import { addSpend, dayOf, type Spent } from "../../src/domain/run/budget.ts";
import type { Run } from "../../src/domain/run/run.ts";
import { keyedRunId, keyOfUserRun, userKey } from "../../src/domain/run/run-id.ts";
import type { UserRunQuery } from "../../src/objects/fan-out.ts";
import type { RunStatus } from "../../src/schema/job.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, numberIn, parse, put, putAll, type Row, textIn, type Values } from "../storage/rows.ts";
import { runTable, runTableStatements, SCHEMA } from "./schema.ts";

/** A fan-out in this shard's tables. */
export type StoredFanOut = {
  readonly spec: FanOutSpec;
  /** The number of this shard. */
  readonly shardIndex: number;
  /** No call is made before this, if the job has a rate; epoch ms. */
  readonly nextCallAt: number;
  readonly loggedAtLastStart: number;
  readonly restartsWithoutProgress: number;
  /** The reason of an agent's 410. */
  readonly agentGone?: string;
};

/** A batch of users to run. */
export type Batch = { readonly seq: number; readonly users: readonly string[] };

export class FanOutStore {
  readonly #sql: SqlStorage;
  #present: boolean | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  get present(): boolean {
    this.#present ??= migrate(this.#sql, SCHEMA) !== undefined;
    return this.#present;
  }

  /** The fan-outs, newest first. A shard that never got users has none. */
  fanOuts(): StoredFanOut[] {
    if (!this.present) return [];
    return all(this.#sql, "SELECT * FROM fan_out ORDER BY no DESC").map(toFanOut);
  }

  newest(): StoredFanOut | undefined {
    if (!this.present) return undefined;
    return all(this.#sql, "SELECT * FROM fan_out ORDER BY no DESC LIMIT 1").map(toFanOut)[0];
  }

  find(number: number): StoredFanOut | undefined {
    if (!this.present) return undefined;
    return all(this.#sql, "SELECT * FROM fan_out WHERE no = ?", number).map(toFanOut)[0];
  }

  /** Creates the fan-out's tables. */
  open(spec: FanOutSpec, shardIndex: number): void {
    if (!this.present) put(this.#sql, "shard", { one: 1, schema_version: makeTables(this.#sql, SCHEMA) });
    this.#present = true;
    for (const statement of runTableStatements(spec.number)) this.#sql.exec(statement);
    const { startedAt, shards } = spec;
    put(this.#sql, "fan_out", {
      no: spec.number,
      job_id: spec.jobId,
      k: shardIndex,
      spec: JSON.stringify(spec),
      next_call_at: firstCallAt(startedAt, intervalOf(boundOf(spec.definition), shards), shards, shardIndex),
      begun_at_logged: 0,
      stalls: 0,
    });
  }

  /** Drops a fan-out and its runs. It writes one row. */
  forget(number: number): void {
    if (!this.present) return;
    this.#sql.exec(`DROP TABLE IF EXISTS ${runTable(number)}`);
    this.#sql.exec("DELETE FROM batch WHERE fan_out = ?", number);
    this.#sql.exec("DELETE FROM fan_out WHERE no = ?", number);
  }

  noteNextCall(number: number, at: number): void {
    this.#sql.exec("UPDATE fan_out SET next_call_at = ? WHERE no = ?", at, number);
  }

  noteBegin(number: number, logged: number, restartsWithoutProgress: number): void {
    this.#sql.exec(
      "UPDATE fan_out SET begun_at_logged = ?, stalls = ? WHERE no = ?",
      logged,
      restartsWithoutProgress,
      number,
    );
  }

  noteAgentGone(number: number, reason: string): void {
    this.#sql.exec("UPDATE fan_out SET gone = coalesce(gone, ?) WHERE no = ?", reason, number);
  }

  /** Takes users in, as one row. */
  addBatch(number: number, users: readonly string[]): void {
    put(this.#sql, "batch", { fan_out: number, size: users.length, users: JSON.stringify(users) });
  }

  /** The oldest batch that is not `open`. */
  nextBatch(number: number, open: readonly number[]): Batch | undefined {
    const rows = all(
      this.#sql,
      `SELECT * FROM batch WHERE fan_out = ?1 AND seq NOT IN (SELECT value FROM json_each(?2)) ORDER BY seq LIMIT 1`,
      number,
      JSON.stringify(open),
    );
    return rows.map(toBatch)[0];
  }

  /** The number of users in the batches that are not `open`. */
  queued(number: number, open: readonly number[]): number {
    const row = first(
      this.#sql,
      "SELECT sum(size) AS n FROM batch WHERE fan_out = ?1 AND seq NOT IN (SELECT value FROM json_each(?2))",
      number,
      JSON.stringify(open),
    );
    return Number(row?.n ?? 0);
  }

  deleteBatch(seq: number): void {
    this.#sql.exec("DELETE FROM batch WHERE seq = ?", seq);
  }

  /** The keys whose users have a run in the log. */
  logged(number: number, keys: readonly string[]): string[] {
    const rows = all(
      this.#sql,
      `SELECT user_key FROM ${runTable(number)} WHERE user_key IN (SELECT value FROM json_each(?))`,
      JSON.stringify(keys),
    );
    return rows.map((row) => String(row.user_key));
  }

  run(spec: FanOutSpec, key: string): Run | undefined {
    const rows = all(this.#sql, `SELECT * FROM ${runTable(spec.number)} WHERE user_key = ?`, key);
    return rows.map((row) => toRun(spec, row))[0];
  }

  /**
   * Logs runs, each over its earlier state. It writes one row for each run, and two while the run waits, so that it is
   * found at once after a crash.
   */
  putRuns(number: number, runs: readonly Run[]): void {
    putAll(this.#sql, runTable(number), runs.map(toRow));
  }

  /** Logged runs that have not ended and whose time has come, earliest first. */
  dueRuns(spec: FanOutSpec, now: number, limit: number): Run[] {
    const rows = all(
      this.#sql,
      `SELECT * FROM ${runTable(spec.number)} WHERE wake_at <= ? ORDER BY wake_at LIMIT ?`,
      now,
      limit,
    );
    return rows.map((row) => toRun(spec, row));
  }

  /** The time of the first logged run after the due ones. */
  nextWake(number: number, after: number): number | undefined {
    const row = first(this.#sql, `SELECT min(wake_at) AS at FROM ${runTable(number)} WHERE wake_at > ?`, after);
    return numberIn(row?.at);
  }

  /**
   * Counts the log of one fan-out. It reads the whole log, so keep the answer. `active` are logged runs that have not
   * ended.
   */
  counts(number: number): FanOutCounts & { readonly active: number; readonly usd: number; readonly tokens: number } {
    const counts = { total: 0, succeeded: 0, failed: 0, skipped: 0, active: 0, usd: 0, tokens: 0 };
    // `total` is used because `sum` fails if whole numbers exceed 2^63.
    const sums = "total(run ->> 'costUsd') AS usd, total(run ->> 'tokens') AS tokens";
    for (const row of all(
      this.#sql,
      `SELECT status, count(*) AS n, ${sums} FROM ${runTable(number)} GROUP BY status`,
    )) {
      const n = Number(row.n);
      counts.usd += Number(row.usd ?? 0);
      counts.tokens += Number(row.tokens ?? 0);
      counts.total += n;
      if (row.status === "success") counts.succeeded = n;
      else if (row.status === "error") counts.failed = n;
      else if (row.status === "skipped") counts.skipped = n;
      else counts.active = n;
    }
    return counts;
  }

  /** The spend of one fan-out's runs, added to the job's spend before it. It reads the whole log, so keep the answer. */
  spent(spec: FanOutSpec): Spent | undefined {
    const { schedule } = spec.definition;
    let spent = spec.spent;
    const rows = all(this.#sql, `SELECT * FROM ${runTable(spec.number)} WHERE status != 'skipped' ORDER BY started_at`);
    for (const row of rows) {
      const { startedAt, finishedAt = startedAt, costUsd = 0, tokens = 0 } = toRun(spec, row);
      spent = addSpend(spent, { runs: 1 }, dayOf(schedule, startedAt));
      if (costUsd + tokens > 0) spent = addSpend(spent, { usd: costUsd, tokens }, dayOf(schedule, finishedAt));
    }
    return spent;
  }

  /** The user's last run in a fan-out before `number` that ended as success or error. */
  lastEnded(number: number, key: string): Run | undefined {
    for (const { spec } of this.fanOuts()) {
      const run = spec.number < number ? this.run(spec, key) : undefined;
      if (run?.status === "success" || run?.status === "error") return run;
    }
    return undefined;
  }

  /** The log of one fan-out, newest first. A page reads the shard's whole log once, or one row if the user is given. */
  runs(spec: FanOutSpec, query: UserRunQuery): Run[] {
    const { before, status, userId, unchanged, since, until, limit } = query;
    if (userId !== undefined) {
      const run = this.run(spec, userKey(userId));
      return run !== undefined && isWanted(run, query) ? [run] : [];
    }
    const rows = all(
      this.#sql,
      `SELECT * FROM ${runTable(spec.number)}
         WHERE (?1 IS NULL OR status = ?1)
           AND (?2 IS NULL OR started_at < ?2 OR (started_at = ?2 AND ?3 || user_key < ?4))
           AND (?5 IS NULL OR coalesce(run ->> 'unchanged', 0) = ?5) AND started_at >= ?7 AND started_at < ?8
         ORDER BY started_at DESC, user_key DESC LIMIT ?6`,
      status ?? null,
      before?.startedAt ?? null,
      keyedRunId(spec.id, ""),
      before?.id ?? null,
      unchanged === undefined ? null : Number(unchanged),
      limit,
      since ?? Number.MIN_SAFE_INTEGER,
      until ?? Number.MAX_SAFE_INTEGER,
    );
    return rows.map((row) => toRun(spec, row));
  }
}

/** Whether a run belongs in a list. */
export const isWanted = (
  run: Run,
  { before, status, userId, unchanged, since = run.startedAt, until = run.startedAt + 1 }: Omit<UserRunQuery, "limit">,
): boolean =>
  run.startedAt >= since &&
  run.startedAt < until &&
  (status === undefined || run.status === status) &&
  (unchanged === undefined || (run.unchanged ?? false) === unchanged) &&
  (userId === undefined || run.userId === userId) &&
  (before === undefined || byNewest(before, run) < 0);

const toFanOut = (row: Row): StoredFanOut =>
  compact({
    spec: { ...parse<FanOutSpec>(row.spec), number: Number(row.no) },
    shardIndex: Number(row.k),
    nextCallAt: Number(row.next_call_at),
    loggedAtLastStart: Number(row.begun_at_logged),
    restartsWithoutProgress: Number(row.stalls),
    agentGone: textIn(row.gone),
  });

const toBatch = (row: Row): Batch => ({
  seq: Number(row.seq),
  users: parse<string[]>(row.users),
});

/**
 * A run without the parts that follow from the fan-out and the user (`commonOf` in src/domain/fan-out/user-run.ts) or have
 * a column.
 */
type StoredRun = Omit<UserRunParts, "startedAt" | "status">;

function toRow(run: Run): Values {
  const { id, startedAt, status, userId = "", phase, finishedAt, attempt, wakeAt, error, httpStatus, output } = run;
  const { progress, offeredAt, offeredTo, claim, outputTruncated, attempts, unchanged, costUsd, tokens, controlError } =
    run;
  const optional = {
    wakeAt,
    finishedAt,
    error,
    httpStatus,
    progress,
    offeredAt,
    offeredTo,
    claim,
    outputTruncated: outputTruncated || undefined,
    attempts,
    unchanged,
    costUsd,
    tokens,
    controlError,
    output,
  };
  const rest: StoredRun = { userId, phase, attempt, ...compact(optional) };
  return {
    user_key: keyOfUserRun(id),
    started_at: startedAt,
    status,
    wake_at: wakeAt ?? (phase === "ended" ? null : startedAt),
    run: JSON.stringify(rest),
  };
}

const toRun = (spec: FanOutSpec, row: Row): Run =>
  restoreUserRun(spec, {
    ...parse<StoredRun>(row.run),
    startedAt: Number(row.started_at),
    status: row.status as RunStatus,
  });
