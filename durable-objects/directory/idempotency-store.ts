/**
 * The job that each Idempotency-Key stands for, for 24 hours. A key is looked for in the days of two dates, so that old ones are
 * dropped from the beginning of the table without a further index.
 */
import { DAY_MS, IDEMPOTENCY_WINDOW_MS } from "../../src/schema/limits.ts";
import { first, put, textIn } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** Old keys dropped with each new one: more than come, so that they go as fast as they came. */
const DROPPED_AT_ONCE = 4;

export class IdempotencyStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** The id of the job that the key stands for at `now`, or undefined. `key` is a digest of caller and key. */
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

  /** As {@link jobOf}, and from now on `jobId` if there is none. One row for a new key. */
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
