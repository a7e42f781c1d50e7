/** The audit trail of one shard (docs/contract.md §17): a row for each change, written with it. Kept 90 days, also of what is gone. */

import { AUDIT_RETENTION_MS, type AuditEntry } from "../../src/domain/audit.ts";
import { compact } from "../../src/domain/compact.ts";
import type { Found } from "../../src/domain/page.ts";
import type { AuditKey, AuditQuery } from "../../src/objects/directory.ts";
import { put, type Row, textIn } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import type { ShardTables } from "./shard-tables.ts";

/** Old rows dropped with each new one: more than come, so that they go as fast as they came. */
const DROPPED_AT_ONCE = 4;

/** A shard as large as this drops its oldest entry for each new one; the platform's bound is 10 GB. */
const MAX_SHARD_BYTES = 4 * 1024 ** 3;

/** Ids are ASCII. */
const AFTER_EVERY_ID = "\u007f";

export class AuditStore {
  readonly #tables: ShardTables;
  readonly #maxBytes: number;

  constructor(tables: ShardTables, maxBytes = MAX_SHARD_BYTES) {
    this.#tables = tables;
    this.#maxBytes = maxBytes;
  }

  /** One row. The same entry again, say after a crash, changes nothing. */
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
    // What holds jobs must not run full of what was done to them: as much goes then as comes, however young.
    sql.exec("DELETE FROM audit WHERE (at, id) IN (SELECT at, id FROM audit ORDER BY at, id LIMIT 1)");
  }

  /** Newest first. The key is the time, so that a page without filters reads itself alone, and one with filters so many rows at most. */
  list({ limit, before, jobId, actor, action, since, until }: AuditQuery): Found<AuditEntry, AuditKey> {
    if (!this.#tables.present) return { items: [] };
    // One bound from above: of two the index would be entered by one, and walked down to the other.
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

  /** Takes back that the job was made since `since` (epoch ms). Its place was given up, and no change has come of it. */
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
