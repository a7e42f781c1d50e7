import { runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { RosterStore } from "../../../durable-objects/directory/roster-store.ts";
import {
  activeSince,
  activeUserPage,
  countUsers,
  deleteUser,
  getUser,
  importUsers,
  listUsers,
  putUser,
  type RosterPosition,
  seenUser,
} from "../../../src/directory/roster.ts";
import { rosterKey, SHARD_COUNT, shardOf } from "../../../src/domain/directory-shard.ts";
import { compareUtf8 } from "../../../src/domain/text/compare-utf8.ts";
import { LOOKED_AT_ROWS } from "../../../src/schema/limits.ts";
import { answered, countRows, env, freshShard, settings } from "../directory-fixture.ts";

const NOW = Date.UTC(2026, 10, 23, 9);
const HOUR = 3_600_000;
const always = settings();
const windowed = settings({ ACTIVE_WINDOW: "1h" });

async function walk(
  query: { active?: boolean; limit: number },
  between: (page: number) => Promise<void> = async () => {},
) {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const page = await answered(listUsers(env, always, { ...query, cursor }, NOW));
    pages.push(page.items.map(({ id }) => id));
    cursor = page.next_cursor;
    await between(pages.length);
  } while (cursor !== undefined);
  return pages;
}

async function walkActive(limit: number, seenSince?: number): Promise<string[]> {
  const ids: string[] = [];
  let position: RosterPosition | undefined;
  do {
    const page = await activeUserPage(env, seenSince, position, limit);
    ids.push(...page.ids);
    position = page.next;
  } while (position !== undefined);
  return ids;
}

describe("a user", () => {
  it("joins by PUT, is changed by the next PUT, and leaves by DELETE", async () => {
    expect(await putUser(env, always, { id: "put-1", active: true }, NOW)).toEqual({
      user: { id: "put-1", active: true },
      created: true,
    });
    expect(await putUser(env, always, { id: "put-1", active: false }, NOW)).toEqual({
      user: { id: "put-1", active: false },
      created: false,
    });
    expect(await getUser(env, always, "put-1", NOW)).toEqual({ ok: true, value: { id: "put-1", active: false } });
    expect(await deleteUser(env, "put-1")).toEqual({ ok: true, value: null });
    const gone = { ok: false, error: { kind: "not_found", what: "user" } };
    expect(await deleteUser(env, "put-1")).toEqual(gone);
    expect(await getUser(env, always, "put-1", NOW)).toEqual(gone);
  });

  it("joins as active when first seen, and being seen does not undo the operator's mark", async () => {
    const seen = { id: "seen-1", last_seen_at: "2026-11-23T09:00:00.000Z" };
    expect(await seenUser(env, always, "seen-1", NOW)).toEqual({ ...seen, active: true });
    await putUser(env, always, { id: "seen-1", active: false }, NOW);
    expect(await seenUser(env, always, "seen-1", NOW + 1)).toMatchObject({ active: false });
    for (const at of [NOW + 59_999, NOW - HOUR]) expect(await seenUser(env, always, "seen-1", at)).toMatchObject(seen);
    const later = { last_seen_at: "2026-11-23T09:01:00.000Z" };
    expect(await seenUser(env, always, "seen-1", NOW + 60_000)).toMatchObject(later);
    expect(await seenUser(env, always, "seen-1", NOW - HOUR)).toMatchObject(later);
  });

  it("is active under ACTIVE_WINDOW while seen within it, and only if marked so", async () => {
    expect(await putUser(env, windowed, { id: "win-1", active: true }, NOW)).toMatchObject({ user: { active: false } });
    expect(await seenUser(env, windowed, "win-1", NOW)).toMatchObject({ active: true });
    expect(await getUser(env, windowed, "win-1", NOW + HOUR)).toMatchObject({ value: { active: true } });
    expect(await getUser(env, windowed, "win-1", NOW + HOUR + 1)).toMatchObject({ value: { active: false } });
    expect(await getUser(env, always, "win-1", NOW + HOUR + 1)).toMatchObject({ value: { active: true } });
    await putUser(env, windowed, { id: "win-1", active: false }, NOW);
    expect(await getUser(env, windowed, "win-1", NOW)).toMatchObject({ value: { active: false } });
    await deleteUser(env, "win-1");
  });
});

