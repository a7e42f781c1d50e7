/** MAX_JOBS_PER_OWNER for changes that make a job count: it moves to another owner, or a finished one gets a new time (docs/contract.md §7). */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, it, vi } from "vitest";
import { IndexStore } from "../../../durable-objects/directory/index-store.ts";
import { ShardTables } from "../../../durable-objects/directory/shard-tables.ts";
import { claimPlace } from "../../../src/directory/jobs-index.ts";
import { SHARD_COUNT, shardOf } from "../../../src/domain/directory-shard.ts";
import { SMALL_SLICES } from "../../../src/domain/limits/sweep.ts";
import { settingsOf } from "../../../src/env.ts";
import { shardFor } from "../bindings.ts";
import { entry } from "../directory-fixture.ts";
import { call, env, expectProblem, fresh, makeJob } from "../http-fixture.ts";

const { MAX_JOBS_PER_OWNER } = settingsOf(env);
const HOUR_MS = 3_600_000;
const filled = new Set<string>();

/** A user whose quota has room for `room` more jobs. */
async function userWithRoom(room: number, user = fresh("user")): Promise<string> {
  const owner = `user:${user}`;
  const shard = shardFor(owner);
  await runInDurableObject(shard, (_, { storage }) => {
    const index = new IndexStore(new ShardTables(storage.sql, SHARD_COUNT));
    for (let i = room; i < MAX_JOBS_PER_OWNER; i++) index.upsert(entry({ owner, userId: "nobody" }), Date.now());
  });
  // The shard counts in memory from its wake on.
  await evictDurableObject(shard);
  filled.add(owner);
  return user;
}

/** Removes the entries that only filled the quota, since no jobs exist for them. */
afterEach(async () => {
  for (const owner of filled) {
    const shard = shardFor(owner);
    await runInDurableObject(shard, (_, { storage }) => {
      storage.sql.exec("DELETE FROM job WHERE user_id = 'nobody'");
    });
    await evictDurableObject(shard);
  }
  filled.clear();
});

/** A user whose jobs are in the same shard of the directory as this user's. */
function neighbourOf(user: string): string {
  const shard = shardOf(`user:${user}`, SHARD_COUNT);
  for (;;) {
    const other = fresh("user");
    if (shardOf(`user:${other}`, SHARD_COUNT) === shard) return other;
  }
}

const patch = (id: string, json: Record<string, unknown>) => call("PATCH", `/v1/jobs/${id}`, { json });
const listed = async (user: string): Promise<string[]> => {
  const { items } = (await call("GET", `/v1/jobs?user_id=${user}&state=active,paused,finished`)).body;
  return (items as { id: string }[]).map(({ id }) => id);
};
/** The entries that count for this user, without the filling ones. */
const entriesOf = async (user: string): Promise<string[]> => {
  const shard = shardFor(`user:${user}`);
  const rows = await runInDurableObject(shard, (_, { storage }) => [
    ...storage.sql.exec("SELECT id FROM job WHERE owner = ? AND user_id != 'nobody'", `user:${user}`),
  ]);
  return rows.map(({ id }) => String(id));
};

async function finishedJob(user: string): Promise<string> {
  const id = await makeJob({ user_id: user, schedule: { at: new Date(Date.now() + 300).toISOString() } });
  await vi.waitFor(async () => expect((await call("GET", `/v1/jobs/${id}`)).body.state).toBe("finished"), 5_000);
  return id;
}

const newTime = () => ({ schedule: { at: new Date(Date.now() + HOUR_MS).toISOString() } });

describe("a finished job that is given a new time", () => {
  it("is refused and unchanged if its owner's quota is full, and is active again once there is room", async () => {
    const user = await userWithRoom(1);
    const id = await finishedJob(user);
    const before = (await call("GET", `/v1/jobs/${id}`)).body;
    const inItsPlace = await makeJob({ user_id: user });
    const refused = await patch(id, newTime());
    expectProblem(refused, 429, "quota_exceeded");
    expect(refused.headers.get("retry-after")).toBe("3600");
    expect((await call("GET", `/v1/jobs/${id}`)).body).toEqual(before);
    expect((await patch(id, { name: "still finished" })).status).toBe(200);

    await call("DELETE", `/v1/jobs/${inItsPlace}`);
    expect((await patch(id, newTime())).body).toMatchObject({ state: "active", name: "still finished" });
    expectProblem(await call("POST", "/v1/jobs", { json: jobOf(user) }), 429, "quota_exceeded");
  });
});

