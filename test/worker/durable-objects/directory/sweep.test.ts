import { runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IndexStore } from "../../../../durable-objects/directory/index-store.ts";
import { ListStore } from "../../../../durable-objects/directory/list-store.ts";
import { NameStore } from "../../../../durable-objects/directory/name-store.ts";
import { SliceStore } from "../../../../durable-objects/directory/slice-store.ts";
import { sweepSlice } from "../../../../durable-objects/directory/sweep.ts";
import { Sweeper } from "../../../../durable-objects/directory/sweeper.ts";
import { reserveJob } from "../../../../src/directory/jobs-index.ts";
import { tickDirectory, tickStats } from "../../../../src/directory/tick.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import { isInSlice, SLICE_SIZE, SMALL_ENTRIES, SMALL_SLICES } from "../../../../src/domain/limits/sweep.ts";
import type { EntryKey } from "../../../../src/objects/directory.ts";
import type { CheckedIn } from "../../../../src/objects/job.ts";
import { CallBudget } from "../../../../src/outbound/call-budget.ts";
import { allShards, shardFor } from "../../bindings.ts";
import { answered, countRows, entry, env, freshJobId, freshShard, jobStub, makeJob } from "../../directory-fixture.ts";

/** The minutes in which every entry of a small shard has its turn once. */
const ROUND = Array.from({ length: SMALL_SLICES }, (_, minute) => minute);
const HOURLY_ROUND = Array.from({ length: 60 }, (_, minute) => minute);
const turnOf = (id: string): number => ROUND.find((minute) => isInSlice(id, minute, ROUND.length)) ?? -1;

const later = (ms: number): void => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
};
afterEach(() => {
  vi.useRealTimers();
});

describe("the sweep", () => {
  it("finds a job whose alarm the platform has given up, sets the alarm again, and counts the job", async () => {
    const job = await makeJob({ user_id: "sleeper" });
    const shard = shardFor("user:sleeper");
    const alarm = () => runInDurableObject(env.JOB.getByName(job.id), (_, { storage }) => storage.getAlarm());
    const due = await alarm();
    await runInDurableObject(env.JOB.getByName(job.id), (_, { storage }) => storage.deleteAlarm());

    expect(await shard.sweep(turnOf(job.id))).toEqual({ checked: 1, foundOverdue: 0, dropped: 0, failed: 0 });
    later(3_600_000 + 59_000);
    expect(await shard.sweep(turnOf(job.id))).toMatchObject({ checked: 1, foundOverdue: 0 });
    await runInDurableObject(env.JOB.getByName(job.id), (_, { storage }) => storage.deleteAlarm());
    later(2_000);
    expect(await shard.sweep(turnOf(job.id) + 1)).toMatchObject({ checked: 0 });
    expect(await alarm()).toBeNull();
    expect(await shard.sweep(turnOf(job.id))).toMatchObject({ checked: 1, foundOverdue: 1 });
    expect(await alarm()).toBe(due);
    expect(await tickStats(env)).toMatchObject({ checked: 1, foundOverdue: 1, overdue: 1 });
  });

  it("stays within the calls of its invocation, and leaves the rest to the next one", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      const jobs = Array.from({ length: 60 }, () => entry({}));
      for (const job of jobs) index.upsert(job, 1);
      const asked: string[] = [];
      const checkIn = async (id: string) => {
        asked.push(id);
        return { exists: true, overdueMs: 0 };
      };
      const slice = lists.list({ filter: {}, limit: 60 });
      const first = { ...sweepIo(tables, checkIn), budget: new CallBudget(40) };
      expect(await sweepSlice(slice, 0, first)).toMatchObject({ checked: 40, failed: 0 });
      expect(first.left).toHaveLength(20);
      const rest = slice.filter(({ id }) => first.left.includes(id));
      expect(await sweepSlice(rest, 1, sweepIo(tables, checkIn))).toMatchObject({ checked: 20 });
      expect(asked.sort()).toEqual(jobs.map(({ id }) => id).sort());
    });
  });

  it("stops asking when the platform refuses a call", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      for (let i = 0; i < 30; i++) index.upsert(entry({}), 1);
      let asked = 0;
      const io = sweepIo(tables, async () => {
        asked++;
        throw new Error("Too many subrequests by single Worker invocation.");
      });
      await sweepSlice(lists.list({ filter: {}, limit: 30 }), 0, io);
      expect(asked).toBeLessThanOrEqual(6);
    });
  });

  it("looks at every job of a shard once in a round, paused and finished ones too", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const slices = new SliceStore(tables);
      const jobs = Array.from({ length: 40 }, (_, i) =>
        entry({ state: (["active", "paused", "finished"] as const)[i % 3] ?? "active" }),
      );
      for (const job of jobs) index.upsert(job, 1);
      const asked: string[] = [];
      const io = sweepIo(tables, async (id) => {
        asked.push(id);
        return { exists: true, overdueMs: 0 };
      });
      for (const minute of ROUND) await sweepSlice(slices.next(minute), minute, io);
      expect(asked.sort()).toEqual(jobs.map(({ id }) => id).sort());
    });
  });

  it("writes nothing if nothing is wrong", async () => {
    await countRows(freshShard(), async (tables, rows) => {
      const index = new IndexStore(tables);
      const slices = new SliceStore(tables);
      for (let i = 0; i < 40; i++) index.upsert(entry(), 1);
      rows();
      const io = sweepIo(tables, async () => ({ exists: true, overdueMs: 0 }));
      for (const minute of ROUND) await sweepSlice(slices.next(minute), minute, io);
      expect(rows().written).toBe(0);
    });
  });

  it("asks at most six jobs at once, and is not stopped by one that cannot answer", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      const jobs = Array.from({ length: 30 }, () => entry());
      for (const job of jobs) index.upsert(job, 1);
      let open = 0;
      let most = 0;
      const io = sweepIo(tables, async (id) => {
        open++;
        most = Math.max(most, open);
        await Promise.resolve();
        open--;
        if (id === jobs[3]?.id) throw new Error("broken");
        return { exists: true, overdueMs: 0 };
      });
      const slice = lists.list({ filter: {}, limit: 100 });
      expect(await sweepSlice(slice, 0, io)).toEqual({ checked: 29, foundOverdue: 0, dropped: 0, failed: 1 });
      expect(most).toBe(6);
      expect(io.reported).toEqual([jobs[3]?.id]);
    });
  });
});

