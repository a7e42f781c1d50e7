/** The lists of the jobs in one shard. They only read what `index-store.ts` keeps. */
import { mergeFound, newestFirst } from "../../src/domain/merged-list.ts";
import type { Found } from "../../src/domain/page.ts";
import type { EntryKey, IndexQuery, ListedEntry } from "../../src/objects/directory.ts";
import { all, first, type Row } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import { type Condition, fitsOf, type Way, waysOf } from "./index-ways.ts";
import type { ShardTables } from "./shard-tables.ts";

export class ListStore {
  readonly #tables: ShardTables;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /** Does the same as {@link page}, without the place where the search stopped. */
  list(query: IndexQuery): readonly ListedEntry[] {
    return this.page(query).items;
  }

  /**
   * Entries, newest first, by the most selective index: of an owner or an agent, or of failing or resting jobs. The other
   * filters look at a bounded number of rows along it.
   */
  page(query: IndexQuery): Found<ListedEntry, EntryKey> {
    if (!this.#tables.present) return { items: [] };
    const fits = fitsOf(query.filter);
    if (fits === undefined) return { items: [] };
    const found = waysOf(query).map((way) => this.#along(way, fits, query));
    const [only] = found;
    return found.length === 1 && only !== undefined ? only : mergeFound(found, order, query.limit);
  }

  #along({ index, sql, bindings }: Way, fits: Condition, { after, limit }: IndexQuery): Found<ListedEntry, EntryKey> {
    const where = after === undefined ? sql : [...sql, "(created_at, id) < (?, ?)"];
    const { items, stoppedAt } = scan(
      this.#tables.sql,
      `SELECT created_at, id, owner, reserved_at, ${fits.sql.join(" AND ")} AS fits
         FROM job ${index === undefined ? "" : `INDEXED BY ${index}`} ${where.length === 0 ? "" : `WHERE ${where.join(" AND ")}`}
         ORDER BY created_at DESC, id DESC LIMIT ?`,
      [...fits.bindings, ...bindings, ...(after === undefined ? [] : [after.createdAt, after.id]), reachOf(limit)],
      limit,
    );
    const entries = items.map(toListed);
    return stoppedAt === undefined ? { items: entries } : { items: entries, stoppedAt: toListed(stoppedAt) };
  }

  /** Whether a job with this id was created before `before`. It reads one row for each such job. */
  hasJobBefore(id: string, before: number): boolean {
    if (!this.#tables.present) return false;
    return first(this.#tables.sql, "SELECT 1 FROM job WHERE created_at < ? AND id = ?", before, id) !== undefined;
  }

  /** The all-users jobs that may fire. They have an index of their own, so no other job is read. */
  activeAllUsers(): string[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT id FROM job WHERE exec_scope = 'all_users' AND state = 'active'");
    return rows.map(({ id }) => String(id));
  }

  /** The number of jobs that the sweep found overdue and has not found healthy since. */
  countOverdue(): number {
    if (!this.#tables.present) return 0;
    const query = "SELECT count(*) AS n FROM job INDEXED BY job_overdue WHERE overdue = 1";
    return Number(first(this.#tables.sql, query)?.n ?? 0);
  }
}

/** The order of lists: (createdAt, id), descending. */
const order = newestFirst<EntryKey>(({ createdAt }) => createdAt);

/** A row of a list as an entry. */
export const toListed = (row: Row): ListedEntry => ({
  createdAt: Number(row.created_at),
  id: String(row.id),
  owner: String(row.owner),
  reservedAt: Number(row.reserved_at),
});
