/**
 * The index of jobs in one shard: the jobs of an owner, and the columns that lists filter by. A Job object is the only
 * writer of its entry, with two exceptions: its place is reserved before it exists, and dropped if it is never created.
 */

import type { Outcome } from "../../src/domain/failure.ts";
import type { IndexEntry } from "../../src/domain/job/index-entry.ts";
import { foldName } from "../../src/domain/job/job-filter.ts";
import { type Allowance, admitBackfill, admitJob, admitMaker } from "../../src/domain/limits/admission.ts";
import { PHANTOM_AFTER_MS } from "../../src/domain/limits/sweep.ts";
import { ok } from "../../src/domain/result.ts";
import type { EntryKey, JobCount, Reservation } from "../../src/objects/directory.ts";
import type { ExecScope, JobState } from "../../src/schema/job.ts";
import { all, first, put, type Row, textIn, type Values, valueIn } from "../storage/rows.ts";
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

  /** Whether the place was reserved so long ago that a missing job will never be created. */
  isOverdueReservation(key: EntryKey, now: number): boolean {
    const stored = this.#stored(key);
    return stored !== undefined && now - Number(stored.reserved_at) > PHANTOM_AFTER_MS;
  }

  /** The number of jobs by kind. They are counted once after waking and kept up to date afterwards. */
  counts(): JobCount[] {
    return this.#totals.all();
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
