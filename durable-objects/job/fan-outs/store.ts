/**
 * The fan-outs of a job, in its object: the newest ten, one row each. The first fan-out creates the table, so an ordinary
 * job never has it. Every write is synchronous and belongs to the commit of its turn.
 */
import { compact } from "../../../src/domain/compact.ts";
import type { FanOut, FanOutCounts, FanOutStatus, SourceProgress } from "../../../src/domain/fan-out/fan-out.ts";
import type { JobDefinition } from "../../../src/schema/job.ts";
import type { Trigger } from "../../../src/schema/run.ts";
import { makeTables, migrate, type Schema } from "../../storage/migrate.ts";
import { all, first, numberIn, parse, put, type Row, textIn } from "../../storage/rows.ts";

const V1 = [
  `CREATE TABLE fan_out (
  no INTEGER PRIMARY KEY,
  id TEXT NOT NULL,
  run_trigger TEXT NOT NULL,
  due_at INTEGER NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  missed INTEGER NOT NULL,
  status TEXT NOT NULL,
  error TEXT,
  shards INTEGER NOT NULL,
  fed TEXT NOT NULL,
  source TEXT NOT NULL,
  counts TEXT NOT NULL,
  wake_at INTEGER NOT NULL,
  gone INTEGER NOT NULL,
  origin TEXT,
  definition TEXT NOT NULL,
  rev INTEGER NOT NULL,
  schema_version INTEGER NOT NULL
)`,
];

const SCHEMA: Schema = { table: "fan_out", steps: [V1] };

export class JobFanOutStore {
  readonly #sql: SqlStorage;
  /** The version of the table, null if there is none. Undefined until it was read. */
  #version: number | null | undefined;
  /**
   * The newest fan-out, null if there is none. It is kept because every step of a running fan-out asks for it. Undefined
   * until it was read.
   */
  #newest: FanOut | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether the job has ever fanned out. Finding that out writes nothing. */
  get present(): boolean {
    if (this.#version === undefined) this.#version = migrate(this.#sql, SCHEMA) ?? null;
    return this.#version !== null;
  }

  /** The number of the last write to the table, or 0. The job's own rows may know only an earlier one. */
  get rev(): number {
    if (!this.present) return 0;
    return Number(first(this.#sql, "SELECT max(rev) AS rev FROM fan_out")?.rev ?? 0);
  }

  /** Writes one row. The first write also creates the table. `rev` is the number of the write. */
  put(fanOut: FanOut, rev: number): void {
    const version = (this.present ? this.#version : undefined) ?? makeTables(this.#sql, SCHEMA);
    this.#version = version;
    this.#newest = undefined;
    put(this.#sql, "fan_out", {
      no: fanOut.number,
      id: fanOut.id,
      run_trigger: fanOut.trigger,
      due_at: fanOut.dueAt,
      started_at: fanOut.startedAt,
      finished_at: fanOut.finishedAt,
      missed: fanOut.missed,
      status: fanOut.status,
      error: fanOut.error,
      shards: fanOut.shards,
      fed: JSON.stringify(fanOut.activeShards),
      source: JSON.stringify(fanOut.source),
      counts: JSON.stringify(fanOut.counts),
      wake_at: fanOut.wakeAt,
      gone: fanOut.agentGone,
      origin: fanOut.origin,
      definition: JSON.stringify(fanOut.definition),
      rev,
      schema_version: version,
    });
  }

  newest(): FanOut | undefined {
    if (this.#newest === undefined) this.#newest = this.list(1)[0] ?? null;
    return this.#newest ?? undefined;
  }

  find(id: string): FanOut | undefined {
    if (!this.present) return undefined;
    return all(this.#sql, "SELECT * FROM fan_out WHERE id = ?", id).map(toFanOut)[0];
  }

  /** Fan-outs, newest first, before number `before`. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): FanOut[] {
    if (!this.present) return [];
    return all(this.#sql, "SELECT * FROM fan_out WHERE no < ? ORDER BY no DESC LIMIT ?", before, limit).map(toFanOut);
  }

  /** The fan-outs that ended by a write after `rev`, in the order of writing. A listener that saw `rev` has missed them. */
  endedSince(rev: number): { readonly rev: number; readonly fanOut: FanOut }[] {
    if (!this.present) return [];
    const rows = all(this.#sql, "SELECT * FROM fan_out WHERE rev > ? AND status != 'running' ORDER BY rev", rev);
    return rows.map((row) => ({ rev: Number(row.rev), fanOut: toFanOut(row) }));
  }

  /** The fan-outs beyond the newest `kept`, oldest first. */
  beyond(kept: number): FanOut[] {
    if (!this.present) return [];
    const rows = all(this.#sql, "SELECT * FROM fan_out ORDER BY no DESC LIMIT -1 OFFSET ?", kept);
    return rows.map(toFanOut).reverse();
  }

  delete(number: number): void {
    if (!this.present) return;
    this.#newest = undefined;
    this.#sql.exec("DELETE FROM fan_out WHERE no = ?", number);
  }
}

const toFanOut = (row: Row): FanOut =>
  compact({
    number: Number(row.no),
    id: String(row.id),
    trigger: row.run_trigger as Trigger,
    dueAt: Number(row.due_at),
    startedAt: Number(row.started_at),
    finishedAt: numberIn(row.finished_at),
    missed: Number(row.missed),
    status: row.status as FanOutStatus,
    error: textIn(row.error),
    shards: Number(row.shards),
    activeShards: parse<number[]>(row.fed),
    source: parse<SourceProgress>(row.source),
    counts: parse<FanOutCounts>(row.counts),
    wakeAt: Number(row.wake_at),
    agentGone: row.gone === 1,
    origin: textIn(row.origin),
    definition: parse<JobDefinition>(row.definition),
  });