describe("an import", () => {
  it("makes each user active, may be repeated, and counts each once", async () => {
    await putUser(env, always, { id: "imp-1", active: false }, NOW);
    const ids = ["imp-1", "imp-2", "imp-3", "imp-3"];
    expect(await importUsers(env, always, ids, NOW)).toBe(3);
    expect(await importUsers(env, always, ids, NOW)).toBe(3);
    for (const id of ids)
      expect(await getUser(env, always, id, NOW)).toEqual({ ok: true, value: { id, active: true } });
  });

  it("makes users active under ACTIVE_WINDOW too, since they count as seen", async () => {
    await importUsers(env, windowed, ["imp-4"], NOW);
    expect(await getUser(env, windowed, "imp-4", NOW + HOUR)).toMatchObject({ value: { active: true } });
    expect(await getUser(env, windowed, "imp-4", NOW + HOUR + 1)).toMatchObject({ value: { active: false } });
  });

  it("writes one row for each user that it changes, and none for the others", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const roster = new RosterStore(tables);
      roster.put("a", false);
      rows();
      const ids = Array.from({ length: 500 }, (_, i) => `u${i}`);
      roster.import(["a", ...ids], undefined);
      expect(rows().written).toBe(501);
      roster.import(["a", ...ids], undefined);
      expect(rows().written).toBe(0);
      roster.import(ids, NOW);
      expect(rows().written).toBe(500);
      expect(roster.get("u1")).toEqual({ id: "u1", active: true, lastSeenAt: NOW });
      roster.import(ids, undefined);
      expect(roster.get("u1")).toEqual({ id: "u1", active: true, lastSeenAt: NOW });
    });
  });
});

