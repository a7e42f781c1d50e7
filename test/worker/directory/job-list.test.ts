import { afterEach, describe, expect, it, vi } from "vitest";
import { listJobs } from "../../../src/directory/job-list.ts";
import { countJobs, removeFromIndex, reserveJob, updateIndex } from "../../../src/directory/jobs-index.ts";
import { SHARD_COUNT, shardOf } from "../../../src/domain/directory-shard.ts";
import { ADMIN, type Caller } from "../../../src/domain/job/access.ts";
import type { JobFilter } from "../../../src/domain/job/job-filter.ts";
import { shardFor } from "../bindings.ts";
import { answered, entry, env, freshJobId, jobStub, makeJob } from "../directory-fixture.ts";

let tenant = 0;
/** Ids for this test only, so that tests of one file do not see each other's jobs. */
const fresh = (kind: string): string => `${kind}-${tenant++}`;

const page = (caller: Caller, filter: JobFilter = {}, limit = 50, cursor?: string) =>
  answered(listJobs(env, caller, { filter, limit, cursor, now: Date.now() }));

const namesFor = async (caller: Caller, filter: JobFilter = {}): Promise<string[]> =>
  (await page(caller, filter)).items.map(({ name }) => name).sort();

/** All pages in order. `between` runs after each. */
async function walk(
  caller: Caller,
  filter: JobFilter,
  limit: number,
  between: (page: number) => Promise<void> = async () => {},
) {
  const pages: string[][] = [];
  let cursor: string | undefined;
  do {
    const answer = await page(caller, filter, limit, cursor);
    pages.push(answer.items.map(({ id }) => id));
    cursor = answer.next_cursor;
    await between(pages.length);
  } while (cursor !== undefined);
  return pages;
}

const later = (ms: number): void => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + ms });
};
afterEach(() => {
  vi.useRealTimers();
});

describe("visibility of jobs", () => {
  it("a token lists exactly the jobs that match every id it carries, with any owner", async () => {
    const [agent, otherAgent, user, plugin] = [fresh("agent"), fresh("agent"), fresh("user"), fresh("plugin")];
    const system = { owner_kind: "system", message: undefined };
    await makeJob({ name: "of agent", agent_id: agent });
    await makeJob({ name: "of agent and user", agent_id: agent, user_id: user });
    await makeJob({ name: "of user", user_id: user });
    await makeJob({ name: "of other agent and user", agent_id: otherAgent, user_id: user });
    await makeJob({ name: "of system as user", user_id: user, ...system });
    await makeJob({ name: "of system to agent", agent_id: agent, ...system });
    await makeJob({ name: "of plugin", plugin_id: plugin, job_key: "k", runtime_name: "r" });
    await makeJob({ name: "of plugin to agent", plugin_id: plugin, job_key: "k", runtime_name: "r", agent_id: agent });
    await makeJob({ name: "of nobody" });

    expect(await namesFor({ role: "user", user_id: user })).toEqual([
      "of agent and user",
      "of other agent and user",
      "of system as user",
      "of user",
    ]);
    expect(await namesFor({ role: "agent", agent_id: agent })).toEqual([
      "of agent",
      "of agent and user",
      "of plugin to agent",
      "of system to agent",
    ]);
    expect(await namesFor({ role: "agent", agent_id: agent, user_id: user })).toEqual(["of agent and user"]);
    expect(await namesFor({ role: "plugin", plugin_id: plugin })).toEqual(["of plugin", "of plugin to agent"]);
    expect(await namesFor({ role: "run", job_id: "j", run_id: "r" })).toEqual([]);
    for (const role of ["admin", "viewer"] as const) {
      expect(await namesFor({ role })).toEqual(
        expect.arrayContaining(["of nobody", "of user", "of plugin", "of agent"]),
      );
      expect(await namesFor({ role }, { user_id: user, owner_kind: "system" })).toEqual(["of system as user"]);
      expect(await namesFor({ role }, { agent_id: agent, owner_kind: "user", exec_scope: "system" })).toEqual([
        "of agent",
      ]);
      expect(await namesFor({ role }, { agent_id: otherAgent })).toEqual(["of other agent and user"]);
    }
    expect(await namesFor({ role: "user", user_id: user }, { user_id: "another" })).toEqual([]);
  });
});