describe("a job that moves to another owner", () => {
  it.each([["in another shard", () => fresh("user")] as const, ["in the same shard", neighbourOf] as const])(
    "%s is refused if that owner's quota is full, and the job does not move",
    async (_, other) => {
      const from = fresh("user");
      const to = await userWithRoom(0, other(from));
      const id = await makeJob({ user_id: from });
      const before = (await call("GET", `/v1/jobs/${id}`)).body;
      expectProblem(await patch(id, { user_id: to }), 429, "quota_exceeded");
      expect((await call("GET", `/v1/jobs/${id}`)).body).toEqual(before);
      expect([await listed(from), await listed(to)]).toEqual([[id], []]);
      expect([await entriesOf(from), await entriesOf(to)]).toEqual([[id], []]);
    },
  );

  it.each([["in another shard", () => fresh("user")] as const, ["in the same shard", neighbourOf] as const])(
    "%s takes the last place, counts for that owner only, and the job may come back",
    async (_, other) => {
      const from = await userWithRoom(1);
      const to = await userWithRoom(1, other(from));
      const id = await makeJob({ user_id: from });
      expect((await patch(id, { user_id: to, name: "moved" })).status).toBe(200);
      expect([await listed(from), await listed(to)]).toEqual([[], [id]]);
      expect([await entriesOf(from), await entriesOf(to)]).toEqual([[], [id]]);
      expectProblem(await call("POST", "/v1/jobs", { json: jobOf(to) }), 429, "quota_exceeded");
      expect((await patch(id, { user_id: from })).status).toBe(200);
      expect([await entriesOf(from), await entriesOf(to)]).toEqual([[id], []]);
    },
  );

  it("takes the last place once, if two jobs move at once", async () => {
    const to = await userWithRoom(1);
    const ids = [await makeJob({ user_id: fresh("user") }), await makeJob({ user_id: fresh("user") })];
    const answers = await Promise.all(ids.map((id) => patch(id, { user_id: to })));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 429]);
    expect(await entriesOf(to)).toHaveLength(1);
  });

  it("leaves no entry behind if it is moved on, renamed, paused and deleted meanwhile", async () => {
    const [from, to, on] = [fresh("user"), fresh("user"), fresh("user")];
    for (const last of [{ user_id: on }, undefined]) {
      const id = await makeJob({ user_id: from });
      const calls = [patch(id, { user_id: to }), patch(id, { name: "renamed" }), call("POST", `/v1/jobs/${id}/pause`)];
      const end = last === undefined ? call("DELETE", `/v1/jobs/${id}`) : patch(id, last);
      expect((await end).status).toBe(last === undefined ? 204 : 200);
      await Promise.all(calls);
      const entries = { from: await entriesOf(from), to: await entriesOf(to), on: await entriesOf(on) };
      expect(entries).toEqual({ from: [], to: [], on: last === undefined ? [] : [id] });
      if (last === undefined) continue;
      expect((await call("GET", `/v1/jobs/${id}`)).body).toMatchObject({ name: "renamed", state: "paused" });
      await call("DELETE", `/v1/jobs/${id}`);
    }
  });
});

describe("a directory that has moved a job before the job itself", () => {
  const ahead = async (from: string, to: string) => {
    const id = await makeJob({ user_id: from });
    const createdAt = Date.parse(String((await call("GET", `/v1/jobs/${id}`)).body.created_at));
    await claimPlace(env, entry({ id, createdAt, owner: `user:${to}`, userId: to }), { maxJobs: MAX_JOBS_PER_OWNER });
    return id;
  };
  const inStep = async (id: string, from: string, to: string) => {
    expect([await listed(from), await listed(to)]).toEqual([[id], []]);
    expect([await entriesOf(from), await entriesOf(to)]).toEqual([[id], []]);
  };

  it.each([["in another shard", () => fresh("user")] as const, ["in the same shard", neighbourOf] as const])(
    "is corrected by the job's alarm after a crash in between: %s",
    async (_, other) => {
      const from = fresh("user");
      const to = other(from);
      const id = await makeJob({ user_id: from });
      // As after a crash, the directory has the change, and the job does not have the directory's answer.
      const directory = await runInDurableObject(shardFor(`user:${to}`), (shard) => Object.getPrototypeOf(shard));
      const claim = directory.claim;
      const lost = vi.spyOn(directory, "claim").mockImplementationOnce(async function (this: unknown, ...entry) {
        await claim.apply(this, entry);
        throw new Error("the answer is lost");
      });
      expect((await patch(id, { user_id: to })).status).toBe(500);
      expect(lost).toHaveBeenCalledOnce();
      lost.mockRestore();

      const stub = env.JOB.getByName(id);
      await evictDurableObject(stub);
      await runDurableObjectAlarm(stub);
      await vi.waitFor(() => inStep(id, from, to));
    },
  );

  it.each([["in another shard", () => fresh("user")] as const, ["in the same shard", neighbourOf] as const])(
    "is corrected by the sweep after a call that came too late: %s",
    async (_, other) => {
      const from = fresh("user");
      const to = other(from);
      const id = await ahead(from, to);
      const shard = shardFor(`user:${to}`);
      for (let minute = 0; minute < SMALL_SLICES; minute++) await shard.sweep(minute);
      await vi.waitFor(() => inStep(id, from, to));
    },
  );
});

const jobOf = (user_id: string) => ({ name: "one more", message: "m", schedule: { every: "1h" }, user_id });
