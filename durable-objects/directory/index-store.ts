/**
 * The index of jobs in one shard: the jobs of an owner, and the columns that lists filter by. A Job object is the only
 * writer of its entry, with two exceptions: its place is reserved before it exists, and dropped if it is never created.
 */

import type { Outcome } from "../../src/domain/failure.ts";
import type { IndexEntry } from "../../src/domain/job/index-entry.ts";
import { foldName } from "../../src/domain/job/job-filter.ts";
import { type Allowance, admitBackfill, admitJob, admitMaker } from "../../src/domain/limits/admission.ts";
import { isInSlice, PHANTOM_AFTER_MS, SLICE_SIZE, SMALL_ENTRIES, SMALL_SLICES } from "../../src/domain/limits/sweep.ts";
import { mergeFound, newestFirst } from "../../src/domain/merged-list.ts";
import type { Found } from "../../src/domain/page.ts";
import { ok } from "../../src/domain/result.ts";
import type { EntryKey, IndexQuery, JobCount, ListedEntry, Reservation } from "../../src/objects/directory.ts";
import type { ExecScope, JobState } from "../../src/schema/job.ts";
import { all, first, put, type Row, textIn, type Values, valueIn } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import { type Condition, fitsOf, type Way, waysOf } from "./index-ways.ts";
import { JobCounts } from "./job-counts.ts";
import { type Counted, OwnerUses } from "./owner-uses.ts";
import { QuotaStore } from "./quota-store.ts";
import type { ShardTables } from "./shard-tables.ts";

export class IndexStore {
  readonly #tables: ShardTables;
  readonly #quota: QuotaStore;
  readonly #uses = new OwnerUses((owner) => this.#countedOf(owner));
  readonly #totals = new JobCounts(() => this.#readTotals());

  constructor(tables: ShardTables, quota = new QuotaStore(tables)) {
    this.#tables = tables;
    this.#quota = quota;
  }

