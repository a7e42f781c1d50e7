/**
 * Two small registers of the directory. Every shard has a copy of the names that only a system job may have, so creating a
 * job needs no further call. The ids that Reveille did not mint are kept, so an unknown one is refused before any object is
 * called.
 */
import { PHANTOM_AFTER_MS } from "../../src/domain/limits/sweep.ts";
import { all, first, put } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export type ReservedName = { readonly name: string; readonly jobId: string };

export class NameStore {
  readonly #tables: ShardTables;
  /** The holder of each name. There are few names, and every created job asks. Undefined until they were read. */
  #holders: Map<string, string> | undefined;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** The job that holds `name`. */
  holderOf(name: string): string | undefined {
    return this.#read().get(name);
  }

  #read(): Map<string, string> {
    if (this.#holders !== undefined) return this.#holders;
    const rows = this.#tables.present ? all(this.#tables.sql, "SELECT name, job_id FROM reserved_name") : [];
    this.#holders = new Map(rows.map((row) => [String(row.name), String(row.job_id)]));
    return this.#holders;
  }

  /** Reserves the name. False if another job holds it. Reserving again renews the time in which the job must appear. */
  reserve(name: string, jobId: string, now: number): boolean {
    const holder = this.holderOf(name);
    if (holder !== undefined && holder !== jobId) return false;
    this.#tables.prepare();
    put(this.#tables.sql, "reserved_name", { name, job_id: jobId, reserved_at: now });
    this.#read().set(name, jobId);
    return true;
  }

  /** Releases the name. It does nothing if another job holds it. */
  release(name: string, jobId: string): void {
    if (this.holderOf(name) !== jobId) return;
    this.#tables.sql.exec("DELETE FROM reserved_name WHERE name = ? AND job_id = ?", name, jobId);
    this.#read().delete(name);
  }

  /** The names reserved so long ago that a missing job will never be created. */
  due(now: number): ReservedName[] {
    if (!this.#tables.present) return [];
    const rows = all(
      this.#tables.sql,
      "SELECT name, job_id FROM reserved_name WHERE reserved_at < ?",
      now - PHANTOM_AFTER_MS,
    );
    return rows.map((row) => ({ name: String(row.name), jobId: String(row.job_id) }));
  }

  /** Notes a foreign id. False if it was known already; its owner then stays. */
  adopt(id: string, owner: string): boolean {
    this.#tables.prepare();
    return (
      this.#tables.sql.exec("INSERT OR IGNORE INTO adopted_id (id, owner) VALUES (?, ?)", id, owner).rowsWritten > 0
    );
  }

  knows(id: string): boolean {
    return this.#tables.present && first(this.#tables.sql, "SELECT 1 FROM adopted_id WHERE id = ?", id) !== undefined;
  }

  forget(id: string): void {
    if (this.#tables.present) this.#tables.sql.exec("DELETE FROM adopted_id WHERE id = ?", id);
  }
}
