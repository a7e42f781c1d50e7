/** The keys of events (docs/contract.md §19, docs/triggers.md): one row each, with a bound on their number. */

import { runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { TriggerKeys } from "../../../../durable-objects/job/trigger-store.ts";
import { DAY_MS } from "../../../../src/schema/limits.ts";
import { countedSql } from "../../counted-sql.ts";
import { env, fresh } from "../../http-fixture.ts";

const NOW = Date.UTC(2026, 10, 28);
const answerOf = (n: number) => ({ run_id: `run${n}`, status: "running" }) as const;
const MOST = 100;

const inStorage = (use: (sql: SqlStorage) => void) =>
  runInDurableObject(env.JOB.getByName(fresh("keys")), (_, { storage }) => use(storage.sql));
const heldIn = (sql: SqlStorage): number => Number(sql.exec("SELECT count(*) AS n FROM trigger_key").one().n);

it("beyond the bound the oldest keys are dropped, whether the object keeps its memory or not", () =>
  inStorage((sql) => {
    let keys = new TriggerKeys(sql, MOST);
    for (let n = 0; n < 5 * MOST; n++) {
      if (n % 70 === 0) keys = new TriggerKeys(sql, MOST);
      keys.keep(`key${n}`, answerOf(n), NOW + n);
      expect(heldIn(sql)).toBeLessThanOrEqual(1.1 * MOST);
    }
    const last = 5 * MOST - 1;
    for (let n = last; n > last - MOST; n--) expect(keys.find(`key${n}`, NOW + last)).toEqual(answerOf(n));
    expect(keys.find("key0", NOW + last)).toBeUndefined();
  }));

it("a key is one row written, and old keys are searched only once an hour and at the bound", () =>
  inStorage((sql) => {
    const { sql: counting, rows } = countedSql(sql);
    const keys = new TriggerKeys(counting, 10 * MOST);
    keys.keep("first", answerOf(0), NOW);
    for (let n = 1; n < 5 * MOST; n++) keys.keep(`key${n}`, answerOf(n), NOW + n);
    rows();
    keys.keep("one more", answerOf(0), NOW + 5 * MOST);
    const { written, read } = rows();
    expect(written).toBe(1);
    expect(read).toBeLessThanOrEqual(2);
  }));

it("keys of more than 24 hours are dropped with the next one", () =>
  inStorage((sql) => {
    const keys = new TriggerKeys(sql, MOST);
    for (let n = 0; n < 10; n++) keys.keep(`key${n}`, answerOf(n), NOW);
    expect(keys.find("key0", NOW + DAY_MS - 1)).toEqual(answerOf(0));
    expect(keys.find("key0", NOW + DAY_MS)).toBeUndefined();
    keys.keep("next", answerOf(10), NOW + DAY_MS);
    expect(heldIn(sql)).toBe(1);
  }));
