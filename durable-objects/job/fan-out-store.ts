/**
 * The fan-outs of a job, in its object: the newest ten, a row each. The table is made by the first fan-out, so an ordinary
 * job never has it. Every write is synchronous and belongs to the commit of the turn that makes it.
 */
import type { FanOut, FanOutCounts, FanOutStatus, SourceProgress } from "../../src/domain/fan-out/fan-out.ts";
import type { JobDefinition } from "../../src/schema/job.ts";
import type { Trigger } from "../../src/schema/run.ts";

const TABLE = `CREATE TABLE fan_out (
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
  rev INTEGER NOT NULL DEFAULT 0
)`;

/** Tables made before events told of fan-outs are without it. */
const ADD_REV = "ALTER TABLE fan_out ADD COLUMN rev INTEGER NOT NULL DEFAULT 0";

type Row = Record<string, SqlStorageValue>;

export class JobFanOutStore {
  readonly #sql: SqlStorage;
  #present: boolean | undefined;
  /** The newest one, null where there is none: a fan-out that is going asks for it at every step. Undefined until asked for. */
  #newest: FanOut | null | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether the job has ever fanned out; until then nothing is written to find that out. */
  get present(): boolean {
    if (this.#present === undefined) {
      const [table] = [...this.#sql.exec<Row>("SELECT sql FROM sqlite_master WHERE name = 'fan_out'")];
      if (table !== undefined && !/\brev\b/.test(String(table.sql))) this.#sql.exec(ADD_REV);
      this.#present = table !== undefined;
    }
    return this.#present;
  }

  /** The number of the last write to the table, 0 where there was none: the job's own rows may know of an earlier one only. */
  get rev(): number {
    if (!this.present) return 0;
    return Number(this.#sql.exec<Row>("SELECT coalesce(max(rev), 0) AS rev FROM fan_out").one().rev);
  }

  /** One row written, and the table made the first time. `rev` is the number of the write. */
  put(fanOut: FanOut, rev: number): void {
    if (!this.present) this.#sql.exec(TABLE);
    this.#present = true;
    this.#newest = undefined;
    this.#sql.exec(
      `INSERT OR REPLACE INTO fan_out VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      fanOut.no,
      fanOut.id,
      fanOut.trigger,
      fanOut.dueAt,
      fanOut.startedAt,
      fanOut.finishedAt ?? null,
      fanOut.missed,
      fanOut.status,
      fanOut.error ?? null,
      fanOut.shards,
      JSON.stringify(fanOut.fed),
      JSON.stringify(fanOut.source),
      JSON.stringify(fanOut.counts),
      fanOut.wakeAt,
      fanOut.gone ? 1 : 0,
      fanOut.origin ?? null,
      JSON.stringify(fanOut.definition),
      rev,
    );
  }

  newest(): FanOut | undefined {
    if (this.#newest === undefined) this.#newest = this.list(1)[0] ?? null;
    return this.#newest ?? undefined;
  }

  find(id: string): FanOut | undefined {
    if (!this.present) return undefined;
    return [...this.#sql.exec<Row>("SELECT * FROM fan_out WHERE id = ?", id)].map(toFanOut)[0];
  }

  /** Newest first; only those before number `before`. */
  list(limit: number, before = Number.MAX_SAFE_INTEGER): FanOut[] {
    if (!this.present) return [];
    return [...this.#sql.exec<Row>("SELECT * FROM fan_out WHERE no < ? ORDER BY no DESC LIMIT ?", before, limit)].map(
      toFanOut,
    );
  }

  /** Those that have ended by a write after `rev`, in the order of writing: what a listener that saw `rev` has missed. */
  endedSince(rev: number): { readonly rev: number; readonly fanOut: FanOut }[] {
    if (!this.present) return [];
    const rows = this.#sql.exec<Row>("SELECT * FROM fan_out WHERE rev > ? AND status != 'running' ORDER BY rev", rev);
    return [...rows].map((row) => ({ rev: Number(row.rev), fanOut: toFanOut(row) }));
  }

  /** Those beyond the newest `kept`, oldest first. */
  beyond(kept: number): FanOut[] {
    if (!this.present) return [];
    const rows = this.#sql.exec<Row>("SELECT * FROM fan_out ORDER BY no DESC LIMIT -1 OFFSET ?", kept);
    return [...rows].map(toFanOut).reverse();
  }

  delete(no: number): void {
    if (!this.present) return;
    this.#newest = undefined;
    this.#sql.exec("DELETE FROM fan_out WHERE no = ?", no);
  }
}

const parse = <T>(value: SqlStorageValue | undefined): T => JSON.parse(String(value)) as T;

const toFanOut = (row: Row): FanOut => ({
  no: Number(row.no),
  id: String(row.id),
  trigger: row.run_trigger as Trigger,
  dueAt: Number(row.due_at),
  startedAt: Number(row.started_at),
  ...(row.finished_at === null ? {} : { finishedAt: Number(row.finished_at) }),
  missed: Number(row.missed),
  status: row.status as FanOutStatus,
  ...(row.error === null ? {} : { error: String(row.error) }),
  shards: Number(row.shards),
  fed: parse<number[]>(row.fed),
  source: parse<SourceProgress>(row.source),
  counts: parse<FanOutCounts>(row.counts),
  wakeAt: Number(row.wake_at),
  gone: row.gone === 1,
  ...(row.origin === null ? {} : { origin: String(row.origin) }),
  definition: parse<JobDefinition>(row.definition),
});