  /**
   * Reserves a place for a job that is about to be created. It writes one row, and one for each index. The same id again
   * gets the place that it has. Errors: `quota_exceeded`.
   */
  reserve(entry: IndexEntry, allowed: Allowance, now: number): Outcome<Reservation> {
    const present = this.#find(entry.owner, entry.id);
    if (present !== undefined) {
      this.#update(present, { reserved_at: now });
      return ok({ createdAt: present.createdAt, reservedAt: now, repeated: true });
    }
    const room = entry.state === "finished" ? ok(null) : this.#admit(entry, allowed, now);
    if (!room.ok) return room;
    this.#tables.prepare();
    put(this.#tables.sql, "job", { ...rowOf(entry), reserved_at: now });
    this.#count(entry, 1);
    return ok({ createdAt: entry.createdAt, reservedAt: now, repeated: false });
  }

  /**
   * Updates the entry to the job's newer state. An older state than the stored one comes too late and changes nothing. It
   * writes the columns that differ: one row, and one for each index over them.
   */
  upsert(entry: IndexEntry, now: number): void {
    const stored = this.#stored(entry);
    if (stored === undefined) {
      // Reads the owner's use before the new entry is stored, so that the entry is not counted twice.
      this.#uses.of(entry.owner);
      this.#tables.prepare();
      put(this.#tables.sql, "job", { ...rowOf(entry), reserved_at: now });
      this.#count(entry, 1);
      return;
    }
    if (Number(stored.version) > entry.version) return;
    const before = countedOf(stored);
    this.#uses.of(before.owner);
    this.#uses.of(entry.owner);
    const next = Object.entries(rowOf(entry)).filter(([column, value]) => stored[column] !== valueIn(value));
    this.#update(entry, Object.fromEntries(next));
    this.#count(before, -1);
    this.#count(entry, 1);
  }

  /**
   * Updates the entry to the job's coming state, if its owner has room for it. A job that counts for that owner already and
   * fires no more often needs no room. Errors: `quota_exceeded`, which leaves the entry unchanged.
   */
  claim(entry: IndexEntry, allowed: Allowance, now: number): Outcome<null> {
    const stored = this.#stored(entry);
    const before = stored === undefined ? undefined : countedOf(stored);
    const countsAlready = before?.owner === entry.owner && before.state !== "finished";
    const room = countsAlready
      ? this.#admitRate(entry, entry.rate - before.rate, allowed, now)
      : this.#admit(entry, allowed, now);
    if (room.ok) this.upsert(entry, now);
    return room;
  }

  /** Checks whether the owner may backfill this many fires today, and counts them. Errors: `quota_exceeded`. */
  backfill(asked: { readonly owner: string; readonly maker: string }, fires: number, maxFires: number, now: number) {
    const { owner } = asked;
    const room = admitBackfill(asked, fires, this.#uses.of(owner), this.#quota.backfilled(owner, now), maxFires);
    if (room.ok) this.#quota.addBackfilled(owner, fires, now);
    return room;
  }

  /** Whether the subject may create one more job, for any owner. Errors: `quota_exceeded`. */
  admitMaker(maker: string, rate: number, allowed: Allowance): Outcome<null> {
    const [own, made] = [this.#uses.own(maker), this.#quota.madeBy(maker)];
    return admitMaker(maker, rate, { jobs: own.jobs + made.jobs, fires: own.fires + made.fires }, allowed);
  }

  #admit(entry: IndexEntry, allowed: Allowance, now: number): Outcome<null> {
    const { owner, maker, rate } = entry;
    const room = admitJob(entry, this.#uses.of(owner), this.#quota.backfilled(owner, now), allowed);
    return room.ok && maker === owner ? this.admitMaker(maker, rate, allowed) : room;
  }

  /** Admits more fires of a job that has its place already. */
  #admitRate(entry: IndexEntry, more: number, { maxFires }: Allowance, now: number): Outcome<null> {
    if (more <= 0 || maxFires === undefined) return ok(null);
    const { owner } = entry;
    return admitBackfill(entry, more, this.#uses.of(owner), this.#quota.backfilled(owner, now), maxFires);
  }

  /** The owner's finished jobs beyond the number that it keeps, oldest first, at most `limit`. */
  finishedBeyond(owner: string, kept: number, limit: number): string[] {
    const surplus = Math.min(limit, this.#uses.of(owner).finished - kept);
    if (surplus <= 0) return [];
    const query = "SELECT id FROM job WHERE owner = ? AND state = 'finished' ORDER BY created_at, id LIMIT ?";
    return all(this.#tables.sql, query, owner, surplus).map(({ id }) => String(id));
  }

  /**
   * Removes the entry. If an `owner` is given, the entry must still be that owner's, since a job may have moved within this
   * shard. Returns the owner and the maker.
   */
  remove(key: EntryKey & { readonly owner?: string }): Counted | undefined {
    const stored = this.#stored(key);
    if (stored === undefined || (key.owner !== undefined && stored.owner !== key.owner)) return undefined;
    const removed = countedOf(stored);
    this.#uses.of(removed.owner);
    this.#tables.sql.exec("DELETE FROM job WHERE created_at = ? AND id = ?", key.createdAt, key.id);
    this.#count(removed, -1);
    return removed;
  }

  /**
   * Notes the health of a job for the filters of lists. A field that is left out stays. It writes no row if nothing
   * changes.
   */
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

  /** The number of jobs that the sweep found overdue and has not found healthy since. */
  countOverdue(): number {
    if (!this.#tables.present) return 0;
    const query = "SELECT count(*) AS n FROM job INDEXED BY job_overdue WHERE overdue = 1";
    return Number(first(this.#tables.sql, query)?.n ?? 0);
  }

  /** Whether the place was reserved so long ago that a missing job will never be created. */
  isOverdueReservation(key: EntryKey, now: number): boolean {
    const stored = this.#stored(key);
    return stored !== undefined && now - Number(stored.reserved_at) > PHANTOM_AFTER_MS;
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

  /** The number of jobs by kind. They are counted once after waking and kept up to date afterwards. */
  counts(): JobCount[] {
    return this.#totals.all();
  }

  /** The all-users jobs that may fire. They have an index of their own, so no other job is read. */
  activeAllUsers(): string[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT id FROM job WHERE exec_scope = 'all_users' AND state = 'active'");
    return rows.map(({ id }) => String(id));
  }

  /**
   * The entries to be swept in `minute` (since 1970). In a large shard they are the next slice, and the place of the one
   * after it is stored in one row. The caller must look at the slice, or its entries wait for the next round.
   */
  nextSlice(minute: number): ListedEntry[] {
    if (!this.#tables.present) return [];
    const place = this.#tables.sweepPlace;
    if (place !== undefined) return this.#takeSlice(this.#walk(place, SLICE_SIZE));
    const entries = this.#walk({ createdAt: Number.MAX_SAFE_INTEGER, id: "" }, SMALL_ENTRIES + 1);
    if (entries.length > SMALL_ENTRIES) return this.#takeSlice(entries.slice(0, SLICE_SIZE));
    return entries.filter(({ id }) => isInSlice(id, minute, SMALL_SLICES));
  }

  /** After the last slice of a round, or if the shard has become small, the next round starts over. */
  #takeSlice(slice: ListedEntry[]): ListedEntry[] {
    this.#tables.sweepPlace = slice.length < SLICE_SIZE ? undefined : slice.at(-1);
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

  /** Counts a job that the owner and the shard have got (1) or lost (-1). */
  #count(job: Counted, by: 1 | -1): void {
    this.#uses.count(job, by);
    this.#totals.add(job, by);
  }

  #readTotals(): JobCount[] {
    if (!this.#tables.present) return [];
    const rows = all(this.#tables.sql, "SELECT state, exec_scope, count(*) AS n FROM job GROUP BY state, exec_scope");
    return rows.map((row) => ({
      state: row.state as JobState,
      execScope: row.exec_scope as ExecScope,
      count: Number(row.n),
    }));
  }

  #stored(key: EntryKey): Row | undefined {
    if (!this.#tables.present) return undefined;
    return first(this.#tables.sql, "SELECT * FROM job WHERE created_at = ? AND id = ?", key.createdAt, key.id);
  }

  /** The owner's entry with this id, for any creation time. */
  #find(owner: string, id: string): EntryKey | undefined {
    if (!this.#tables.present || !this.#uses.mayHave(owner, id)) return undefined;
    const row = first(this.#tables.sql, "SELECT created_at FROM job WHERE owner = ? AND id = ?", owner, id);
    return row === undefined ? undefined : { createdAt: Number(row.created_at), id };
  }

  #countedOf(owner: string): Counted[] {
    if (!this.#tables.present) return [];
    const query = "SELECT id, owner, maker, rate, state, exec_scope FROM job WHERE owner = ?";
    return all(this.#tables.sql, query, owner).map(countedOf);
  }

  /** Updates the named columns. Other columns, and the indexes over them, stay. */
  #update({ createdAt, id }: EntryKey, values: Values): void {
    const columns = Object.keys(values);
    if (columns.length === 0) return;
    this.#tables.sql.exec(
      `UPDATE job SET ${columns.map((name) => `${name} = ?`).join(", ")} WHERE created_at = ? AND id = ?`,
      ...columns.map((name) => valueIn(values[name])),
      createdAt,
      id,
    );
  }
}

const rowOf = (entry: IndexEntry): Values => ({
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
  labels: Object.keys(entry.labels).length === 0 ? null : JSON.stringify(entry.labels),
  maker: entry.maker,
  rate: entry.rate,
});

const countedOf = (row: Row): Counted => ({
  id: String(row.id),
  owner: String(row.owner),
  maker: textIn(row.maker),
  rate: Number(row.rate),
  state: row.state as JobState,
  execScope: row.exec_scope as ExecScope,
});

/** The order of lists: (createdAt, id), descending. */
const order = newestFirst<EntryKey>(({ createdAt }) => createdAt);

const toListed = (row: Row): ListedEntry => ({
  createdAt: Number(row.created_at),
  id: String(row.id),
  owner: String(row.owner),
  reservedAt: Number(row.reserved_at),
});
