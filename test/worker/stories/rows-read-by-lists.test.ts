/**
 * The rows that lists read (docs/token-costs.md). A page by an index reads only its own rows, beside 100,000 rows of others.
 * A filter without an index reads a bounded number of rows, and its cursor reaches every matching row.
 */
import { describe, expect, it } from "vitest";
import { AuditStore } from "../../../durable-objects/directory/audit-store.ts";
import { EventStore } from "../../../durable-objects/directory/event-store.ts";
import { IndexStore } from "../../../durable-objects/directory/index-store.ts";
import { ListStore } from "../../../durable-objects/directory/list-store.ts";
import type { ShardTables } from "../../../durable-objects/directory/shard-tables.ts";
import { TokenStore } from "../../../durable-objects/directory/token-store.ts";
import type { AuditEntry } from "../../../src/domain/audit.ts";
import type { EventFilter } from "../../../src/domain/event/event-filter.ts";
import type { ReportedEvent } from "../../../src/domain/event/report.ts";
import type { IndexEntry } from "../../../src/domain/job/index-entry.ts";
import type { JobFilter } from "../../../src/domain/job/job-filter.ts";
import type { Found } from "../../../src/domain/page.ts";
import type { EventKey } from "../../../src/objects/events.ts";
import { LOOKED_AT_ROWS } from "../../../src/schema/limits.ts";
import type { CountedRows } from "../counted-sql.ts";
import { countRows, entry, freshShard } from "../directory-fixture.ts";

const OTHERS = 100_000;
const LIMIT = 11;
/** Each row of a page is read in the index and in the table, and that of an event once more, by its number. */
const A_PAGE = 6 * LIMIT;

const many = (insert: string) =>
  `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${OTHERS}) ${insert} FROM n`;

/** Every matching item, page by page, with the rows that the first and the costliest page have read. */
function walk<T, K>(page: (place: K | undefined) => Found<T, K>, keyOf: (item: T) => K, rows: () => CountedRows) {
  const items: T[] = [];
  const reads: number[] = [];
  let place: K | undefined;
  rows();
  for (let pages = 0; pages < 200; pages++) {
    const found = page(place);
    reads.push(rows().read);
    items.push(...found.items);
    const last = found.items.at(-1);
    place = found.items.length === LIMIT && last !== undefined ? keyOf(last) : found.stoppedAt;
    if (place === undefined) break;
  }
  return { items, first: reads[0] ?? 0, most: Math.max(...reads) };
}

describe("jobs", () => {
  const FEW: readonly [what: string, few: Partial<IndexEntry>, query: { filter: JobFilter; owners?: string[] }][] = [
    ["of an owner", { owner: "user:few" }, { filter: {}, owners: ["user:few"] }],
    ["of an agent", { agentId: "few" }, { filter: { agent_id: "few" } }],
    [
      "of a user among the system's",
      { owner: "system", userId: "few" },
      { filter: { user_id: "few" }, owners: ["system"] },
    ],
    ["that are paused", { state: "paused", enabled: false }, { filter: { states: ["paused"] } }],
    ["that are finished", { state: "finished" }, { filter: { states: ["finished"] } }],
    ["that rest", { state: "finished" }, { filter: { states: ["paused", "finished"] } }],
    ["that fail", {}, { filter: { health: "failing" } }],
    ["that are overdue", {}, { filter: { health: "overdue" } }],
  ];
  const LOOKED_FOR: readonly [what: string, few: Partial<IndexEntry>, filter: JobFilter][] = [
    ["with a label", { labels: { team: "few" } }, { labels: [["team", "few"]] }],
    ["by name", { name: "few" }, { name: "few" }],
    ["by part of a name", { name: "the few" }, { q: "few" }],
    ["of a plugin, by nobody in particular", { pluginId: "few" }, { plugin_id: "few" }],
  ];

  const fill = (tables: ShardTables, few: Partial<IndexEntry>, filter: JobFilter): [IndexStore, string[]] => {
    const index = new IndexStore(tables);
    index.upsert(entry({ owner: "user:first" }), 1);
    const made = Array.from({ length: 15 }, () => entry({ owner: "user:few", ...few }));
    for (const job of made) index.upsert(job, 1);
    tables.sql.exec(
      many(`INSERT INTO job (created_at, id, owner, version, name, name_folded, owner_kind, exec_scope, agent_id, enabled, state, reserved_at)
        SELECT 2000000 + i, 'j' || i, CASE WHEN i % 9 = 0 THEN 'system' ELSE 'user:' || (i % 5000) END, 1, 'n', 'n', 'user', 'user', 'many', 1, 'active', 1`),
    );
    for (const job of made) {
      if (filter.health === "failing") index.setHealth(job, { failing: true });
      if (filter.health === "overdue") index.setHealth(job, { overdue: true });
    }
    return [index, made.toReversed().map(({ id }) => id)];
  };

  it.each(FEW)("%s: a page reads only its own rows", async (_what, few, query) => {
    await countRows(freshShard(), (tables, rows) => {
      const [, ids] = fill(tables, few, query.filter);
      const walked = walk(
        (after?: IndexEntryKey) => new ListStore(tables).page({ ...query, limit: LIMIT, after }),
        (item) => item,
        rows,
      );
      expect(walked.items.map(({ id }) => id)).toEqual(ids);
      expect(walked.most).toBeLessThanOrEqual(A_PAGE);
    });
  });

  it.each(LOOKED_FOR)(
    "%s: a page reads a bounded number of rows, and the cursor reaches every match",
    async (_what, few, filter) => {
      await countRows(freshShard(), (tables, rows) => {
        const [, ids] = fill(tables, few, filter);
        const walked = walk(
          (after?: IndexEntryKey) => new ListStore(tables).page({ filter, limit: LIMIT, after }),
          (item) => item,
          rows,
        );
        expect(walked.items.map(({ id }) => id)).toEqual(ids);
        // A label is read from the job's JSON, in one more row for each job with labels.
        expect(walked.most).toBeLessThanOrEqual(LOOKED_AT_ROWS + A_PAGE);
      });
    },
  );

  it("are counted once after a wake, without reading rows again", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const [index] = fill(tables, { state: "finished" }, {});
      const before = index.counts();
      expect(rows().read).toBeGreaterThanOrEqual(OTHERS);
      const job = entry();
      index.upsert(job, 1);
      index.upsert({ ...job, version: 2, state: "paused" }, 1);
      index.remove(entry({ id: "none" }));
      rows();
      const after = index.counts();
      new ListStore(tables).countOverdue();
      expect(rows().read).toBeLessThanOrEqual(1);
      const of = (counts: typeof before, state: string) => counts.filter((one) => one.state === state);
      expect(of(after, "paused")).toEqual([{ state: "paused", execScope: "user", count: 1 }]);
      expect(of(after, "active")).toEqual(of(before, "active"));
      expect([...after].sort(byText)).toEqual(new IndexStore(tables).counts().sort(byText));
    });
  });
});

