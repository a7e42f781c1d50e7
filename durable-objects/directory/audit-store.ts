/** The audit trail of one shard (docs/contract.md §17): a row for each change, written with it. Kept 90 days, also of what is gone. */

import { AUDIT_RETENTION_MS, type AuditEntry } from "../../src/domain/audit.ts";
import { compact } from "../../src/domain/compact.ts";
import type { AuditQuery } from "../../src/objects/directory.ts";
import { all, put, type Row, textIn } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** Old rows dropped with each new one: more than come, so that they go as fast as they came. */
const DROPPED_AT_ONCE = 4;

export class AuditStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
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
  }

  /** Newest first. The key is the time, so that a page without filters reads itself alone. */
  list({ limit, before, jobId, actor, action, since, until }: AuditQuery): AuditEntry[] {
    if (!this.#tables.present) return [];
    const rows = all(
      this.#tables.sql,
      `SELECT * FROM audit WHERE at >= ?1 AND at <= ?2 AND (?3 IS NULL OR (at, id) < (?3, ?4))
         AND (?5 IS NULL OR job_id = ?5) AND (?6 IS NULL OR actor = ?6) AND (?7 IS NULL OR action = ?7)
         ORDER BY at DESC, id DESC LIMIT ?8`,
      since,
      until,
      before?.at ?? null,
      before?.id ?? null,
      jobId ?? null,
      actor ?? null,
      action ?? null,
      limit,
    );
    return rows.map(toEntry);
  }

  /** Takes back that the job was made since `since` (epoch ms): its place was given up, and no change has come of it. */
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
