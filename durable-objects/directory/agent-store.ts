/** The agents registered in one shard. A secret leaves the store only towards the delivery of a call. */
import type { RegisteredAgent } from "../../src/objects/directory.ts";
import type { ShardTables } from "./shard-tables.ts";

type Row = Record<string, SqlStorageValue>;

export class AgentStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  find(id: string): RegisteredAgent | undefined {
    if (!this.#tables.present) return undefined;
    const rows = this.#tables.sql.exec<Row>("SELECT id, url, secret FROM agent WHERE id = ?", id);
    return [...rows].map((row) => ({ id: String(row.id), url: String(row.url), secret: String(row.secret) }))[0];
  }

  put(agent: RegisteredAgent): void {
    this.#tables.prepare();
    this.#tables.sql.exec("INSERT OR REPLACE INTO agent VALUES (?, ?, ?)", agent.id, agent.url, agent.secret);
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
    const rows = this.#tables.sql.exec<Row>(
      "SELECT id, url FROM agent WHERE id > ? ORDER BY id LIMIT ?",
      afterId,
      limit,
    );
    return [...rows].map((row) => ({ id: String(row.id), url: String(row.url) }));
  }
}
