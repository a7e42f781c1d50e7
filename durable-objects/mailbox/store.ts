/** The one place that reads and writes a mailbox's tables. */
import type { Offer } from "../../src/objects/mailbox.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, put, type Row, textIn } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

/** An offer's place: since when it stands, and the run. */
export type OfferKey = { readonly offeredAt: number; readonly runId: string };

export type StoredOffer = Offer & OfferKey;

/** Which offers a claimant may see; an id that is left out may be any. */
export type Scope = { readonly agentId?: string | undefined; readonly userId?: string | undefined };

export class MailboxStore {
  readonly #sql: SqlStorage;
  #present: boolean | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether anything was ever offered; until then nothing is written to find that out. */
  get #isPresent(): boolean {
    this.#present ??= migrate(this.#sql, SCHEMA) !== undefined;
    return this.#present;
  }

  /** Whether anything was ever stored here. */
  get wasUsed(): boolean {
    return this.#isPresent;
  }

  /** One row written. */
  add(offer: StoredOffer): void {
    if (!this.#isPresent) put(this.#sql, "mailbox", { one: 1, schema_version: makeTables(this.#sql, SCHEMA) });
    this.#present = true;
    put(this.#sql, "offer", {
      offered_at: offer.offeredAt,
      run_id: offer.runId,
      job_id: offer.jobId,
      agent_id: offer.agentId,
      user_id: offer.userId,
      expires_at: offer.expiresAt,
    });
  }

  /** The oldest offers in the scope, those of the runs in `without` left out. */
  oldest(scope: Scope, without: readonly string[], limit: number): StoredOffer[] {
    if (!this.#isPresent) return [];
    const rows = all(
      this.#sql,
      `SELECT * FROM offer WHERE (?1 IS NULL OR agent_id = ?1) AND (?2 IS NULL OR user_id = ?2)
         AND run_id NOT IN (SELECT value FROM json_each(?3)) ORDER BY offered_at, run_id LIMIT ?4`,
      scope.agentId ?? null,
      scope.userId ?? null,
      JSON.stringify(without),
      limit,
    );
    return rows.map(toOffer);
  }

  /** The offers made after a place and before `now` whose time is not over, oldest first. */
  after(
    place: OfferKey,
    now: number,
    of: { readonly jobId?: string | undefined; readonly userId?: string | undefined },
    limit: number,
  ): StoredOffer[] {
    if (!this.#isPresent) return [];
    const rows = all(
      this.#sql,
      `SELECT * FROM offer WHERE (offered_at, run_id) > (?1, ?2) AND offered_at < ?3 AND expires_at > ?3
         AND (?4 IS NULL OR job_id = ?4) AND (?5 IS NULL OR user_id = ?5) ORDER BY offered_at, run_id LIMIT ?6`,
      place.offeredAt,
      place.runId,
      now,
      of.jobId ?? null,
      of.userId ?? null,
      limit,
    );
    return rows.map(toOffer);
  }

  /** The number of offers whose time is not over. */
  count(now: number): number {
    if (!this.#isPresent) return 0;
    return Number(first(this.#sql, "SELECT count(*) AS n FROM offer WHERE expires_at > ?", now)?.n);
  }

  delete({ offeredAt, runId }: OfferKey): void {
    if (this.#isPresent) this.#sql.exec("DELETE FROM offer WHERE offered_at = ? AND run_id = ?", offeredAt, runId);
  }
}

const toOffer = (row: Row): StoredOffer => ({
  offeredAt: Number(row.offered_at),
  runId: String(row.run_id),
  jobId: String(row.job_id),
  agentId: textIn(row.agent_id),
  userId: textIn(row.user_id),
  expiresAt: Number(row.expires_at),
});
