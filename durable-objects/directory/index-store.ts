/**
 * The index of jobs in one shard: which jobs an owner has, and what lists filter by. A Job object is the only writer of its
 * own entry, but for two moments: its place is reserved before it exists, and dropped if it never came to be.
 */

import { hash32 } from "../../src/domain/directory-shard.ts";
import type { Failure, Outcome } from "../../src/domain/failure.ts";
import type { IndexEntry } from "../../src/domain/job/index-entry.ts";
import { DEFAULT_STATES, foldName, MAX_FILTER_LABELS } from "../../src/domain/job/job-filter.ts";
import { isInSlice, PHANTOM_AFTER_MS, SLICE_SIZE, SMALL_ENTRIES, SMALL_SLICES } from "../../src/domain/limits/sweep.ts";
import { err, ok } from "../../src/domain/result.ts";
import type { EntryKey, IndexQuery, JobCount, ListedEntry, Reservation } from "../../src/objects/directory.ts";
import type { ExecScope, JobState } from "../../src/schema/job.ts";
import { all, first, put, type Row } from "../storage/rows.ts";
import type { ShardTables } from "./shard-tables.ts";

/** What is kept in memory about all entries: made by one pass at the first write after waking, exact afterwards. */
type Tally = {
  /** Entries that are not finished, by owner. */
  readonly live: Map<string, number>;
  /** Hashes of all ids, a few gone ones too: an id that is not in here is new, without a look at the table, which has no index on it. */
  readonly ids: Set<number>;
};

export class IndexStore {
  readonly #tables: ShardTables;
  #tally: Tally | undefined;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  /**
   * Keeps a place for a job that is about to be made: one row written. The same id again is answered with the place it has.
   * Errors: `quota_exceeded` where the owner has `maxJobs` jobs that are not finished.
   */
  reserve(entry: IndexEntry, maxJobs: number, now: number): Outcome<Reservation> {
    const present = this.#find(entry.id);
    if (present !== undefined) {
      this.#tables.sql.exec(
        "UPDATE job SET reserved_at = ? WHERE created_at = ? AND id = ?",
        now,
        present.createdAt,
        entry.id,
      );
      return ok({ createdAt: present.createdAt, reservedAt: now, repeated: true });
    }
    if (this.#isFull(entry.owner, maxJobs)) return err(quotaExceeded(entry.owner, maxJobs));
    this.#tables.prepare();
    this.#write(entry, now);
    this.#count(entry.owner, entry.state, 1);
    this.#tallied().ids.add(idHash(entry.id));
    return ok({ createdAt: entry.createdAt, reservedAt: now, repeated: false });
  }

  /** Brings the entry to the job's newer state; an older one than is stored comes too late and changes nothing. */
  upsert(entry: IndexEntry, now: number): void {
    const stored = this.#entry(entry);
    if (stored !== undefined && Number(stored.version) > entry.version) return;
    const tally = this.#tallied();
    this.#tables.prepare();
    this.#write(entry, stored === undefined ? now : Number(stored.reserved_at));
    if (stored !== undefined) this.#count(String(stored.owner), String(stored.state), -1);
    this.#count(entry.owner, entry.state, 1);
    tally.ids.add(idHash(entry.id));
  }

