import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { IndexStore } from "../../../../durable-objects/directory/index-store.ts";
import { ListStore } from "../../../../durable-objects/directory/list-store.ts";
import { ShardTables } from "../../../../durable-objects/directory/shard-tables.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import type { IndexEntry } from "../../../../src/domain/job/index-entry.ts";
import { type JobFilter, matchesFilter } from "../../../../src/domain/job/job-filter.ts";
import type { Job } from "../../../../src/schema/job.ts";
import { countRows, entry, freshShard } from "../../directory-fixture.ts";

const ALL_STATES = ["active", "paused", "finished"] as const;
const idsOf = (entries: readonly { readonly id: string }[]) => entries.map(({ id }) => id);
const list = (shard: ReturnType<typeof freshShard>, filter: JobFilter = {}, limit = 100) =>
  shard.list({ filter, limit });

describe("a place in the index", () => {
  it("costs two rows written, itself and the index of its owner, and no look at other jobs' rows", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      index.reserve(entry(), { maxJobs: 1_000 }, 1);
      rows();
      for (let i = 0; i < 200; i++) index.reserve(entry(), { maxJobs: 1_000 }, 1);
      expect(rows()).toEqual({ written: 400, read: 0 });
    });
  });

  it("is found again under its id, with its creation time, one entry and one count in the quota", async () => {
    const shard = freshShard();
    const first = entry({ createdAt: 1_000, name: "first" });
    expect(await shard.reserve(first, { maxJobs: 1 })).toMatchObject({
      ok: true,
      value: { createdAt: 1_000, repeated: false },
    });
    for (const memory of ["kept", "lost"]) {
      if (memory === "lost") await evictDurableObject(shard);
      const again = await shard.reserve({ ...first, createdAt: 2_000, name: "second" }, { maxJobs: 1 });
      expect(again).toMatchObject({ ok: true, value: { createdAt: 1_000, repeated: true } });
    }
    expect(await list(shard)).toMatchObject([{ id: first.id, createdAt: 1_000 }]);
    expect(await list(shard, { name: "first" })).toHaveLength(1);
  });

  it("is refused if the owner has its most unfinished jobs", async () => {
    const shard = freshShard();
    const [one, two] = [entry(), entry()];
    await shard.reserve(one, { maxJobs: 2 });
    await shard.reserve(two, { maxJobs: 2 });
    const refused = { ok: false, error: { kind: "quota_exceeded", of: "jobs", owner: "user:1", limit: 2, used: 2 } };
    expect(await shard.reserve(entry(), { maxJobs: 2 })).toEqual(refused);
    expect(await shard.reserve(entry({ owner: "user:2" }), { maxJobs: 2 })).toMatchObject({ ok: true });

    await shard.upsert({ ...one, version: 2, state: "finished" });
    await evictDurableObject(shard);
    const three = entry();
    expect(await shard.reserve(three, { maxJobs: 2 })).toMatchObject({ ok: true });
    expect(await shard.reserve(entry(), { maxJobs: 2 })).toEqual(refused);

    await shard.remove(two);
    expect(await shard.reserve(entry(), { maxJobs: 2 })).toMatchObject({ ok: true });
    await shard.upsert({ ...three, version: 2, owner: "user:1", state: "finished" });
    await shard.upsert({ ...three, version: 3, state: "active" });
    expect(await shard.reserve(entry(), { maxJobs: 2 })).toEqual(refused);
  });

  it("is refused under the name of a system job, except to system jobs", async () => {
    const shard = freshShard();
    await shard.reserveName("daily-report", "jsystem");
    expect(await shard.reserve(entry({ name: "daily-report" }), { maxJobs: 10 })).toEqual({
      ok: false,
      error: { kind: "name_reserved", name: "daily-report" },
    });
    const system = entry({ name: "daily-report", ownerKind: "system", owner: "system", execScope: "system" });
    expect(await shard.reserve(system, { maxJobs: 10 })).toMatchObject({ ok: true });

    expect(await shard.reserveName("daily-report", "jother")).toMatchObject({ ok: false });
    await shard.releaseName("daily-report", "jother");
    expect(await shard.nameHolder("daily-report")).toBe("jsystem");
    await shard.releaseName("daily-report", "jsystem");
    expect(await shard.reserve(entry({ name: "daily-report" }), { maxJobs: 10 })).toMatchObject({ ok: true });
  });
});

