/**
 * The keys of the events of the last 24 hours, with their answers. A sender that repeats an event gets the first answer
 * again (docs/contract.md §19). The first event with a key creates the table.
 */
import { DAY_MS, HOUR_MS } from "../../src/schema/limits.ts";
import { Triggered } from "../../src/schema/run.ts";
import { first, put } from "../storage/rows.ts";

/** The table. `WITHOUT ROWID` makes a key one row; an index would make it two. */
const TABLE = `CREATE TABLE IF NOT EXISTS trigger_key (
  key TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  answer TEXT NOT NULL
) WITHOUT ROWID`;

/** The number of keys from which the oldest are dropped. A tenth goes at a time, because finding them reads all. */
const MAX_KEYS = 100_000;
const SLACK = 1.1;

export class TriggerKeys {
  readonly #sql: SqlStorage;
  readonly #maxKeys: number;
  /** When old keys were last searched, in epoch ms. It happens once an hour, because it reads all of them. */
  #cleanedAt = 0;
  /** The number of keys: those counted then, and those added since. */
  #count = 0;

  constructor(sql: SqlStorage, maxKeys = MAX_KEYS) {
    this.#sql = sql;
    this.#maxKeys = maxKeys;
  }

  /** The key's answer, if it was given within 24 hours. */
  find(key: string, now: number): Triggered | undefined {
    if (first(this.#sql, "SELECT 1 FROM sqlite_master WHERE name = 'trigger_key'") === undefined) return undefined;
    const row = first(this.#sql, "SELECT answer FROM trigger_key WHERE key = ? AND at > ?", key, now - DAY_MS);
    return row === undefined ? undefined : Triggered.parse(JSON.parse(String(row.answer)));
  }

  /** Keeps an answer, in one row. */
  keep(key: string, answer: Triggered, now: number): void {
    this.#sql.exec(TABLE);
    if (now - this.#cleanedAt > HOUR_MS || this.#count >= Math.floor(this.#maxKeys * SLACK)) this.#clean(now);
    put(this.#sql, "trigger_key", { key, at: now, answer: JSON.stringify(answer) });
    this.#count++;
  }

  /** Drops the keys that are older than 24 hours, and the oldest beyond the bound. */
  #clean(now: number): void {
    this.#sql.exec("DELETE FROM trigger_key WHERE at <= ?", now - DAY_MS);
    this.#count = Number(first(this.#sql, "SELECT count(*) AS n FROM trigger_key")?.n);
    if (this.#count > this.#maxKeys) {
      this.#sql.exec(
        "DELETE FROM trigger_key WHERE key IN (SELECT key FROM trigger_key ORDER BY at LIMIT ?)",
        this.#count - this.#maxKeys,
      );
      this.#count = this.#maxKeys;
    }
    this.#cleanedAt = now;
  }
}