/** Numbers in [0, 1), the same for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe("the sweep of a shard with more jobs than an invocation has calls for", () => {
  it.each([400, 900, SMALL_ENTRIES + 100])("looks at all %i in turn, and piles nothing up", async (count) => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const jobs = Array.from({ length: count }, (_, n) => entry({ createdAt: n + 1 }));
      for (const job of jobs) index.upsert(job, 1);
      const asked = new Map<string, number>();
      const sweeper = new Sweeper(tables, () => ({
        ...sweepIo(tables, async (id) => {
          asked.set(id, (asked.get(id) ?? 0) + 1);
          return { exists: true, overdueMs: 0 };
        }),
        budget: new CallBudget(40),
      }));
      for (let minute = 0; minute < 120; minute++) expect((await sweeper.run(minute)).checked).toBeLessThanOrEqual(40);
      expect(asked.size).toBe(count);
      // What is due in a minute is looked at in that minute or soon after it.
      for (const job of jobs) index.remove(job);
      asked.clear();
      for (let minute = 120; minute < 180; minute++) await sweeper.run(minute);
      expect(asked.size).toBeLessThanOrEqual(SLICE_SIZE);
    });
  });
});

describe("the sweep of a shard with more than a thousand jobs", () => {
  it.each([1, 2, 3])(
    "walks it a slice a minute, and looks at each lasting job once a round while others come and go (%i)",
    async (seed) => {
      await countRows(freshShard(), (tables, rows) => {
        const random = numbers(seed);
        const index = new IndexStore(tables);
        const slices = new SliceStore(tables);
        // Imports make many jobs in one millisecond.
        const made = () => entry({ createdAt: Math.floor(random() * 400) });
        let jobs = Array.from({ length: SMALL_ENTRIES + 1 + Math.floor(random() * 300) }, made);
        for (const job of jobs) index.upsert(job, 1);
        const pick = () => jobs[Math.floor(random() * jobs.length)] ?? made();
        for (let round = 0, minute = 0; round < 2; round++) {
          const looked = new Map<string, number>();
          const staying = new Set(jobs.map(({ id }) => id));
          do {
            rows();
            for (const { id } of slices.next(minute++)) looked.set(id, (looked.get(id) ?? 0) + 1);
            const { read, written } = rows();
            expect(written).toBe(1);
            expect(read).toBeLessThanOrEqual(tables.sweepPlace === undefined ? SLICE_SIZE + 10 : SMALL_ENTRIES + 10);
            const gone = pick();
            index.remove(gone);
            staying.delete(gone.id);
            const come = made();
            index.upsert(come, 1);
            jobs = [...jobs.filter((job) => job !== gone), come];
          } while (tables.sweepPlace !== undefined);
          const times = [...staying].map((id) => looked.get(id));
          expect(new Set(times)).toEqual(new Set([1]));
        }
      });
    },
  );

  it("reads only its slice, continues after a restart, and writes nothing once the shard is small", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const slices = new SliceStore(tables);
      const jobs = Array.from({ length: SMALL_ENTRIES + 1 }, (_, n) => entry({ createdAt: 2_000 - n }));
      for (const job of jobs) index.upsert(job, 1);
      const ids = (from: number, to: number) => jobs.slice(from, to).map(({ id }) => id);
      expect(slices.next(0).map(({ id }) => id)).toEqual(ids(0, SLICE_SIZE));
      rows();
      const restarted = new IndexStore(tables);
      const restartedSlices = new SliceStore(tables);
      expect(restartedSlices.next(0).map(({ id }) => id)).toEqual(ids(SLICE_SIZE, 2 * SLICE_SIZE));
      expect(rows().read).toBeLessThanOrEqual(SLICE_SIZE + 5);
      for (const job of jobs.slice(0, 900)) restarted.remove(job);
      while (tables.sweepPlace !== undefined) restartedSlices.next(0);
      rows();
      const round = ROUND.flatMap((minute) => restartedSlices.next(minute).map(({ id }) => id));
      expect(round.sort()).toEqual(ids(900, jobs.length).sort());
      expect(rows().written).toBe(0);
    });
  });
});

describe("the tick", () => {
  it("reads only the all-users jobs of the index that may fire", async () => {
    await countRows(freshShard(), (tables, rows) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      for (let n = 0; n < 300; n++) index.upsert(entry(), 1);
      const fanning = [entry({ execScope: "all_users" }), entry({ execScope: "all_users" })];
      for (const job of fanning) index.upsert(job, 1);
      index.upsert(entry({ execScope: "all_users", state: "paused" }), 1);
      rows();
      expect(lists.activeAllUsers().sort()).toEqual(fanning.map(({ id }) => id).sort());
      expect(rows().read).toBe(2);
      rows();
      index.upsert(entry(), 1);
      // Itself, and the index of its owner.
      expect(rows().written).toBe(2);
    });
  });
});

describe("a place whose job never came", () => {
  it("is given up by the sweep after a minute, and no longer counts against the quota", async () => {
    const ghost = entry({ owner: "user:ghost", userId: "ghost" });
    const shard = shardFor(ghost.owner);
    await answered(reserveJob(env, ghost, { maxJobs: 1 }));
    expect(await shard.sweep(turnOf(ghost.id))).toMatchObject({ dropped: 0 });
    expect(await reserveJob(env, entry({ owner: "user:ghost" }), { maxJobs: 1 })).toMatchObject({ ok: false });
    later(61_000);
    expect(await shard.sweep(turnOf(ghost.id))).toMatchObject({ dropped: 1 });
    expect(await reserveJob(env, entry({ owner: "user:ghost" }), { maxJobs: 1 })).toMatchObject({ ok: true });
  });

  it("is kept if it was reserved again while the sweep was asking its job", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      const slices = new SliceStore(tables);
      const ghost = entry();
      const now = Date.now();
      index.reserve(ghost, { maxJobs: 10 }, now - 600_000);
      const io = sweepIo(tables, async () => {
        index.reserve(ghost, { maxJobs: 10 }, now);
        return { exists: false, overdueMs: 0 };
      });
      const slice = slices.next(turnOf(ghost.id));
      expect(await sweepSlice(slice, 0, io)).toMatchObject({ checked: 1, dropped: 0 });
      expect(lists.list({ filter: {}, limit: 10 })).toHaveLength(1);
    });
  });

  it("is given up beside the job that was made later under the same id for another owner", async () => {
    await countRows(freshShard(), async (tables) => {
      const index = new IndexStore(tables);
      const lists = new ListStore(tables);
      const [ghost, job] = [entry({ createdAt: 1_000 }), entry({ createdAt: 2_000 })];
      for (const place of [ghost, job]) index.reserve(place, { maxJobs: 10 }, 1);
      const io = sweepIo(tables, async () => ({ exists: true, overdueMs: 0, createdAt: 2_000 }));
      expect(await sweepSlice(lists.list({ filter: {}, limit: 10 }), 0, io)).toMatchObject({ dropped: 1 });
      expect(lists.list({ filter: {}, limit: 10 })).toMatchObject([{ id: job.id }]);
    });
  });

  it("is given up although its id is that of a job, which has another place", async () => {
    const job = await makeJob({ user_id: "mover" });
    const shard = shardFor("user:mover");
    const ghost = entry({ id: job.id, owner: "user:mover", createdAt: Date.parse(job.created_at) - 1 });
    await shard.upsert(ghost);
    later(61_000);
    expect(await shard.sweep(turnOf(job.id))).toMatchObject({ checked: 2, dropped: 1 });
    expect(await shard.list({ filter: {}, limit: 10 })).toMatchObject([{ createdAt: Date.parse(job.created_at) }]);
  });

  it("does not keep a reserved name either", async () => {
    const shard = freshShard();
    const [ghost, job] = [freshJobId(), (await makeJob()).id];
    await shard.reserveName("of a ghost", ghost);
    await shard.reserveName("of a job", job);
    for (const minute of HOURLY_ROUND) await shard.sweep(minute);
    expect(await shard.nameHolder("of a ghost")).toBe(ghost);
    later(61_000);
    for (const minute of HOURLY_ROUND) await shard.sweep(minute);
    expect(await shard.nameHolder("of a ghost")).toBeUndefined();
    expect(await shard.nameHolder("of a job")).toBe(job);
  });
});

describe("the tick", () => {
  it("names the active all-users jobs of every shard, and no others", async () => {
    const fields = { exec_scope: "all_users", schedule: { every: "1h" } };
    const ids = [];
    for (const agent_id of ["a", "b", "c", undefined]) ids.push((await makeJob({ ...fields, agent_id })).id);
    const paused = await makeJob({ ...fields, enabled: false });
    await makeJob({ user_id: "tick" });
    const { allUsers, unreachable } = await tickDirectory(env, 7);
    expect([...allUsers].sort()).toEqual([...ids].sort());
    expect(unreachable).toEqual([]);
    await answered(jobStub(paused.id).setEnabled(ADMIN, true));
    expect((await tickDirectory(env, 7)).allUsers).toContain(paused.id);
  });

  it("is remembered, so that its coming can be seen from outside", async () => {
    const before = Date.now();
    await tickDirectory(env, 7);
    expect((await tickStats(env)).lastTickAt).toBeGreaterThanOrEqual(before);
  });

  it("has every shard sweep, without waiting for it", async () => {
    const ghost = entry({ owner: "user:tick-ghost" });
    await answered(reserveJob(env, ghost, { maxJobs: 10 }));
    later(61_000);
    await tickDirectory(env, turnOf(ghost.id));
    const listed = () => shardFor(ghost.owner).list({ filter: {}, limit: 100 });
    await vi.waitFor(async () => expect((await listed()).map(({ id }) => id)).not.toContain(ghost.id));
    const stats = await Promise.all(allShards().map((shard) => shard.sweepStats()));
    expect(stats.every(({ last }) => last !== undefined)).toBe(true);
  });
});

/** The sweep on these tables, asking jobs through `checkIn`; `reported` are those that it says could not answer. */
function sweepIo(tables: ConstructorParameters<typeof IndexStore>[0], checkIn: (id: string) => Promise<CheckedIn>) {
  const reported: string[] = [];
  const left: string[] = [];
  const index = new IndexStore(tables);
  return {
    index,
    giveUp: (place: EntryKey) => void index.remove(place),
    names: new NameStore(tables),
    checkIn,
    now: () => Date.now(),
    report: (_message: string, jobId: string) => {
      reported.push(jobId);
    },
    overdue: () => {},
    budget: new CallBudget(1_000),
    left,
    leave: ({ id }: { readonly id: string }) => void left.push(id),
    reported,
  };
}