describe("an entry", () => {
  it("that will count for an owner again is refused and unchanged if the owner is full; otherwise it costs one row", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const [job, done] = [entry({ owner: "user:1" }), entry({ owner: "user:2", userId: "2", state: "finished" })];
      for (const each of [job, done]) index.upsert(each, 1);
      rows();
      const revived = { ...done, state: "active" } as const;
      expect(index.claim({ ...job, owner: "user:2" }, { maxJobs: 0 }, 2)).toMatchObject({
        error: { kind: "quota_exceeded", owner: "user:2" },
      });
      expect(index.claim(revived, { maxJobs: 0 }, 2)).toMatchObject({ ok: false });
      expect(rows().written).toBe(0);
      expect(index.claim(revived, { maxJobs: 1 }, 2)).toEqual({ ok: true, value: null });
      expect(rows().written).toBe(1);
      expect(index.claim(revived, { maxJobs: 1 }, 2)).toMatchObject({ ok: true });
      expect(index.claim({ ...job, owner: "user:2" }, { maxJobs: 1 }, 2)).toMatchObject({ ok: false });
      expect(index.reserve(entry({ owner: "user:1" }), { maxJobs: 1 }, 2)).toMatchObject({ ok: false });
      expect(index.claim({ ...job, owner: "user:2" }, { maxJobs: 2 }, 2)).toMatchObject({ ok: true });
      expect(index.reserve(entry({ owner: "user:1" }), { maxJobs: 1 }, 2)).toMatchObject({ ok: true });
    });
  });

  it("stores a change in one row, and ignores one that comes too late", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      const job = entry();
      index.reserve(job, { maxJobs: 10 }, 1);
      rows();
      index.upsert({ ...job, version: 3, name: "third" }, 2);
      expect(rows().written).toBe(1);
      index.upsert({ ...job, version: 2, name: "second" }, 3);
      expect(rows().written).toBe(0);
      expect(idsOf(lists.list({ filter: { name: "third" }, limit: 10 }))).toEqual([job.id]);
    });
  });

  it("is gone after its removal, which may be repeated", async () => {
    const shard = freshShard();
    const job = entry();
    await shard.reserve(job, { maxJobs: 10 });
    await shard.remove(job);
    await shard.remove(job);
    expect(await list(shard)).toEqual([]);
    expect(await shard.counts()).toEqual([]);
  });

  it("is counted by state and scope", async () => {
    const shard = freshShard();
    await shard.upsert(entry());
    await shard.upsert(entry());
    await shard.upsert(entry({ state: "paused", enabled: false, execScope: "system" }));
    expect(await shard.counts()).toEqual([
      { state: "active", execScope: "user", count: 2 },
      { state: "paused", execScope: "system", count: 1 },
    ]);
  });
});

