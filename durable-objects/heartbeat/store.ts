/**
 * The only code that reads and writes a Heartbeat object's tables. Every write is synchronous, so two writes without an
 * await between them are one commit.
 */
import { compact } from "../../src/domain/compact.ts";
import { type Beat, type BeatPhase, hasFailed } from "../../src/domain/heartbeat/beat.ts";
import type { HeartbeatRecord } from "../../src/domain/heartbeat/heartbeat.ts";
import type { BeatOutcome, BeatTrigger } from "../../src/schema/heartbeat.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, numberIn, parse, put, type Row, textIn } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

/** The number of entries that the log keeps. Equal idle beats in a row are one entry. */
export const BEAT_RETENTION = 200;

export type StoredHeartbeat = {
  readonly record: HeartbeatRecord;
  /** The newest entry of the log. */
  readonly newest: Beat | undefined;
  /** Beats due up to here are handled, by the record or by the newest beat. */
  readonly handledAt: number;
};

/** The part of a beat that is stored as JSON. */
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
  | "repeated"
>;

export class HeartbeatStore {
  readonly #sql: SqlStorage;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** The state for decisions. Undefined if there is no heartbeat. It brings old tables up to date. */
  load(): StoredHeartbeat | undefined {
    const version = migrate(this.#sql, SCHEMA);
    const row = version === undefined ? undefined : first(this.#sql, "SELECT * FROM heartbeat");
    if (row === undefined) return undefined;
    const record = toRecord(row);
    const newest = this.beats({ limit: 1 })[0];
    return { record, newest, handledAt: Math.max(record.handledAt, newest?.handledAt ?? 0) };
  }

  /** Writes the configuration in one row. The first one creates the tables. */
  putRecord(record: HeartbeatRecord): void {
    const version = migrate(this.#sql, SCHEMA) ?? makeTables(this.#sql, SCHEMA);
    put(this.#sql, "heartbeat", {
      one: 1,
      schema_version: version,
      name: record.name,
      config: JSON.stringify(record.config),
      created_at: record.createdAt,
      updated_at: record.updatedAt,
      handled_at: record.handledAt,
      code_version: record.codeVersion,
    });
  }

  /** HEARTBEAT.md, or "" if it was never written. */
  document(): string {
    return String(first(this.#sql, "SELECT markdown FROM document")?.markdown ?? "");
  }

  putDocument(markdown: string, now: number): void {
    put(this.#sql, "document", { one: 1, markdown, updated_at: now });
  }

  /**
   * Writes a new or changed beat in one row. A new one beyond the retention drops the oldest. A beat that failed for good
   * becomes owed.
   */
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
    put(this.#sql, "beat", {
      seq,
      id,
      beat_trigger: trigger,
      attempt,
      phase,
      outcome,
      due_at: dueAt,
      started_at: startedAt,
      finished_at: finishedAt,
      last_at: lastAt,
      count,
      retry_at: retryAt,
      handled_at: handledAt,
      detail: JSON.stringify(detail satisfies Detail),
      owed: hasFailed(beat),
    });
    this.#sql.exec("DELETE FROM beat WHERE seq <= ?", seq - BEAT_RETENTION);
  }

  /** The beats whose failure the directory does not know yet. */
  owed(): Beat[] {
    return all(this.#sql, "SELECT * FROM beat WHERE owed = 1 ORDER BY seq").map(toBeat);
  }

  /** Notes that the directory knows the failures up to this one. */
  settleOwed(seq: number): void {
    this.#sql.exec("UPDATE beat SET owed = 0 WHERE owed = 1 AND seq <= ?", seq);
  }

  /** Beats, newest first. If `beforeSeq` is given, only those before it. */
  beats(query: { readonly limit: number; readonly beforeSeq?: number | undefined }): Beat[] {
    const rows = all(
      this.#sql,
      "SELECT * FROM beat WHERE seq < ? ORDER BY seq DESC LIMIT ?",
      query.beforeSeq ?? Number.MAX_SAFE_INTEGER,
      query.limit,
    );
    return rows.map(toBeat);
  }
}

const toRecord = (row: Row): HeartbeatRecord => ({
  name: String(row.name),
  config: parse<HeartbeatRecord["config"]>(row.config),
  createdAt: Number(row.created_at),
  updatedAt: Number(row.updated_at),
  handledAt: Number(row.handled_at),
  codeVersion: textIn(row.code_version),
});

const toBeat = (row: Row): Beat => ({
  ...compact({
    seq: Number(row.seq),
    id: String(row.id),
    trigger: row.beat_trigger as BeatTrigger,
    attempt: Number(row.attempt),
    phase: row.phase as BeatPhase,
    outcome: row.outcome === null ? undefined : (row.outcome as BeatOutcome),
    dueAt: Number(row.due_at),
    startedAt: Number(row.started_at),
    finishedAt: numberIn(row.finished_at),
    lastAt: Number(row.last_at),
    count: Number(row.count),
    retryAt: numberIn(row.retry_at),
    handledAt: Number(row.handled_at),
  }),
  ...parse<Detail>(row.detail),
});
