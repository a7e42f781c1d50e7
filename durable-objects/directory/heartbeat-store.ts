/** The heartbeats of one shard and their intervals. The tick needs no more to call those that are due. */
import type { RegisteredHeartbeat } from "../../src/objects/directory.ts";
import { all, put } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export class HeartbeatRegistryStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  put(heartbeat: RegisteredHeartbeat): void {
    this.#tables.prepare();
    put(this.#tables.sql, "heartbeat", {
      name: heartbeat.name,
      every_minutes: heartbeat.everyMinutes,
      enabled: heartbeat.enabled,
    });
  }

  remove(name: string): void {
    if (this.#tables.present) this.#tables.sql.exec("DELETE FROM heartbeat WHERE name = ?", name);
  }

  /** All heartbeats by name. The registry is small, since only operators make them. */
  list(): RegisteredHeartbeat[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT name, every_minutes, enabled FROM heartbeat ORDER BY name");
    return rows.map((row) => ({
      name: String(row.name),
      everyMinutes: Number(row.every_minutes),
      enabled: row.enabled === 1,
    }));
  }
}