describe("a list", () => {
  it("is sorted newest first, and by id for jobs of the same age", async () => {
    const shard = freshShard();
    const jobs = [entry({ createdAt: 1, id: "a" }), entry({ createdAt: 2, id: "b" }), entry({ createdAt: 2, id: "c" })];
    for (const job of jobs) await shard.reserve(job, { maxJobs: 10 });
    expect(idsOf(await list(shard))).toEqual(["c", "b", "a"]);
    expect(idsOf(await list(shard, {}, 2))).toEqual(["c", "b"]);
    expect(idsOf(await shard.list({ filter: {}, limit: 2, after: { createdAt: 2, id: "b" } }))).toEqual(["a"]);
  });

  it("has exactly the jobs that match the filter, for any jobs and any filter", async () => {
    const text = fc.constantFrom("a", "B", "ab", 'quote"d', "back\\slash", "Émile", "e\u0301mile", "%", "_", "日本");
    const id = fc.constantFrom("1", "2", "anna");
    const anyEntry = fc.record({
      name: text,
      ownerKind: fc.constantFrom("user" as const, "plugin" as const, "system" as const),
      execScope: fc.constantFrom("system" as const, "user" as const, "all_users" as const),
      agentId: fc.option(id, { nil: undefined }),
      userId: fc.option(id, { nil: undefined }),
      pluginId: fc.option(id, { nil: undefined }),
      enabled: fc.boolean(),
      state: fc.constantFrom(...ALL_STATES),
      labels: fc.dictionary(text, text, { maxKeys: 3 }),
    });
    const anyFilter = fc.record(
      {
        owner_kind: fc.constantFrom("user" as const, "plugin" as const, "system" as const),
        exec_scope: fc.constantFrom("system" as const, "user" as const, "all_users" as const),
        agent_id: id,
        user_id: id,
        plugin_id: id,
        name: text,
        enabled: fc.boolean(),
        q: text,
        labels: fc.array(fc.tuple(text, text), { maxLength: 2 }),
        states: fc.uniqueArray(fc.constantFrom(...ALL_STATES)),
      },
      { requiredKeys: [] },
    );
    await countRows(freshShard(), (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      fc.assert(
        fc.property(
          fc.array(anyEntry, { maxLength: 12 }),
          fc.array(anyFilter, { maxLength: 6 }),
          (entries, filters) => {
            const jobs = entries.map((fields) => entry(fields));
            for (const job of jobs) index.upsert(job, 1);
            for (const filter of filters) {
              const found = lists.list({ filter, limit: 100 });
              const wanted = jobs.filter((job) => matchesFilter(asJob(job), filter, ADMIN));
              expect(idsOf(found).sort()).toEqual(idsOf(wanted).sort());
            }
            for (const job of jobs) index.remove(job);
          },
        ),
        { numRuns: 150 },
      );
    });
  });

  it("finds a part of a name in upper or lower case, and has no wildcards", async () => {
    const shard = freshShard();
    await shard.upsert(entry({ id: "a", name: "Überweisung PRÜFEN 100%" }));
    await shard.upsert(entry({ id: "b", name: "pay 1000" }));
    expect(idsOf(await list(shard, { q: "überWEISUNG prü" }))).toEqual(["a"]);
    expect(idsOf(await list(shard, { q: "100%" }))).toEqual(["a"]);
    expect(idsOf(await list(shard, { q: "1_0" }))).toEqual([]);
  });

  it("of 50 among 10,000 jobs reads only the rows it shows, and stays fast if few jobs match", async () => {
    const { read, bestMs } = await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      for (let i = 0; i < 10_000; i++) {
        const user = String(i % 31);
        index.upsert(entry({ owner: `user:${user}`, userId: user, labels: { n: String(i % 997), team: "green" } }), 1);
      }
      rows();
      lists.list({ filter: {}, limit: 51 });
      const { read } = rows();
      const filters: JobFilter[] = [{ user_id: "7" }, { q: "nothing has this" }, { labels: [["n", "none"]] }];
      // The best of three: other tests have the machine too.
      const times = [1, 2, 3].map(() => {
        const startedAt = performance.now();
        for (const filter of filters) lists.list({ filter, limit: 51 });
        return performance.now() - startedAt;
      });
      return { read, bestMs: Math.min(...times) };
    });
    expect(read).toBeLessThanOrEqual(60);
    expect(bestMs).toBeLessThan(150);
  });
});

describe("a shard", () => {
  it("answers every question without creating tables, until something is written", async () => {
    const shard = freshShard();
    expect(await list(shard)).toEqual([]);
    expect(await shard.counts()).toEqual([]);
    expect(await shard.getUser("1")).toMatchObject({ ok: false });
    expect(await shard.deleteUser("1")).toMatchObject({ ok: false });
    expect(await shard.listUsers({ afterId: "", limit: 10 })).toEqual({ items: [] });
    expect(await shard.countUsers()).toEqual({ total: 0, active: 0 });
    expect(await shard.findAgent("a")).toBeUndefined();
    expect(await shard.deleteAgent("a")).toMatchObject({ ok: false });
    expect(await shard.listHeartbeats()).toEqual([]);
    expect(await shard.knowsId("x")).toBe(false);
    expect(await shard.nameHolder("x")).toBeUndefined();
    expect(await shard.sweepStats()).toEqual({ foundOverdue: 0, overdue: 0, stoodIn: 0 });
    await shard.remove({ id: "x", createdAt: 1 });
    await shard.releaseName("x", "y");
    await shard.forgetId("x");
    await shard.removeHeartbeat("x");
    expect(await shard.sweep(1)).toEqual({ checked: 0, foundOverdue: 0, dropped: 0, failed: 0 });
    const tables = await runInDurableObject(shard, (_, { storage }) => [
      ...storage.sql.exec("SELECT name FROM sqlite_master WHERE name NOT LIKE '\\_cf%' ESCAPE '\\'"),
    ]);
    expect(tables).toEqual([]);
  });

  it("created under another number of shards refuses to work, and says why", async () => {
    await runInDurableObject(freshShard(), (_, { storage }) => {
      new ShardTables(storage.sql, 8).prepare();
      expect(new ShardTables(storage.sql, 8).present).toBe(true);
      const index = new IndexStore(new ShardTables(storage.sql, 16));
      const lists = new ListStore(new ShardTables(storage.sql, 16));
      const refusal = /made as one of 8; now there are to be 16/;
      expect(() => lists.list({ filter: {}, limit: 1 })).toThrow(refusal);
      expect(() => index.reserve(entry(), { maxJobs: 10 }, 1)).toThrow(refusal);
    });
  });
});