describe("pages", () => {
  it("hold every job once, newest first, while other jobs come, go and change", async () => {
    const agent = fresh("agent");
    const made: string[] = [];
    const make = async () => {
      const job = await makeJob({ agent_id: agent, user_id: `u${made.length % 5}` });
      made.push(job.id);
      return job;
    };
    for (let i = 0; i < 23; i++) await make();
    const gone = new Set<string>();
    const pages = await walk(ADMIN, { agent_id: agent }, 5, async (number) => {
      const oldest = made[number];
      if (oldest !== undefined) {
        gone.add(oldest);
        await answered(jobStub(oldest).remove(ADMIN));
      }
      await answered(jobStub(made[22] ?? "").patch(ADMIN, { name: `renamed ${number}` }));
      later(1);
      await make();
    });
    const seen = pages.flat();
    expect(new Set(seen).size).toBe(seen.length);
    for (const id of made.slice(0, 23)) if (!gone.has(id)) expect(seen).toContain(id);
    for (const ids of pages.slice(0, -1)) expect(ids).toHaveLength(5);
    const { items } = await page(ADMIN, { agent_id: agent }, 100);
    const times = items.map(({ created_at }) => created_at);
    expect(times).toEqual([...times].sort().reverse());
  });

  it("are filled up beyond places without a job, and end without a cursor", async () => {
    const user = fresh("user");
    const jobs: string[] = [];
    for (let i = 0; i < 12; i++) {
      const ghost = entry({ owner: `user:${user}`, userId: user, createdAt: Date.now() });
      if (i % 2 === 0) await answered(reserveJob(env, ghost, { maxJobs: 1_000 }));
      else jobs.push((await makeJob({ user_id: user })).id);
    }
    const pages = await walk({ role: "user", user_id: user }, {}, 3);
    expect(pages.map((ids) => ids.length)).toEqual([3, 3]);
    expect(pages.flat().sort()).toEqual(jobs.sort());
  });

  it("end with a cursor if the platform allows no further call, and leave no job out", async () => {
    const user = fresh("user");
    for (let n = 0; n < 30; n++) await makeJob({ name: `job ${n}`, user_id: user });
    let left = 0;
    const counted = <T extends { getByName(name: string): unknown }>(binding: T) =>
      ({
        getByName: (name: string) => {
          if (left-- > 0) return binding.getByName(name);
          throw new Error("Too many subrequests by single Worker invocation.");
        },
      }) as unknown as T;
    const limited = { ...env, JOB: counted(env.JOB), DIRECTORY: counted(env.DIRECTORY) };
    const pages: number[] = [];
    const ids = new Set<string>();
    let cursor: string | undefined;
    do {
      left = 12;
      const answer = await answered(
        listJobs(limited, ADMIN, { filter: { user_id: user }, limit: 50, cursor, now: Date.now() }),
      );
      pages.push(answer.items.length);
      for (const { id } of answer.items) ids.add(id);
      cursor = answer.next_cursor;
    } while (cursor !== undefined);
    expect([ids.size, pages.reduce((sum, size) => sum + size, 0)]).toEqual([30, 30]);
    expect(Math.max(...pages)).toBeLessThanOrEqual(12);
  });

  it("accept no cursor of any other kind", async () => {
    const answer = await listJobs(env, ADMIN, { filter: {}, limit: 10, cursor: "bm90IG91cnM", now: Date.now() });
    expect(answer).toMatchObject({ ok: false, error: { kind: "validation_failed", errors: [{ path: "cursor" }] } });
  });
});

