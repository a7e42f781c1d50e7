/** The agents registered in one shard. A secret leaves the store only towards the delivery of a call. */
import type { RegisteredAgent } from "../../src/objects/directory.ts";
import { all, first, put, type Row } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export class AgentStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  find(id: string): RegisteredAgent | undefined {
    if (!this.#tables.present) return undefined;
    const row = first(this.#tables.sql, "SELECT id, url, secret FROM agent WHERE id = ?", id);
    return row === undefined ? undefined : toAgent(row);
  }

  put(agent: RegisteredAgent): void {
    this.#tables.prepare();
    put(this.#tables.sql, "agent", { id: agent.id, url: agent.url, secret: agent.secret });
  }

  /** False where there was none. */
  delete(id: string): boolean {
    if (this.find(id) === undefined) return false;
    this.#tables.sql.exec("DELETE FROM agent WHERE id = ?", id);
    return true;
  }

  /** By id, after `afterId` (`""`: from the beginning), without secrets. */
  list(afterId: string, limit: number): { readonly id: string; readonly url: string }[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT id, url FROM agent WHERE id > ? ORDER BY id LIMIT ?", afterId, limit);
    return rows.map((row) => ({ id: String(row.id), url: String(row.url) }));
  }
}

const toAgent = (row: Row): RegisteredAgent => ({
  id: String(row.id),
  url: String(row.url),
  secret: String(row.secret),
});
