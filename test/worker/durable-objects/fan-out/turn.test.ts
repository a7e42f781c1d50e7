import { runInDurableObject } from "cloudflare:test";
import { beforeEach, describe, expect, it } from "vitest";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import { userKey } from "../../../../src/domain/run/run-id.ts";
import {
  fanOutNow,
  kill,
  makeAllUsersJob,
  setRoster,
  shardOf,
  untilEnded,
  usersNamed,
  value,
} from "../../fan-out-fixture.ts";
import { eventually, ONE_AT_A_TIME, scripted, USERS } from "./object-fixture.ts";

beforeEach(() => setRoster(USERS));

describe("a shard", () => {
  it("runs a user once, even if the source names them often", async () => {
    const job = await makeAllUsersJob(ONE_AT_A_TIME);
    expect(await untilEnded(job, await fanOutNow(job))).toMatchObject({ status: "success", total: 3 });
    const shard = shardOf(job, 0);
    for (let i = 0; i < 3; i++) expect(await shard.feed(1, ["bob", "dan", "bob"])).toBe(true);
    await eventually(async () => expect((await shard.status(1)).idle).toBe(true));
    expect((await shard.status(1)).counts).toMatchObject({ total: 4, succeeded: 4 });
  });

  it("creates no tables for a question", async () => {
    const job = await makeAllUsersJob(ONE_AT_A_TIME);
    const shard = shardOf(job, 0);
    expect(await shard.feed(1, ["ann"])).toBe(false);
    expect(await shard.status(1)).toMatchObject({ idle: true, counts: { total: 0 } });
    expect(await shard.run(1, userKey("ann"))).toMatchObject({ ok: false });
  });

  it("leaves no run active when the job opens the next fan-out after ending the last one without it", async () => {
    await setRoster(["ann", "bob"]);
    const job = await makeAllUsersJob({ ...scripted({ users: { bob: { status: 202 } } }), ...ONE_AT_A_TIME });
    const id = await fanOutNow(job);
    const statusOf = async () => {
      const { items } = await value(job.api.runs(ADMIN, { limit: 10, fanOutId: id }));
      return items.map((run) => [run.user_id, run.status, run.error]).sort();
    };
    const before = [
      ["ann", "success", undefined],
      ["bob", "running", undefined],
    ];
    await eventually(async () => expect(await statusOf()).toEqual(before));
    const shard = shardOf(job, 0);
    const spec = await runInDurableObject(shard, (_object, { storage }) => {
      const [row] = storage.sql.exec("SELECT spec FROM fan_out WHERE no = 1");
      return JSON.parse(String(row?.spec));
    });
    expect(await shard.feed(2, ["cem"], { spec: { ...spec, number: 2, id: `${job.id}-f2` }, shardIndex: 0 })).toBe(
      true,
    );
    expect(await statusOf()).toEqual([
      ["ann", "success", undefined],
      ["bob", "error", "interrupted: the fan-out was ended before this run, and the next one has begun"],
    ]);
  });

  it("gives up the users whose call kills it again and again, as errors, and runs the others", async () => {
    await setRoster(["deadly"]);
    const job = await makeAllUsersJob({ ...scripted({ users: { deadly: { delay_ms: 8_000 } } }), ...ONE_AT_A_TIME });
    const id = await fanOutNow(job);
    const isCalling = async () => expect(await shardOf(job, 0).runs({ limit: 1, status: "running" })).toHaveLength(1);
    for (let restart = 0; restart < 5; restart++) {
      await eventually(isCalling);
      await kill(shardOf(job, 0));
      // The platform's own retry of the alarm takes longer with each restart; asking arms it at once.
      await shardOf(job, 0).status(1);
    }
    await shardOf(job, 0).feed(1, ["harmless"]);
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", total: 2, succeeded: 1, failed: 1 });
    const { items } = await value(job.api.runs(ADMIN, { limit: 10, status: "error" }));
    expect(items).toMatchObject([{ user_id: "deadly", error: expect.stringContaining("interrupted again and again") }]);
  });

  it("continues from what is stored if a result could not be recorded", async () => {
    await setRoster(["ann"]);
    const job = await makeAllUsersJob({ ...scripted({ users: { ann: { delay_ms: 300 } } }), ...ONE_AT_A_TIME });
    const id = await fanOutNow(job);
    const shard = shardOf(job, 0);
    const sql = (statement: string) =>
      runInDurableObject(shard, (_shard, { storage }) => void storage.sql.exec(statement));
    await eventually(async () => expect(await shard.runs({ limit: 1, status: "running" })).toHaveLength(1));
    await sql("ALTER TABLE user_run_1 RENAME TO mislaid");
    const alarm = () => runInDurableObject(shard, (_shard, { storage }) => storage.getAlarm());
    await eventually(async () => expect(await alarm()).toBeGreaterThan(Date.now() + 30_000));
    await sql("ALTER TABLE mislaid RENAME TO user_run_1");
    await shard.status(1);
    expect(await untilEnded(job, id)).toMatchObject({ status: "success", total: 1, succeeded: 1 });
  });

  it("spaces its calls by rate_per_minute", async () => {
    await setRoster(usersNamed("paced", 6));
    const job = await makeAllUsersJob({ fan_out: { concurrency: 6, rate_per_minute: 600 } });
    const id = await fanOutNow(job);
    await untilEnded(job, id);
    const { items } = await value(job.api.runs(ADMIN, { limit: 10, fanOutId: id }));
    const starts = items.map((run) => Date.parse(run.started_at)).sort((a, b) => a - b);
    expect(starts).toHaveLength(6);
    expect((starts.at(-1) ?? 0) - (starts[0] ?? 0)).toBeGreaterThanOrEqual(400);
  });
});