describe("the list and the jobs", () => {
  it("shows jobs as they are now, and none that the filter no longer accepts", async () => {
    const user = fresh("user");
    const job = await makeJob({ user_id: user });
    const caller = { role: "user", user_id: user } as const;
    await answered(jobStub(job.id).setEnabled(ADMIN, false));
    // The entry is made to be out of date, as between a job's change and its arrival in the directory.
    await updateIndex(
      env,
      entry({ id: job.id, owner: `user:${user}`, userId: user, createdAt: Date.parse(job.created_at), version: 99 }),
      [],
      false,
    );
    expect((await page(caller, { states: ["active"] })).items).toEqual([]);
    expect((await page(caller)).items).toMatchObject([{ id: job.id, state: "paused" }]);
  });

  it("gives up a place that its job has not taken within a minute, and not before", async () => {
    const user = fresh("user");
    const ghost = entry({ owner: `user:${user}`, userId: user });
    const shard = shardFor(ghost.owner);
    const listed = () => shard.list({ filter: { user_id: user }, limit: 10 });
    await answered(reserveJob(env, ghost, { maxJobs: 1_000 }));
    expect((await page(ADMIN, { user_id: user })).items).toEqual([]);
    expect(await listed()).toHaveLength(1);
    later(59_000);
    await page(ADMIN, { user_id: user });
    expect(await listed()).toHaveLength(1);
    await answered(reserveJob(env, ghost, { maxJobs: 1_000 }));
    later(59_000);
    await page(ADMIN, { user_id: user });
    expect(await listed()).toHaveLength(1);
    later(2_000);
    await page(ADMIN, { user_id: user });
    expect(await listed()).toEqual([]);
  });

  it("does not give up a job's place on a caller's request", async () => {
    const user = fresh("user");
    const job = await makeJob({ user_id: user });
    later(600_000);
    const shard = shardFor(`user:${user}`);
    await shard.dropPhantom({ id: job.id, createdAt: Date.parse(job.created_at) });
    expect((await page(ADMIN, { user_id: user })).items).toHaveLength(1);
  });

  it("shows a job once while its change of owner is under way", async () => {
    const [before, after] = [fresh("user"), fresh("user")];
    const job = await makeJob({ user_id: before });
    const key = { id: job.id, createdAt: Date.parse(job.created_at) };
    await answered(jobStub(job.id).patch(ADMIN, { user_id: after }));
    expect((await page(ADMIN, { user_id: before })).items).toEqual([]);
    expect((await page(ADMIN, { user_id: after })).items).toHaveLength(1);
    await updateIndex(
      env,
      entry({ ...key, owner: `user:${before}`, userId: after, agentId: "mover", version: 2 }),
      [],
      true,
    );
    await answered(jobStub(job.id).patch(ADMIN, { agent_id: "mover" }));
    expect((await page(ADMIN, { agent_id: "mover" })).items).toHaveLength(1);
    await removeFromIndex(env, `user:${before}`, key);
    expect((await page(ADMIN, { agent_id: "mover" })).items).toHaveLength(1);
  });

  it("keeps a job that moves to another owner of the same shard, and counts it only for that owner", async () => {
    const shardOfUser = (user: string) => shardOf(`user:${user}`, SHARD_COUNT);
    const before = fresh("user");
    const users = Array.from({ length: 40 * SHARD_COUNT }, () => fresh("user"));
    const after = users.find((user) => shardOfUser(user) === shardOfUser(before)) ?? "";
    const job = await makeJob({ user_id: before });
    await answered(jobStub(job.id).patch(ADMIN, { user_id: after }));
    expect((await page(ADMIN, { user_id: after })).items).toMatchObject([{ id: job.id }]);
    expect((await page(ADMIN, { user_id: before })).items).toEqual([]);
    expect(await reserveJob(env, entry({ owner: `user:${after}` }), { maxJobs: 1 })).toMatchObject({ ok: false });
    expect(await reserveJob(env, entry({ owner: `user:${before}` }), { maxJobs: 1 })).toMatchObject({ ok: true });
    await answered(jobStub(job.id).remove(ADMIN));
    expect((await page(ADMIN, { user_id: after })).items).toEqual([]);
  });

  it("treats a repeated place as the same job, for any number of requests", async () => {
    const user = fresh("user");
    const id = freshJobId();
    const ghost = entry({ id, owner: `user:${user}`, userId: user, createdAt: Date.now() - 10_000, name: "first try" });
    await answered(reserveJob(env, ghost, { maxJobs: 1_000 }));
    const job = await makeJob({ user_id: user, name: "second try" }, id);
    expect(Date.parse(job.created_at)).toBe(ghost.createdAt);
    const { items } = await page({ role: "user", user_id: user }, { name: "second try" });
    expect(items.map((item) => item.id)).toEqual([id]);
  });

  it("counts jobs over all shards", async () => {
    const before = await countJobs(env);
    const active = (counts: Awaited<ReturnType<typeof countJobs>>) =>
      counts.find(({ state, execScope }) => state === "active" && execScope === "user")?.count ?? 0;
    for (let i = 0; i < 5; i++) await makeJob({ user_id: fresh("user") });
    expect(active(await countJobs(env)) - active(before)).toBe(5);
  });
});
