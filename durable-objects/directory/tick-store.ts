/**
 * The time of the last tick, in the row of the first shard. It is one row written a minute, so that a missing tick is
 * noticed.
 */
import { first, numberIn } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export class TickStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** The time of the last tick, in epoch ms. Undefined before the first. */
  get lastAt(): number | undefined {
    if (!this.#tables.present) return undefined;
    return numberIn(first(this.#tables.sql, "SELECT ticked_at FROM shard")?.ticked_at);
  }

  /** The number of times that an alarm or a call has done the work of a tick. */
  get stoodIn(): number {
    if (!this.#tables.present) return 0;
    return Number(first(this.#tables.sql, "SELECT stood_in FROM shard")?.stood_in ?? 0);
  }

  /** Notes a tick, or a stand-in that does its work. */
  tick(at: number, isStandIn: boolean): void {
    this.#tables.prepare();
    this.#tables.sql.exec("UPDATE shard SET ticked_at = ?, stood_in = stood_in + ?", at, isStandIn ? 1 : 0);
  }
}
