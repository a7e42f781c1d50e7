/**
 * The audit trail of one shard (docs/contract.md §17). Each change writes its row in the same commit. Rows stay 90 days,
 * even if their job is deleted.
 */

import { AUDIT_RETENTION_MS, type AuditEntry } from "../../src/domain/audit.ts";
import { compact } from "../../src/domain/compact.ts";
import type { Found } from "../../src/domain/page.ts";
import type { AuditKey, AuditQuery } from "../../src/objects/directory.ts";
import { put, type Row, textIn } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import type { ShardTables } from "./shard-tables.ts";

/** The number of old rows dropped with each new one. It is more than one, so a backlog shrinks. */
const DROPPED_AT_ONCE = 4;

/** The shard size from which each new entry drops the oldest one. The platform's bound is 10 GB. */
const MAX_SHARD_BYTES = 4 * 1024 ** 3;

/** A text after every id, since ids are ASCII. */
const AFTER_EVERY_ID = "\u007f";

export class AuditStore {
  readonly #tables: ShardTables;
  readonly #maxBytes: number;

  constructor(tables: ShardTables, maxBytes = MAX_SHARD_BYTES) {
    this.#tables = tables;
    this.#maxBytes = maxBytes;
  }

  /** Adds one row. Adding the same entry again, for example after a crash, changes nothing. */
  add(entry: AuditEntry): void {
    this.#tables.prepare();
    const { sql } = this.#tables;
    put(sql, "audit", {
      at: entry.at,
      id: entry.id,
      actor: entry.actor,
      token_id: entry.tokenId,
      action: entry.action,
      target: entry.target,
      job_id: entry.jobId,
      owner: entry.owner,
    });
    sql.exec(
      "DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit WHERE at < ? ORDER BY at, id LIMIT ?)",
      entry.at - AUDIT_RETENTION_MS,
      DROPPED_AT_ONCE,
    );
    if (sql.databaseSize < this.#maxBytes) return;
    // The trail must not fill up the shard that holds the jobs, so each new entry drops the oldest, however young it is.
    sql.exec("DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit ORDER BY at, id LIMIT 1)");
  }

  /**
   * Entries, newest first. The key begins with the time, so a page without filters reads only itself. A page with filters
   * reads a bounded number of rows.
   */
  list({ limit, before, jobId, actor, action, since, until }: AuditQuery): Found<AuditEntry, AuditKey> {
    if (!this.#tables.present) return { items: [] };
    // There must be one upper bound. With two, SQLite would enter the index at one and walk down to the other.
    const { at, id } = before !== undefined && before.at <= until ? before : { at: until, id: AFTER_EVERY_ID };
    const { items, stoppedAt } = scan(
      this.#tables.sql,
      `SELECT *, (?1 IS NULL OR job_id = ?1) AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR action = ?3) AS fits
         FROM audit WHERE at >= ?4 AND (at, id) < (?5, ?6) ORDER BY at DESC, id DESC LIMIT ?7`,
      [jobId ?? null, actor ?? null, action ?? null, since, at, id, reachOf(limit)],
      limit,
    );
    const place = stoppedAt === undefined ? {} : { stoppedAt: { at: Number(stoppedAt.at), id: String(stoppedAt.id) } };
    return { items: items.map(toEntry), ...place };
  }

  /**
   * Removes the entry of the job's creation since `since` (epoch ms). Its place was given up, so the job was never created.
   */
  takeBack(jobId: string, since: number): void {
    if (!this.#tables.present) return;
    this.#tables.sql.exec("DELETE FROM audit WHERE at >= ? AND job_id = ? AND action = 'job.create'", since, jobId);
  }
}

const toEntry = (row: Row): AuditEntry =>
  compact({
    id: String(row.id),
    at: Number(row.at),
    actor: String(row.actor),
    tokenId: textIn(row.token_id),
    action: String(row.action),
    target: String(row.target),
    jobId: textIn(row.job_id),
    owner: textIn(row.owner),
  });