type IndexEntryKey = Pick<IndexEntry, "createdAt" | "id">;
const byText = (a: object, b: object) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1);

describe("events", () => {
  const event = (n: number, ids: Partial<IndexEntry>, fields: Partial<ReportedEvent> = {}): ReportedEvent => ({
    id: `few${n}`,
    type: "run.failed",
    at: 1_000 + n,
    message: "m",
    job: entry({ userId: undefined, ...ids, id: ids.id ?? "other" }),
    run: undefined,
    ...fields,
  });
  const fill = (tables: ShardTables, few: readonly ReportedEvent[]): EventStore => {
    const events = new EventStore(tables);
    tables.prepare();
    events.add(few);
    tables.sql.exec(
      many(`INSERT INTO event (id, at, type, hidden, message, job_id, agent_id, user_id, exec_scope, run_status)
        SELECT 'e' || i, 10000 + i, 'run.failed', 0, 'm', 'j' || (i % 999), 'many', 'u' || (i % 999), 'user', 'error'`),
    );
    return events;
  };
  const BY: readonly [what: string, ids: Partial<IndexEntry>, filter: EventFilter][] = [
    ["of a job", { id: "few" }, { job_id: "few" }],
    ["of an agent", { agentId: "few" }, { agent_id: "few", withoutUserRuns: true }],
    ["of a user", { userId: "few" }, { user_id: "few" }],
    ["of a plugin", { pluginId: "few" }, { plugin_id: "few" }],
    ["of a job until a time", { id: "few" }, { job_id: "few", until: 5_000 }],
    ["of a user of an agent", { agentId: "many", userId: "few" }, { agent_id: "many", user_id: "few" }],
  ];
  const ids = Array.from({ length: 15 }, (_, n) => `few${n}`);

  it.each(BY)("%s: a page reads only its own rows", async (_what, of, filter) => {
    await countRows(freshShard(), (tables, rows) => {
      const events = fill(
        tables,
        ids.map((_, n) => event(n, of)),
      );
      const walked = walk(
        (before?: EventKey) => events.list({ filter, limit: LIMIT, before }),
        ({ at, id }) => ({ at, id }),
        rows,
      );
      expect(walked.items.map(({ id }) => id)).toEqual(ids.toReversed());
      expect(walked.most).toBeLessThanOrEqual(A_PAGE);
    });
  });

  it("of a type, and runs of a status: a page reads a bounded number of rows, and the cursor reaches every match", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const events = fill(
        tables,
        ids.map((_, n) => event(n, {}, { type: "job.paused" })),
      );
      const filter: EventFilter = { types: ["job.paused"] };
      const walked = walk(
        (before?: EventKey) => events.list({ filter, limit: LIMIT, before }),
        ({ at, id }) => ({ at, id }),
        rows,
      );
      expect(walked.items.map(({ id }) => id)).toEqual(ids.toReversed());
      expect(walked.most).toBeLessThanOrEqual(2 * LOOKED_AT_ROWS + A_PAGE);
      const none: EventFilter = { runs: { status: "success", ofAllUsers: true } };
      rows();
      expect(events.list({ filter: none, limit: LIMIT }).stoppedAt).toBeDefined();
      expect(rows().read).toBeLessThanOrEqual(2 * LOOKED_AT_ROWS);
    });
  });

  it("in the order of their numbers: a poll reads a bounded number of rows, and the next one goes on from there", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const events = fill(tables, []);
      events.add([event(1, { agentId: "few" })]);
      rows();
      let seq = 0;
      const found: string[] = [];
      for (let polls = 0; polls < 60; polls++) {
        const { items, stoppedAt } = events.after(seq, { agent_id: "few" }, LIMIT);
        expect(rows().read).toBeLessThanOrEqual(LOOKED_AT_ROWS + A_PAGE);
        found.push(...items.map(({ id }) => id));
        if (stoppedAt === undefined) break;
        seq = stoppedAt;
      }
      expect(found).toEqual(["few1"]);
    });
  });
});

