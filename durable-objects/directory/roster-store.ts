/**
 * The users of one shard of the roster. A user is active if marked active and, with a window, seen within it
 * (docs/contract.md §6). `seenSince` is the window's beginning in epoch ms. Undefined means that there is no window.
 */

import { compact } from "../../src/domain/compact.ts";
import type { Found } from "../../src/domain/page.ts";
import type { RosterCount, RosterQuery, RosterUser, UserKey } from "../../src/objects/directory.ts";
import { MINUTE_MS } from "../../src/schema/limits.ts";
import { first, numberIn, put, type Row } from "../storage/rows.ts";
import { reachOf, scan } from "../storage/scan.ts";
import type { ShardTables } from "./shard-tables.ts";

/** Whether a user is active. `?1` is `seenSince` or null. A user who was never seen is outside every window. */
const IS_ACTIVE = "(active = 1 AND (?1 IS NULL OR coalesce(last_seen_at >= ?1, 0)))";

/** The time for which a count that depends on the clock is used. */
const COUNTED_MS = 10_000;

export class RosterStore {
  readonly #tables: ShardTables;
  #counted: { readonly seenSince: number | undefined; readonly count: RosterCount } | undefined;

  constructor(tables: ShardTables) {
    this.#tables = tables;
  }

  get(id: string): RosterUser | undefined {
    if (!this.#tables.present) return undefined;
    const row = first(this.#tables.sql, "SELECT id, active, last_seen_at FROM user WHERE id = ?", id);
    return row === undefined ? undefined : toUser(row);
  }

  /** Marks the user. A new user joins the roster. The time of the last visit stays. */
  put(
    id: string,
    active: boolean,
  ): { readonly user: RosterUser; readonly created: boolean; readonly changed: boolean } {
    const present = this.get(id);
    const user: RosterUser = { ...(present ?? { id }), active };
    const changed = present?.active !== active;
    if (changed) this.#write(user);
    return { user, created: present === undefined, changed };
  }

  /**
   * Notes that the user was seen at `at` (epoch ms). It writes at most once a minute, since a client may call at every
   * click. A new user joins as active. A user whom the operator marked inactive stays inactive.
   */
  seen(id: string, at: number): RosterUser {
    const present = this.get(id) ?? { id, active: true };
    const { lastSeenAt } = present;
    if (lastSeenAt !== undefined && at < lastSeenAt + MINUTE_MS) return present;
    const user: RosterUser = { ...present, lastSeenAt: at };
    this.#write(user);
    return user;
  }

  /**
   * Makes each user active. With `seenAt` (epoch ms) they also count as seen then. It writes one row for each user that
   * this changes.
   */
  import(ids: readonly string[], seenAt: number | undefined): void {
    this.#counted = undefined;
    this.#tables.prepare();
    for (const id of ids) {
      this.#tables.sql.exec(
        `INSERT INTO user (id, active, last_seen_at) VALUES (?1, 1, ?2) ON CONFLICT (id) DO UPDATE
           SET active = 1, last_seen_at = max(coalesce(last_seen_at, ?2), coalesce(?2, last_seen_at))
           WHERE active = 0 OR coalesce(last_seen_at, 0) < ?2`,
        id,
        seenAt ?? null,
      );
    }
  }

  /** Removes a user. False if there was none. */
  delete(id: string): boolean {
    if (this.get(id) === undefined) return false;
    this.#counted = undefined;
    this.#tables.sql.exec("DELETE FROM user WHERE id = ?", id);
    return true;
  }

  /**
   * Users by id, in the order of UTF-8. That is the order of the primary key, so a page continues where the last one ended.
   * A page looks at a bounded number of rows.
   */
  list({ afterId, limit, active, seenSince }: RosterQuery): Found<RosterUser, UserKey> {
    if (!this.#tables.present) return { items: [] };
    const wanted = active === undefined ? "?1 IS ?1" : active ? IS_ACTIVE : `NOT ${IS_ACTIVE}`;
    const { items, stoppedAt } = scan(
      this.#tables.sql,
      `SELECT id, active, last_seen_at, ${wanted} AS fits FROM user WHERE id > ?2 ORDER BY id LIMIT ?3`,
      [seenSince ?? null, afterId, reachOf(limit)],
      limit,
    );
    return {
      items: items.map(toUser),
      ...(stoppedAt === undefined ? {} : { stoppedAt: { id: String(stoppedAt.id) } }),
    };
  }

  /**
   * The ids of active users after `afterId`, in order. It reads past all others, so a fan-out's page is one call of a
   * shard.
   */
  active(afterId: string, limit: number, seenSince: number | undefined): string[] {
    const ids: string[] = [];
    let after: string | undefined = afterId;
    while (after !== undefined && ids.length < limit) {
      const page = this.list({ afterId: after, limit: limit - ids.length, active: true, seenSince });
      ids.push(...page.items.map(({ id }) => id));
      after = page.stoppedAt?.id;
    }
    return ids;
  }

  /**
   * Counts the users. It reads every row of the shard, unless nothing was written since the last time. The window may be a
   * few seconds old.
   */
  count(seenSince: number | undefined): RosterCount {
    const known = this.#counted;
    const moved = (seenSince ?? 0) - (known?.seenSince ?? 0);
    if (known !== undefined && moved >= 0 && moved < COUNTED_MS) return known.count;
    const count = this.#count(seenSince);
    this.#counted = { seenSince, count };
    return count;
  }

  #count(seenSince: number | undefined): RosterCount {
    if (!this.#tables.present) return { total: 0, active: 0 };
    const row = first(
      this.#tables.sql,
      `SELECT count(*) AS total, count(*) FILTER (WHERE ${IS_ACTIVE}) AS active FROM user`,
      seenSince ?? null,
    );
    return { total: Number(row?.total), active: Number(row?.active) };
  }

  #write(user: RosterUser): void {
    this.#counted = undefined;
    this.#tables.prepare();
    put(this.#tables.sql, "user", { id: user.id, active: user.active, last_seen_at: user.lastSeenAt });
  }
}

const toUser = (row: Row): RosterUser =>
  compact({ id: String(row.id), active: row.active === 1, lastSeenAt: numberIn(row.last_seen_at) });