describe("the list of users", () => {
  it("holds every user once, in order, while users come and go", async () => {
    const ids = Array.from({ length: 70 }, (_, i) => `list-${String(i * 7).padStart(4, "0")}`);
    await importUsers(env, always, ids, NOW);
    const gone = new Set<string>();
    const pages = await walk({ limit: 9 }, async (number) => {
      const id = `list-${String(number * 7 * 11).padStart(4, "0")}`;
      await deleteUser(env, id);
      gone.add(id);
      const added = `list-${String(number * 7 * 5 + 3).padStart(4, "0")}`;
      await putUser(env, always, { id: added, active: true }, NOW);
    });
    const seen = pages.flat();
    expect(seen).toEqual([...seen].sort(compareUtf8));
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of ids) if (!gone.has(id)) expect(seen).toContain(id);
  });

  it("sorts ids of any script the same in every shard and in the merge", async () => {
    const ids = ["😀", "！", "\uffff", "z", "日本", "émile", "%", "a b", "'; DROP TABLE user --"];
    await importUsers(env, always, ids, NOW);
    const seen = (await walk({ limit: 2 })).flat();
    expect(ids.filter((id) => !seen.includes(id))).toEqual([]);
    expect(seen).toEqual([...seen].sort(compareUtf8));
  });

  it("filters active users, or the others, by the window's rule", async () => {
    await importUsers(env, always, ["act-1", "act-2"], NOW);
    await putUser(env, always, { id: "act-3", active: false }, NOW);
    await seenUser(env, always, "act-2", NOW);
    const idsOf = async (active: boolean, deployment = always) => {
      const { items } = await answered(listUsers(env, deployment, { active, limit: 500 }, NOW));
      expect(items.every((user) => user.active === active)).toBe(true);
      return items.map(({ id }) => id).filter((id) => id.startsWith("act-"));
    };
    expect(await idsOf(true)).toEqual(["act-1", "act-2"]);
    expect(await idsOf(false)).toEqual(["act-3"]);
    expect(await idsOf(true, windowed)).toEqual(["act-2"]);
    expect(await idsOf(false, windowed)).toEqual(["act-1", "act-3"]);
  });

  it("refuses a cursor that is not its own", async () => {
    const answer = await listUsers(env, always, { limit: 10, cursor: "%%%" }, NOW);
    expect(answer).toMatchObject({ ok: false, error: { kind: "validation_failed", errors: [{ path: "cursor" }] } });
  });

  it("reads only the rows of its page, from any beginning", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const roster = new RosterStore(tables);
      roster.import(
        Array.from({ length: 20_000 }, (_, i) => `user-${i}`),
        undefined,
      );
      rows();
      const page = roster.list({ afterId: "user-15", limit: 1_000, active: true });
      expect(page.items).toHaveLength(1_000);
      expect(rows().read).toBeLessThanOrEqual(1_001);
    });
  });

  it("looks at a bounded number of users for a filter, and continues from there", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const roster = new RosterStore(tables);
      const ids = Array.from({ length: 10_000 }, (_, i) => `user-${String(i).padStart(5, "0")}`);
      roster.import(ids, undefined);
      const few = ["user-00003", "user-04000", "user-09999"];
      for (const id of few) roster.put(id, false);
      rows();
      const found: string[] = [];
      let afterId: string | undefined = "";
      for (let pages = 0; afterId !== undefined && pages < 10; pages++) {
        const page = roster.list({ afterId, limit: 10, active: false });
        expect(rows().read).toBeLessThanOrEqual(LOOKED_AT_ROWS + 1);
        found.push(...page.items.map(({ id }) => id));
        afterId = page.stoppedAt?.id;
      }
      expect([found, afterId]).toEqual([few, undefined]);
    });
  });

  it("finds all users of a fan-out even if most of the roster is inactive", async () => {
    const prefix = `z${crypto.randomUUID()}`;
    const ids = Array.from({ length: 3 }, (_, i) => `${prefix}-${i}`);
    const shards = new Set(ids.map((id) => shardOf(rosterKey(id), SHARD_COUNT)));
    for (const shard of shards) {
      await runInDurableObject(env.DIRECTORY.getByName(`shard-${shard}`), (_, { storage: { sql } }) => {
        sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
          INSERT INTO user (id, active) SELECT 'idle-' || i, 0 FROM n`);
      });
    }
    await importUsers(env, always, ids, NOW);
    const active = await walkActive(10);
    const listed = (await walk({ active: true, limit: 100 })).flat();
    for (const id of ids) expect([active.includes(id), listed.includes(id)]).toEqual([true, true]);
    expect(new Set(active).size).toBe(active.length);
    for (const shard of shards) {
      await runInDurableObject(env.DIRECTORY.getByName(`shard-${shard}`), (_, { storage: { sql } }) => {
        sql.exec("DELETE FROM user WHERE id LIKE 'idle-%'");
      });
    }
  });
});

describe("the users of a fan-out", () => {
  it("are all active users, each once, for any size of page", async () => {
    const { items } = await answered(listUsers(env, always, { active: true, limit: 1_000 }, NOW));
    const wanted = items.map(({ id }) => id).sort();
    expect(wanted.length).toBeGreaterThan(50);
    for (const limit of [1, 3, 10, 1_000]) expect((await walkActive(limit)).sort()).toEqual(wanted);
  });

  it("are those within the window at its beginning, if a window is set", async () => {
    await seenUser(env, windowed, "fan-1", NOW);
    await seenUser(env, windowed, "fan-2", NOW - 2 * HOUR);
    const ids = await walkActive(100, activeSince(windowed, NOW));
    expect(ids).toContain("fan-1");
    expect(ids).not.toContain("fan-2");
  });

  it("are counted over all shards", async () => {
    const { items } = await answered(listUsers(env, windowed, { limit: 1_000 }, NOW));
    const counted = await countUsers(env, windowed, NOW);
    expect(counted).toEqual({ total: items.length, active: items.filter(({ active }) => active).length });
  });
});

it("no shard holds far more users than another", () => {
  fc.assert(
    fc.property(fc.constantFrom("", "u", "user-", "https://idp.example/"), (prefix) => {
      const sizes = new Map<number, number>();
      for (let i = 0; i < 8_000; i++) {
        const shard = shardOf(rosterKey(`${prefix}${i}`), SHARD_COUNT);
        sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
      }
      expect(Math.max(...sizes.values()) / Math.min(...sizes.values())).toBeLessThan(1.5);
    }),
  );
});