it("the audit trail: a page reads a bounded number of rows, and the cursor reaches every match", async () => {
  await countRows(freshShard(), (tables, rows) => {
    const audit = new AuditStore(tables);
    const few = Array.from({ length: 15 }, (_, n) => `few${n}`);
    const add = (id: string, at: number, fields: Partial<AuditEntry>) =>
      audit.add({ id, at, actor: "admin", action: "job.update", target: "t", ...fields });
    for (const [n, id] of few.entries()) add(id, 1_000 + n, { jobId: "few", actor: "agent:few", action: "job.pause" });
    tables.sql.exec(
      many(
        `INSERT INTO audit (at, id, actor, action, target, job_id) SELECT 10000 + i, 'e' || i, 'admin', 'job.update', 't', 'j' || i`,
      ),
    );
    const range = { since: 0, until: Number.MAX_SAFE_INTEGER };
    for (const filter of [{ jobId: "few" }, { actor: "agent:few" }, { action: "job.pause" }]) {
      const page = (before?: { at: number; id: string }) => audit.list({ ...range, ...filter, limit: LIMIT, before });
      const walked = walk(page, ({ at, id }) => ({ at, id }), rows);
      expect(walked.items.map(({ id }) => id)).toEqual(few.toReversed());
      expect(walked.most).toBeLessThanOrEqual(LOOKED_AT_ROWS + A_PAGE);
    }
    rows();
    expect(audit.list({ ...range, limit: LIMIT }).items).toHaveLength(LIMIT);
    expect(rows().read).toBeLessThanOrEqual(LIMIT + 1);
    expect(audit.list({ since: 1_003, until: 1_005, limit: LIMIT }).items.map(({ at }) => at)).toEqual([
      1_005, 1_004, 1_003,
    ]);
  });
});

it("the audit trail of a full shard drops its oldest entry for each new one", async () => {
  await countRows(freshShard(), (tables) => {
    const entryAt = (at: number): AuditEntry => ({
      id: `a${at}`,
      at,
      actor: "admin",
      action: "job.update",
      target: "t",
    });
    for (const at of [1, 2, 3]) new AuditStore(tables).add(entryAt(at));
    const full = new AuditStore(tables, 1);
    full.add(entryAt(4));
    const all = full.list({ since: 0, until: 9, limit: LIMIT }).items;
    expect(all.map(({ at }) => at)).toEqual([4, 3, 2]);
  });
});

it("tokens: a page reads only its own rows, and revoked tokens have an index", async () => {
  await countRows(freshShard(), (tables, rows) => {
    const tokens = new TokenStore(tables);
    const token = { id: "a", role: "viewer", access: "read", createdAt: 1, expiresAt: 9e12 } as const;
    tokens.put(token, 1);
    tables.sql.exec(
      many(
        `INSERT INTO token (id, role, access, created_at, expires_at) SELECT 't' || i, 'viewer', 'read', 1, 9000000000000`,
      ),
    );
    rows();
    expect(tokens.list({ limit: LIMIT, now: 2 })).toHaveLength(LIMIT);
    expect(rows().read).toBeLessThanOrEqual(LIMIT + 1);
    tokens.revoke("t7", 5);
    rows();
    expect(tokens.revokedSince(0, 6)).toEqual({ ids: ["t7"], upTo: 5 });
    expect(rows().read).toBeLessThanOrEqual(3);
  });
});
