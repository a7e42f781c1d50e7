/**
 * The job of each Idempotency-Key, for 24 hours. A key is searched in the rows of two dates, so old keys are dropped from
 * the beginning of the table without a further index.
 */
import { DAY_MS, IDEMPOTENCY_WINDOW_MS } from "../../src/schema/limits.ts";
import { first, put, textIn } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** The number of old keys dropped with each new one. It is more than one, so a backlog shrinks. */
const DROPPED_AT_ONCE = 4;

export class IdempotencyStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** The id of the job of this key at `now`, or undefined. `key` is a digest of caller and key. */
  jobOf(key: string, now: number): string | undefined {
    if (!this.#tables.present) return undefined;
    const row = first(
      this.#tables.sql,
      "SELECT job_id FROM idempotency_key WHERE day IN (?, ?) AND key = ? AND used_at >= ?",
      dayOf(now),
      dayOf(now) - 1,
      key,
      now - IDEMPOTENCY_WINDOW_MS,
    );
    return textIn(row?.job_id);
  }

  /** The id of the job of this key. A key without a job gets `jobId`, which writes one row. */
  claim(key: string, jobId: string, now: number): string {
    const known = this.jobOf(key, now);
    if (known !== undefined) return known;
    this.#tables.prepare();
    const { sql } = this.#tables;
    put(sql, "idempotency_key", { day: dayOf(now), key, job_id: jobId, used_at: now });
    sql.exec(
      `DELETE FROM idempotency_key WHERE (day, key) IN
         (SELECT day, key FROM idempotency_key WHERE day < ? ORDER BY day, key LIMIT ?)`,
      dayOf(now) - 1,
      DROPPED_AT_ONCE,
    );
    return jobId;
  }
}

const dayOf = (now: number): number => Math.floor(now / DAY_MS);
