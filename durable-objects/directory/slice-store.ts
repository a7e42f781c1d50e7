/** The slices of the index that the sweep looks at. One is due each minute, and the place of the next one is stored. */
import { isInSlice, SLICE_SIZE, SMALL_ENTRIES, sliceSize, smallSlices } from "../../src/domain/limits/sweep.ts";
import type { EntryKey, ListedEntry } from "../../src/objects/directory.ts";
import { all } from "../storage/rows.ts";
import { toListed } from "./list-store.ts";
import type { ShardTables } from "./shard-tables.ts";

export class SliceStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /**
   * The entries to be swept in `minute` (since 1970). In a large shard they are the next slice, and the place of the one
   * after it is stored in one row. The caller must look at the slice, or its entries wait for the next round. A slice needs
   * about `calls` calls at most.
   */
  next(minute: number, calls = SLICE_SIZE): ListedEntry[] {
    if (!this.#tables.present) return [];
    const place = this.#tables.sweepPlace;
    const size = sliceSize(calls);
    if (place !== undefined) return this.#takeSlice(this.#walk(place, size), size);
    const entries = this.#walk({ createdAt: Number.MAX_SAFE_INTEGER, id: "" }, SMALL_ENTRIES + 1);
    if (entries.length > SMALL_ENTRIES) return this.#takeSlice(entries.slice(0, size), size);
    const slices = smallSlices(entries.length, calls);
    return entries.filter(({ id }) => isInSlice(id, minute, slices));
  }

  /** After the last slice of a round, or if the shard has become small, the next round starts over. */
  #takeSlice(slice: ListedEntry[], size: number): ListedEntry[] {
    this.#tables.sweepPlace = slice.length < size ? undefined : slice.at(-1);
    return slice;
  }

  /**
   * The entries before this place, newest first. A job that is created during a round waits for the next one, so each round
   * ends.
   */
  #walk(before: EntryKey, limit: number): ListedEntry[] {
    const rows = all(
      this.#tables.sql,
      `SELECT created_at, id, owner, reserved_at FROM job WHERE (created_at, id) < (?, ?)
       ORDER BY created_at DESC, id DESC LIMIT ?`,
      before.createdAt,
      before.id,
      limit,
    );
    return rows.map(toListed);
  }
}