  /**
   * Brings the entry to what the job is about to become, where its owner has room for one more; one that counts for that owner
   * already needs none. Errors: `quota_exceeded`; the entry is as it was then.
   */
  claim(entry: IndexEntry, maxJobs: number, now: number): Outcome<null> {
    const stored = this.#entry(entry);
    const countsAlready = stored?.owner === entry.owner && stored.state !== "finished";
    if (!countsAlready && this.#isFull(entry.owner, maxJobs)) return err(quotaExceeded(entry.owner, maxJobs));
    this.upsert(entry, now);
    return ok(null);
  }

  /** Removes the entry; with an `owner` only if it is still that one's: a job may have moved to another owner of this shard. */
  remove(key: EntryKey & { readonly owner?: string }): void {
    const stored = this.#entry(key);
    if (stored === undefined || (key.owner !== undefined && stored.owner !== key.owner)) return;
    const { owner, state } = stored;
    this.#tallied();
    this.#tables.sql.exec("DELETE FROM job WHERE created_at = ? AND id = ?", key.createdAt, key.id);
    this.#count(String(owner), String(state), -1);
  }

  /** Notes how the job fares, for the filters of lists: no row where that is known. What is left out stays as it is. */
  setHealth(key: EntryKey, { failing, overdue }: { readonly failing?: boolean; readonly overdue?: boolean }): void {
    if (!this.#tables.present) return;
    const [isFailing, isOverdue] = [failing, overdue].map((value) => (value === undefined ? null : Number(value)));
    this.#tables.sql.exec(
      `UPDATE job SET failing = coalesce(?3, failing), overdue = coalesce(?4, overdue)
       WHERE created_at = ?1 AND id = ?2 AND (failing != coalesce(?3, failing) OR overdue != coalesce(?4, overdue))`,
      key.createdAt,
      key.id,
      isFailing ?? null,
      isOverdue ?? null,
    );
  }

  /** How many jobs the sweep found overdue, and has not found well since. */
  countOverdue(): number {
    if (!this.#tables.present) return 0;
    return Number(first(this.#tables.sql, "SELECT count(*) AS n FROM job WHERE overdue = 1")?.n ?? 0);
  }

  /** Whether the place was reserved so long ago that, if its job is not there, it never will be. */
  isOverdueReservation(key: EntryKey, now: number): boolean {
    const stored = this.#entry(key);
    return stored !== undefined && now - Number(stored.reserved_at) > PHANTOM_AFTER_MS;
  }

  /** Newest first. */
  list(query: IndexQuery): ListedEntry[] {
    if (!this.#tables.present) return [];
    const where = conditions(query);
    if (where === undefined) return [];
    const rows = all(
      this.#tables.sql,
      `SELECT created_at, id, owner, reserved_at FROM job WHERE ${where.sql.join(" AND ")} ORDER BY created_at DESC, id DESC LIMIT ?`,
      ...where.bindings,
      query.limit,
    );
    return rows.map(toListed);
  }

  counts(): JobCount[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT state, exec_scope, count(*) AS n FROM job GROUP BY state, exec_scope");
    return rows.map((row) => ({
      state: row.state as JobState,
      execScope: row.exec_scope as ExecScope,
      count: Number(row.n),
    }));
  }

  /** The all-users jobs that may fire; an index of its own holds them, so that no other job is read. */
  activeAllUsers(): string[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT id FROM job WHERE exec_scope = 'all_users' AND state = 'active'");
    return rows.map(({ id }) => String(id));
  }

  /**
   * The entries whose turn it is to be looked at in `minute` (since 1970). Of a large shard it is the next slice, and the place of the one
   * after it is stored: one row. Whoever takes a slice looks at it, or its entries wait for the next round.
   */
  nextSlice(minute: number): ListedEntry[] {
    if (!this.#tables.present) return [];
    const place = this.#tables.sweepPlace;
    if (place !== undefined) return this.#takeSlice(this.#walk(place, SLICE_SIZE));
    const entries = this.#walk({ createdAt: Number.MAX_SAFE_INTEGER, id: "" }, SMALL_ENTRIES + 1);
    if (entries.length > SMALL_ENTRIES) return this.#takeSlice(entries.slice(0, SLICE_SIZE));
    return entries.filter(({ id }) => isInSlice(id, minute, SMALL_SLICES));
  }

  /** After the last slice of a round the next begins anew, or the shard has become small. */
  #takeSlice(slice: ListedEntry[]): ListedEntry[] {
    this.#tables.sweepPlace = slice.length < SLICE_SIZE ? undefined : slice.at(-1);
    return slice;
  }

  /** The entries before this place, newest first: what is made during a round waits for the next, so that each round has an end. */
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

  #isFull(owner: string, maxJobs: number): boolean {
    return (this.#tallied().live.get(owner) ?? 0) >= maxJobs;
  }

  #entry(key: EntryKey): Row | undefined {
    if (!this.#tables.present) return undefined;
    return first(
      this.#tables.sql,
      "SELECT owner, state, version, reserved_at FROM job WHERE created_at = ? AND id = ?",
      key.createdAt,
      key.id,
    );
  }

  /** The entry of this id, whenever it was created. */
  #find(id: string): EntryKey | undefined {
    if (!this.#tables.present || !this.#tallied().ids.has(idHash(id))) return undefined;
    const rows = all(this.#tables.sql, "SELECT created_at FROM job WHERE id = ? LIMIT 1", id);
    return rows.map((row) => ({ createdAt: Number(row.created_at), id }))[0];
  }

  #tallied(): Tally {
    if (this.#tally !== undefined) return this.#tally;
    const tally: Tally = { live: new Map(), ids: new Set() };
    this.#tally = tally;
    if (!this.#tables.present) return tally;
    for (const row of all(this.#tables.sql, "SELECT id, owner, state FROM job")) {
      tally.ids.add(idHash(String(row.id)));
      this.#count(String(row.owner), String(row.state), 1);
    }
    return tally;
  }

  #count(owner: string, state: string, by: 1 | -1): void {
    if (state === "finished") return;
    const { live } = this.#tallied();
    const count = (live.get(owner) ?? 0) + by;
    if (count > 0) live.set(owner, count);
    else live.delete(owner);
  }

  #write(entry: IndexEntry, reservedAt: number): void {
    const labels = Object.keys(entry.labels).length === 0 ? null : JSON.stringify(entry.labels);
    put(this.#tables.sql, "job", {
      created_at: entry.createdAt,
      id: entry.id,
      owner: entry.owner,
      version: entry.version,
      name: entry.name,
      name_folded: foldName(entry.name),
      owner_kind: entry.ownerKind,
      exec_scope: entry.execScope,
      agent_id: entry.agentId,
      user_id: entry.userId,
      plugin_id: entry.pluginId,
      enabled: entry.enabled,
      state: entry.state,
      labels,
      reserved_at: reservedAt,
    });
  }
}

/** Thirty bits, which V8 keeps in a set without a box. */
const idHash = (id: string): number => hash32(id) >>> 2;

const quotaExceeded = (owner: string, limit: number): Failure => ({ kind: "quota_exceeded", owner, limit });

const toListed = (row: Row): ListedEntry => ({
  createdAt: Number(row.created_at),
  id: String(row.id),
  owner: String(row.owner),
  reservedAt: Number(row.reserved_at),
});

/** The query as SQL, or undefined where nothing can match. Values travel as bindings only. */
function conditions({
  filter,
  after,
}: IndexQuery): { readonly sql: string[]; readonly bindings: SqlStorageValue[] } | undefined {
  const sql: string[] = [];
  const bindings: SqlStorageValue[] = [];
  const add = (condition: string, ...values: SqlStorageValue[]): void => {
    sql.push(condition);
    bindings.push(...values);
  };
  const states = [...new Set(filter.states ?? DEFAULT_STATES)];
  if (states.length === 0) return undefined;
  add(`state IN (${states.map(() => "?").join(", ")})`, ...states);
  if (after !== undefined) add("(created_at, id) < (?, ?)", after.createdAt, after.id);
  for (const field of ["owner_kind", "exec_scope", "agent_id", "user_id", "plugin_id", "name"] as const) {
    const value = filter[field];
    if (value !== undefined) add(`${field} = ?`, value);
  }
  if (filter.health === "failing") add("failing = 1");
  else if (filter.health === "overdue") add("failing = 0 AND overdue = 1");
  else if (filter.health === "ok") add("failing = 0");
  if (filter.enabled !== undefined) add("enabled = ?", filter.enabled ? 1 : 0);
  if (filter.q !== undefined) add("instr(name_folded, ?) > 0", foldName(filter.q));
  const labels = new Map((filter.labels ?? []).map((label) => [JSON.stringify(label), label]));
  if (labels.size > MAX_FILTER_LABELS) return undefined;
  for (const [key, value] of labels.values()) {
    add("EXISTS (SELECT 1 FROM json_each(job.labels) AS label WHERE label.key = ? AND label.value = ?)", key, value);
  }
  return { sql, bindings };
}
