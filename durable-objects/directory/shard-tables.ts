/**
 * The tables of a shard, and the row that the shard keeps about itself. Every store asks here before it reads, since
 * without tables there is nothing. It asks before it writes too, since the first write creates them.
 */
import type { JobIdKey } from "../../src/objects/directory.ts";
import { makeTables, migrate } from "../storage/migrate.ts";
import { first, numberIn, put, textIn } from "../storage/rows.ts";
import { SCHEMA } from "./schema.ts";

export class ShardTables {
  readonly sql: SqlStorage;
  readonly #shards: number;
  #present: boolean | undefined;

  /** @param shards the number of shards, which never changes */
  constructor(sql: SqlStorage, shards: number) {
    this.sql = sql;
    this.#shards = shards;
  }

  /**
   * Whether there is anything to read. It also brings old tables up to date. Throws if the shard was created under another
   * number of shards, because its rows would then be searched elsewhere.
   */
  get present(): boolean {
    this.#present ??= this.#open();
    return this.#present;
  }

  /** Creates the tables unless they exist. Throws as {@link present} does. */
  prepare(): void {
    if (this.present) return;
    const version = makeTables(this.sql, SCHEMA);
    put(this.sql, "shard", { one: 1, schema_version: version, shard_count: this.#shards, found_overdue: 0 });
    this.#present = true;
  }

  /** Adds to the count of jobs that the sweep has found overdue. */
  addFoundOverdue(jobs: number): void {
    this.prepare();
    this.sql.exec("UPDATE shard SET found_overdue = found_overdue + ?", jobs);
  }

  /** The key that job ids are made with, and its age. `draw` makes it at the first question. */
  jobIdKey(draw: () => string, now: number): JobIdKey {
    this.prepare();
    const row = first(this.sql, "SELECT job_id_key, job_id_key_since FROM shard");
    const key = textIn(row?.job_id_key);
    if (key !== undefined) return { key, since: Number(row?.job_id_key_since) };
    const drawn = { key: draw(), since: now };
    this.sql.exec("UPDATE shard SET job_id_key = ?, job_id_key_since = ?", drawn.key, drawn.since);
    return drawn;
  }

  get foundOverdue(): number {
    if (!this.present) return 0;
    return Number(first(this.sql, "SELECT found_overdue FROM shard")?.found_overdue ?? 0);
  }

  /** The entry of the index that the sweep looked at last. Undefined when it starts over. Setting it writes one row. */
  get sweepPlace(): { readonly createdAt: number; readonly id: string } | undefined {
    if (!this.present) return undefined;
    const row = first(this.sql, "SELECT sweep_created_at, sweep_id FROM shard");
    const createdAt = numberIn(row?.sweep_created_at);
    return createdAt === undefined ? undefined : { createdAt, id: String(row?.sweep_id) };
  }

  set sweepPlace(place: { readonly createdAt: number; readonly id: string } | undefined) {
    this.prepare();
    this.sql.exec("UPDATE shard SET sweep_created_at = ?, sweep_id = ?", place?.createdAt ?? null, place?.id ?? null);
  }

  #open(): boolean {
    if (migrate(this.sql, SCHEMA) === undefined) return false;
    const count = first(this.sql, "SELECT shard_count FROM shard")?.shard_count;
    if (count !== this.#shards) {
      throw new Error(
        `This shard of the directory was made as one of ${count}; now there are to be ${this.#shards}. ` +
          "The number of shards is fixed at the first deploy: set SHARD_COUNT back.",
      );
    }
    return true;
  }
}
