/** The agents registered in one shard. A secret leaves the store only for the delivery of a call. */
import type { RegisteredAgent } from "../../src/domain/agent/registration.ts";
import { compact } from "../../src/domain/compact.ts";
import type { ListedAgent } from "../../src/objects/directory.ts";
import { all, first, numberIn, parse, put, type Row } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export class AgentStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  find(id: string): RegisteredAgent | undefined {
    if (!this.#tables.present) return undefined;
    const row = first(this.#tables.sql, "SELECT * FROM agent WHERE id = ?", id);
    return row === undefined ? undefined : toAgent(row);
  }

  put({ id, url, secret, previous, headers, body }: RegisteredAgent): void {
    this.#tables.prepare();
    put(this.#tables.sql, "agent", {
      id,
      url,
      secret,
      previous_secret: previous?.secret,
      previous_until: previous?.until,
      headers: headers === undefined ? undefined : JSON.stringify(headers),
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  }

  /** Removes an agent. False if there was none. */
  delete(id: string): boolean {
    if (this.find(id) === undefined) return false;
    this.#tables.sql.exec("DELETE FROM agent WHERE id = ?", id);
    return true;
  }

  /** Agents by id, after `afterId` (`""`: from the beginning), without secrets. */
  list(afterId: string, limit: number): ListedAgent[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT * FROM agent WHERE id > ? ORDER BY id LIMIT ?", afterId, limit);
    return rows.map((row) => {
      const { secret: _secret, previous, ...agent } = toAgent(row);
      return compact({ ...agent, previousUntil: previous?.until });
    });
  }
}

/** An agent from its row. The keys are in the order of {@link changeAgent}, so an unchanged agent gives the same JSON. */
const toAgent = (row: Row): RegisteredAgent =>
  compact({
    id: String(row.id),
    url: String(row.url),
    secret: String(row.secret),
    previous:
      row.previous_secret === null
        ? undefined
        : { secret: String(row.previous_secret), until: numberIn(row.previous_until) ?? 0 },
    headers: row.headers === null ? undefined : parse<Record<string, string>>(row.headers),
    body: row.body === null ? undefined : parse<unknown>(row.body),
  });
