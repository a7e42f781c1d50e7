/** The only code that reads and writes a mailbox's tables. */
import type { Found } from "../../src/domain/page.ts";
import type { Offer } from "../../src/objects/mailbox.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { all, first, put, type Row, textIn } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import { SCHEMA } from "./schema.ts";

/** An offer's place: the time since it is offered, and the run. */
export type OfferKey = { readonly offeredAt: number; readonly runId: string };

export type StoredOffer = Offer & OfferKey;

/** The offers that a claimant may see. An id that is left out may have any value. */
export type Scope = { readonly agentId?: string | undefined; readonly userId?: string | undefined };

/** The time for which a count is used. Offers that come and go meanwhile are added and subtracted. */
const COUNTED_MS = 10_000;

export class MailboxStore {
  readonly #sql: SqlStorage;
  #present: boolean | undefined;
  /** The count at a time (epoch ms), with the changes since. */
  #counted: { readonly at: number; readonly count: number } | undefined;

  constructor(sql: SqlStorage) {
    this.#sql = sql;
  }

  /** Whether anything was ever offered. Finding that out writes nothing. */
  get #isPresent(): boolean {
    this.#present ??= migrate(this.#sql, SCHEMA) !== undefined;
    return this.#present;
  }

  /** Whether anything was ever stored here. */
  get wasUsed(): boolean {
    return this.#isPresent;
  }

  /** Adds an offer. It writes one row, and two if the job has a user. */
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
    this.#recount(offer.expiresAt, 1);
  }

  /**
   * The oldest offers in the scope, without those of the runs in `without`. A user's offers have an index. Nearly all
   * offers of a mailbox belong to its agent's jobs, so others are skipped one by one. Only the mailbox of AGENT_ID has
   * them, for jobs without an agent.
   */
  oldest({ agentId, userId }: Scope, without: readonly string[], limit: number): StoredOffer[] {
    if (!this.#isPresent) return [];
    const rows = all(
      this.#sql,
      `SELECT * FROM offer WHERE ${userId === undefined ? "?1 IS ?1" : "user_id = ?1"} AND (?2 IS NULL OR agent_id = ?2)
         AND run_id NOT IN (SELECT value FROM json_each(?3)) ORDER BY offered_at, run_id LIMIT ?4`,
      userId ?? null,
      agentId ?? null,
      JSON.stringify(without),
      limit,
    );
    return rows.map(toOffer);
  }

  /**
   * The unexpired offers made after a place and before `now`, oldest first. A user's offers have an index. For the offers
   * of a job it looks at a bounded number of rows.
   */
  after(
    { offeredAt, runId }: OfferKey,
    now: number,
    { jobId, userId }: { readonly jobId?: string | undefined; readonly userId?: string | undefined },
    limit: number,
  ): Found<StoredOffer, OfferKey> {
    if (!this.#isPresent) return { items: [] };
    const { items, stoppedAt } = scan(
      this.#sql,
      `SELECT *, expires_at > ?3 AND (?4 IS NULL OR job_id = ?4) AS fits FROM offer
         WHERE ${userId === undefined ? "?5 IS ?5" : "user_id = ?5"} AND (offered_at, run_id) > (?1, ?2) AND offered_at < ?3
         ORDER BY offered_at, run_id LIMIT ?6`,
      [offeredAt, runId, now, jobId ?? null, userId ?? null, reachOf(limit)],
      limit,
    );
    return { items: items.map(toOffer), ...(stoppedAt === undefined ? {} : { stoppedAt: toOffer(stoppedAt) }) };
  }

  /** The number of unexpired offers, a few seconds out of date at most. It reads all of them at most every ten seconds. */
  count(now: number): number {
    if (!this.#isPresent) return 0;
    const known = this.#counted;
    if (known !== undefined && now >= known.at && now < known.at + COUNTED_MS) return known.count;
    const count = Number(first(this.#sql, "SELECT count(*) AS n FROM offer WHERE expires_at > ?", now)?.n);
    this.#counted = { at: now, count };
    return count;
  }

  delete({ offeredAt, runId }: OfferKey): void {
    if (!this.#isPresent) return;
    const deleted = "DELETE FROM offer WHERE offered_at = ? AND run_id = ? RETURNING expires_at";
    for (const row of all(this.#sql, deleted, offeredAt, runId)) this.#recount(Number(row.expires_at), -1);
  }

  /** Updates the count for an offer that has come or gone, if it was one of those counted. */
  #recount(expiresAt: number, change: 1 | -1): void {
    const known = this.#counted;
    if (known !== undefined && expiresAt > known.at) this.#counted = { ...known, count: known.count + change };
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
