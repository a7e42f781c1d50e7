/** The counts of quotas outside the index: jobs that subjects have created for other owners, and fires backfilled today. */
import type { MakerUse } from "../../src/domain/limits/admission.ts";
import { DAY_MS } from "../../src/schema/limits.ts";
import { first, put } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** The number of old days dropped with each new row. It is more than one, so a backlog shrinks. */
const DROPPED_AT_ONCE = 4;

export class QuotaStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** The unfinished jobs that the subject has created for others. */
  madeBy(maker: string): MakerUse {
    if (!this.#tables.present) return { jobs: 0, fires: 0 };
    const query = "SELECT count(*) AS jobs, coalesce(sum(rate), 0) AS fires FROM made WHERE maker = ?";
    const row = first(this.#tables.sql, query, maker);
    return { jobs: Number(row?.jobs), fires: Number(row?.fires) };
  }

  hasMade(maker: string, jobId: string): boolean {
    if (!this.#tables.present) return false;
    return first(this.#tables.sql, "SELECT 1 FROM made WHERE maker = ? AND job_id = ?", maker, jobId) !== undefined;
  }

  keepMade(maker: string, jobId: string, rate: number): void {
    this.#tables.prepare();
    put(this.#tables.sql, "made", { maker, job_id: jobId, rate });
  }

  dropMade(maker: string, jobId: string): void {
    if (this.#tables.present) {
      this.#tables.sql.exec("DELETE FROM made WHERE maker = ? AND job_id = ?", maker, jobId);
    }
  }

  /** The number of fires that the owner has backfilled on the day (UTC) of `now`, epoch ms. */
  backfilled(owner: string, now: number): number {
    if (!this.#tables.present) return 0;
    const query = "SELECT fires FROM backfilled WHERE day = ? AND owner = ?";
    return Number(first(this.#tables.sql, query, dayOf(now), owner)?.fires ?? 0);
  }

  addBackfilled(owner: string, fires: number, now: number): void {
    this.#tables.prepare();
    put(this.#tables.sql, "backfilled", { day: dayOf(now), owner, fires: this.backfilled(owner, now) + fires });
    this.#tables.sql.exec(
      "DELETE FROM backfilled WHERE (day, owner) IN (SELECT day, owner FROM backfilled WHERE day < ? LIMIT ?)",
      dayOf(now),
      DROPPED_AT_ONCE,
    );
  }
}

const dayOf = (now: number): number => Math.floor(now / DAY_MS);
