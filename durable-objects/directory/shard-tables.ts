/**
 * Whether a shard's tables are there, and the row that the shard keeps about itself. Every store asks here before it reads
 * (no tables: nothing was ever written) and before it writes (the first write makes them).
 */
import { MIGRATIONS, SCHEMA_VERSION } from "./schema.ts";

type Row = Record<string, SqlStorageValue>;

export class ShardTables {
  readonly sql: SqlStorage;
  readonly #shards: number;
  #present: boolean | undefined;

  /** @param shards how many shards there are, now and for ever */
  constructor(sql: SqlStorage, shards: number) {
    this.sql = sql;
    this.#shards = shards;
  }

  /**
   * Whether there is anything to read; brings old tables up to date.
   * Throws where the shard was made as one of another number of shards: its rows would be looked for elsewhere.
   */
  get present(): boolean {
    this.#present ??= this.#open();
    return this.#present;
  }

  /** Makes the tables unless they are there. Throws as {@link present} does. */
  prepare(): void {
    if (this.present) return;
    for (const step of MIGRATIONS) for (const statement of step) this.sql.exec(statement);
    this.sql.exec("INSERT INTO shard VALUES (1, ?, ?, 0, NULL, NULL)", SCHEMA_VERSION, this.#shards);
    this.#present = true;
  }

  /** Adds to the count of jobs that the sweep has found overdue. */
  addFoundOverdue(jobs: number): void {
    this.prepare();
    this.sql.exec("UPDATE shard SET found_overdue = found_overdue + ?", jobs);
  }

  get foundOverdue(): number {
    if (!this.present) return 0;
    return Number(this.sql.exec<Row>("SELECT found_overdue FROM shard").one().found_overdue);
  }

  /** The entry of the index that the sweep looked at last; undefined where it begins anew. Setting it writes one row. */
  get sweepPlace(): { readonly createdAt: number; readonly id: string } | undefined {
    if (!this.present) return undefined;
    const row = this.sql.exec<Row>("SELECT sweep_created_at AS created_at, sweep_id AS id FROM shard").one();
    return row.id === null ? undefined : { createdAt: Number(row.created_at), id: String(row.id) };
  }

  set sweepPlace(place: { readonly createdAt: number; readonly id: string } | undefined) {
    this.prepare();
    this.sql.exec("UPDATE shard SET sweep_created_at = ?, sweep_id = ?", place?.createdAt ?? null, place?.id ?? null);
  }

  #open(): boolean {
    const tables = this.sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'shard'");
    if ([...tables].length === 0) return false;
    const shard = this.sql.exec<Row>("SELECT schema_version, shard_count FROM shard").one();
    if (shard.shard_count !== this.#shards) {
      throw new Error(
        `This shard of the directory was made as one of ${shard.shard_count}; now there are to be ${this.#shards}. ` +
          "The number of shards is fixed at the first deploy: set SHARD_COUNT back.",
      );
    }
    this.#migrate(Number(shard.schema_version));
    return true;
  }

  #migrate(from: number): void {
    // Tables of a later version are left as they are: it has been rolled back, and will be deployed again.
    if (from >= SCHEMA_VERSION) return;
    for (const step of MIGRATIONS.slice(from)) for (const statement of step) this.sql.exec(statement);
    this.sql.exec("UPDATE shard SET schema_version = ?", SCHEMA_VERSION);
  }
}
