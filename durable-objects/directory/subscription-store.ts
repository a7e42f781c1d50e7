/**
 * The subscriptions, of which every shard has a copy. An event is offered by the shard that received it. `offeredSeq` is the
 * last event of this shard that was offered to a subscription. After a crash the later ones are offered again.
 */
import type { Interest } from "../../src/domain/subscription/match.ts";
import { all, numberIn, parse, put, type Row } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

export type KnownSubscription = { readonly id: string; readonly interest: Interest; readonly offeredSeq: number };

export class SubscriptionRegistry {
  readonly #tables: ShardTables;
  /** All subscriptions. There are few, and every event asks for them. Undefined until they were read. */
  #known: readonly KnownSubscription[] | undefined;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** All subscriptions by id. */
  list(): readonly KnownSubscription[] {
    if (!this.#tables.present) return [];
    this.#known ??= all(this.#tables.sql, "SELECT * FROM subscription ORDER BY id").map(toKnown);
    return this.#known;
  }

  /** Stores a subscription. A new one gets the events after `lastSeq`; an existing one continues. */
  put(id: string, interest: Interest, lastSeq: number): void {
    const known = this.list().find((each) => each.id === id);
    this.#tables.prepare();
    const row = { id, interest: JSON.stringify(interest), told_seq: known?.offeredSeq ?? lastSeq };
    put(this.#tables.sql, "subscription", row);
    this.#known = undefined;
  }

  remove(id: string): void {
    if (!this.#tables.present) return;
    this.#tables.sql.exec("DELETE FROM subscription WHERE id = ?", id);
    this.#known = undefined;
  }

  /** Notes that all events up to the `seq`-th have been offered to it. */
  noteOffered(id: string, seq: number): void {
    this.#tables.sql.exec("UPDATE subscription SET told_seq = ? WHERE id = ?", seq, id);
    this.#known = undefined;
  }
}

const toKnown = (row: Row): KnownSubscription => ({
  id: String(row.id),
  interest: parse<Interest>(row.interest),
  offeredSeq: numberIn(row.told_seq) ?? 0,
});