describe("two requests at once", () => {
  it("get one place for one id", async () => {
    const shard = freshShard();
    const job = entry();
    const places = await Promise.all(
      [1, 2, 3].map((createdAt) => shard.reserve({ ...job, createdAt }, { maxJobs: 10 })),
    );
    expect(places.filter((place) => place.ok && !place.value.repeated)).toHaveLength(1);
    expect(new Set(places.map((place) => place.ok && place.value.createdAt)).size).toBe(1);
    expect(await list(shard)).toHaveLength(1);
  });
});

/** The job that an entry stands for, as far as filters look at it. */
const asJob = (of: IndexEntry): Job => ({
  id: of.id,
  name: of.name,
  owner_kind: of.ownerKind,
  exec_scope: of.execScope,
  agent_id: of.agentId,
  user_id: of.userId,
  plugin_id: of.pluginId,
  enabled: of.enabled,
  state: of.state,
  labels: { ...of.labels },
  schedule: { every: "1h" },
  session_mode: "reuse",
  overlap: "skip",
  retry: { max_attempts: 3, min_backoff: "5s", max_backoff: "10m" },
  timeout: "5m",
  completion_timeout: "1h",
  claim_timeout: "24h",
  catchup_window: "24h",
  report: "problems",
  health: "ok",
  created_at: "",
  updated_at: "",
  run_count: 0,
  consecutive_failures: 0,
  spent: { today: { runs: 0, usd: 0, tokens: 0 }, total: { runs: 0, usd: 0, tokens: 0 } },
  etag: "",
});

describe("a list beside 100,000 jobs of others", () => {
  it.each([
    ["an owner", { owners: ["user:few"], filter: {} }],
    ["an agent", { filter: { agent_id: "few" } }],
  ])("of %s reads its page, not the shard", async (_what, query) => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      index.upsert(entry(), 1);
      tables.sql.exec(`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)
        INSERT INTO job (created_at, id, owner, version, name, name_folded, owner_kind, exec_scope, agent_id, enabled, state, reserved_at)
        SELECT 2000000 + i, 'j' || i, 'user:' || (i % 5000), 1, 'n', 'n', 'user', 'user', 'many', 1, 'active', 1 FROM n`);
      const few = Array.from({ length: 30 }, () => entry({ owner: "user:few", userId: "few", agentId: "few" }));
      for (const job of few) index.upsert(job, 1);
      rows();
      const page = lists.list({ ...query, limit: 11 });
      expect(page.map(({ id }) => id)).toEqual(
        few
          .toReversed()
          .slice(0, 11)
          .map(({ id }) => id),
      );
      const after = page[9];
      expect(lists.list({ ...query, limit: 11, after }).map(({ id }) => id)).toHaveLength(11);
      // Two pages of eleven: each entry is met in the index and in the table.
      expect(rows().read).toBeLessThanOrEqual(60);
      index.reserve(entry({ owner: "user:few" }), { maxJobs: 1_000 }, 1);
      expect(rows().read).toBeLessThanOrEqual(100);
    });
  });

  it("of two owners in one shard is one list, newest first", async () => {
    const shard = freshShard();
    const jobs = Array.from({ length: 9 }, (_, i) => entry({ owner: i % 2 === 0 ? "user:a" : "system" }));
    for (const job of jobs) await shard.upsert(job);
    const page = await shard.list({ filter: {}, owners: ["user:a", "system"], limit: 5 });
    expect(page.map(({ id }) => id)).toEqual(
      jobs
        .toReversed()
        .slice(0, 5)
        .map(({ id }) => id),
    );
  });
});
