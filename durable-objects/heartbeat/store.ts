/**
 * The one place that reads and writes a Heartbeat object's tables. Every write is synchronous, so a caller that does not await
 * between two of them gets one commit.
 */
import type { Beat, BeatPhase } from "../../src/domain/heartbeat/beat.ts";
import type { HeartbeatRecord } from "../../src/domain/heartbeat/heartbeat.ts";
import type { BeatOutcome, BeatTrigger } from "../../src/schema/heartbeat.ts";
import { MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";

/** How many entries the log keeps; like idle beats in a row are one. */
export const BEAT_RETENTION = 200;

export type StoredHeartbeat = {
  readonly record: HeartbeatRecord;
  /** The newest entry of the log. */
  readonly newest: Beat | undefined;
  /** Beats due up to here are dealt with: by the record, or by the newest beat. */
  readonly handledAt: number;
};

type Row = Record<string, SqlStorageValue>;

/** What of a beat is kept as JSON. */
type Detail = Pick<
  Beat,
  | "retryOf"
  | "reason"
  | "decision"
  | "decisionText"
  | "answer"
  | "answerTruncated"
  | "error"
  | "notified"
  | "tokens"
  | "missed"
>;

export class HeartbeatStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The state that decides, or undefined where there is no heartbeat. Brings old tables up to date. */
  load(): StoredHeartbeat | undefined {
    if (!this.#hasTables()) return undefined;
    const row = this.#first("SELECT * FROM heartbeat");
    if (row === undefined) return undefined;
    this.#migrate(Number(row.schema_version));
    const record = toRecord(row);
    const newest = this.beats({ limit: 1 })[0];
    return { record, newest, handledAt: Math.max(record.handledAt, newest?.handledAt ?? 0) };
  }

  /** Writes the configuration; makes the tables for the first. One row. */
  putRecord(record: HeartbeatRecord): void {
    if (!this.#hasTables()) this.#makeTables(0);
    this.#sql.exec(
      "INSERT OR REPLACE INTO heartbeat VALUES (1, ?, ?, ?, ?, ?, ?)",
      SCHEMA_VERSION,
      record.name,
      JSON.stringify(record.config),
      record.createdAt,
      record.updatedAt,
      record.handledAt,
    );
  }

  /** HEARTBEAT.md; "" where it was never written. */
  document(): string {
    return String(this.#first("SELECT markdown FROM document")?.markdown ?? "");
  }

  putDocument(markdown: string, now: number): void {
    this.#sql.exec("INSERT OR REPLACE INTO document VALUES (1, ?, ?)", markdown, now);
  }

  /** Writes a beat, new or changed. One row; a new one beyond the retention drops the oldest. */
  putBeat(beat: Beat): void {
    const {
      seq,
      id,
      trigger,
      attempt,
      phase,
      outcome,
      dueAt,
      startedAt,
      finishedAt,
      lastAt,
      count,
      retryAt,
      handledAt,
      ...detail
    } = beat;
    this.#sql.exec(
      "INSERT OR REPLACE INTO beat VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
      seq,
      id,
      trigger,
      attempt,
      phase,
      outcome ?? null,
      dueAt,
      startedAt,
      finishedAt ?? null,
      lastAt,
      count,
      retryAt ?? null,
      handledAt,
      JSON.stringify(detail satisfies Detail),
    );
    this.#sql.exec("DELETE FROM beat WHERE seq <= ?", seq - BEAT_RETENTION);
  }

  /** Newest first; only those before `beforeSeq`, if given. */
  beats(query: { readonly limit: number; readonly beforeSeq?: number | undefined }): Beat[] {
    const rows = this.#sql.exec<Row>(
      "SELECT * FROM beat WHERE seq < ? ORDER BY seq DESC LIMIT ?",
      query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
      query.limit,
    );
    return [...rows].map(toBeat);
  }

  #first(query: string): Row | undefined {
    return [...this.#sql.exec<Row>(query)][0];
  }

  #hasTables(): boolean {
    return this.#first("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'heartbeat'") !== undefined;
  }

  #migrate(from: number): void {
    // Tables of a later version are left as they are: it has been rolled back, and will be deployed again.
    if (from >= SCHEMA_VERSION) return;
    this.#makeTables(from);
    this.#sql.exec("UPDATE heartbeat SET schema_version = ?", SCHEMA_VERSION);
  }

  #makeTables(from: number): void {
    for (const step of MIGRATIONS.slice(from)) for (const statement of step) this.#sql.exec(statement);
  }
}

const toRecord = (row: Row): HeartbeatRecord => ({
  name: String(row.name),
  config: JSON.parse(String(row.config)) as HeartbeatRecord["config"],
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  handledAt: Number(row.handled_at),
});

function toBeat(row: Row): Beat {
  return {
    seq: Number(row.seq),
    id: String(row.id),
    trigger: row.beat_trigger as BeatTrigger,
    attempt: Number(row.attempt),
    phase: row.phase as BeatPhase,
    ...(row.outcome === null ? {} : { outcome: row.outcome as BeatOutcome }),
    dueAt: Number(row.due_at),
    startedAt: Number(row.started_at),
    ...(row.finished_at === null ? {} : { finishedAt: Number(row.finished_at) }),
    lastAt: Number(row.last_at),
    count: Number(row.count),
    ...(row.retry_at === null ? {} : { retryAt: Number(row.retry_at) }),
    handledAt: Number(row.handled_at),
    ...(JSON.parse(String(row.detail)) as Detail),
  };
}
