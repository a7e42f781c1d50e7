/** A mailbox's reads for one reader do not grow with the offers for others (docs/token-costs.md). */

import { runInDurableObject } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { MailboxStore, type StoredOffer } from "../../../../durable-objects/mailbox/store.ts";
import { LOOKED_AT_ROWS } from "../../../../src/schema/limits.ts";
import { type CountedRows, countedSql } from "../../counted-sql.ts";
import { env, fresh } from "../../http-fixture.ts";

const OTHERS = 100_000;
const NOW = 1_000_000_000;
const SOON = NOW + 60_000;
const FEW = Array.from({ length: 15 }, (_, n) => `few${n}`);
/**
 * Each row is read in the index and in the table, and an excluded run in the list of those too. One more row shows that no
 * further one fits.
 */
const readOf = (rows: number): number => 2 * (rows + 1);

type Rows = () => CountedRows;

const few = (n: number): StoredOffer => ({
  offeredAt: 500_000 + n,
  runId: `few${n}`,
  jobId: "few",
  agentId: "a",
  userId: "few",
  expiresAt: SOON,
});

/** A mailbox with `OTHERS` offers of other users and of none, and the offers of one user among them, oldest and newest ones around. */
function besideOthers(use: (store: MailboxStore, rows: Rows) => void): Promise<void> {
  return runInDurableObject(env.MAILBOX.getByName(fresh("rows")), (_, { storage }) => {
    const { sql, rows } = countedSql(storage.sql);
    const store = new MailboxStore(sql);
    for (const n of FEW.keys()) store.add(few(n));
    sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OTHERS})
         INSERT INTO offer (offered_at, run_id, job_id, agent_id, user_id, expires_at)
           SELECT 450000 + i, 'r' || i, 'j' || i, 'a', CASE WHEN i % 2 = 0 THEN 'u' || i END, ${SOON} FROM n`,
    );
    rows();
    use(store, rows);
  });
}

describe("beside 100,000 offers to others", () => {
  it.each([
    ["user", { userId: "few" }],
    ["user of an agent", { agentId: "a", userId: "few" }],
  ])("a claim for a %s reads that user's offers", (_who, scope) =>
    besideOthers((store, rows) => {
      expect(store.oldest(scope, [], 10).map(({ runId }) => runId)).toEqual(FEW.slice(0, 10));
      expect(rows().read).toBeLessThanOrEqual(readOf(10));
      expect(store.oldest(scope, FEW.slice(0, 14), 10).map(({ runId }) => runId)).toEqual(["few14"]);
      expect(rows().read).toBeLessThanOrEqual(readOf(FEW.length) + FEW.length);
      expect(store.oldest({ ...scope, userId: "nobody" }, [], 1)).toEqual([]);
      expect(rows().read).toBeLessThanOrEqual(readOf(0));
    }),
  );

  it("a claim for anybody reads only the runs that it takes", () =>
    besideOthers((store, rows) => {
      expect(store.oldest({}, [], 10)).toHaveLength(10);
      expect(store.oldest({ agentId: "a" }, [], 10)).toHaveLength(10);
      expect(rows().read).toBeLessThanOrEqual(2 * readOf(10));
    }));

  it("a poll for a user reads that user's offers", () =>
    besideOthers((store, rows) => {
      const found = store.after({ offeredAt: few(4).offeredAt, runId: "few4" }, NOW, { userId: "few" }, 11);
      expect(found.items.map(({ runId }) => runId)).toEqual(FEW.slice(5));
      expect(found.stoppedAt).toBeUndefined();
      expect(rows().read).toBeLessThanOrEqual(readOf(10));
    }));

  it("a poll for a job looks at a bounded number of rows, and continues until it has all", () =>
    besideOthers((store, rows) => {
      const found: string[] = [];
      let place: Parameters<MailboxStore["after"]>[0] | undefined = { offeredAt: 0, runId: "" };
      for (let polls = 0; place !== undefined && polls < 60; polls++) {
        const { items, stoppedAt } = store.after(place, NOW, { jobId: "few" }, 11);
        expect(rows().read).toBeLessThanOrEqual(LOOKED_AT_ROWS + 1);
        found.push(...items.map(({ runId }) => runId));
        place = items.length === 11 ? items.at(-1) : stoppedAt;
      }
      expect(place).toBeUndefined();
      expect(found).toEqual(FEW);
    }));

  it("they are counted once in ten seconds, and changes in between are counted one by one", () =>
    besideOthers((store, rows) => {
      const all = OTHERS + FEW.length;
      expect(store.count(NOW)).toBe(all);
      rows();
      for (const runId of ["one", "two"]) store.add({ ...few(1), offeredAt: NOW, runId });
      store.delete(few(0));
      store.delete(few(0));
      expect(store.count(NOW + 9_999)).toBe(all + 1);
      expect(rows().read).toBeLessThanOrEqual(10);
      expect(store.count(NOW + 10_000)).toBe(all + 1);
      expect(store.count(SOON)).toBe(0);
    }));

  it("an offer is one row written and its end another; a job with a user has one row more for its index", () =>
    besideOthers((store, rows) => {
      const written = (userId?: string) => {
        store.add({ ...few(99), userId });
        const added = rows().written;
        store.delete(few(99));
        return [added, rows().written];
      };
      expect([written(), written("few")]).toEqual([
        [1, 1],
        [2, 1],
      ]);
    }));
});
