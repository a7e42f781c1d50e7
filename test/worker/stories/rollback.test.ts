/** An older version that is deployed over a newer one: tables of the newer one are used, and stay the newer one's. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { rosterKey } from "../../../src/domain/directory-shard.ts";
import { ADMIN } from "../../../src/domain/job/access.ts";
import { jobObject } from "../../../src/objects/job.ts";
import { shardFor } from "../bindings.ts";
import { call, env, fresh, makeJob } from "../http-fixture.ts";

it.each([
  [
    "entry",
    async () => {
      const id = await makeJob();
      return { stub: env.JOB.getByName(id), path: `/v1/jobs/${id}` };
    },
  ],
  [
    "heartbeat",
    async () => {
      const name = fresh("heartbeat");
      await call("PUT", `/v1/heartbeats/${name}`, { json: { every: "30m" } });
      return { stub: env.HEARTBEAT.getByName(name), path: `/v1/heartbeats/${name}` };
    },
  ],
  [
    "shard",
    async () => {
      const user = fresh("user");
      await call("PUT", `/v1/users/${user}`, { json: {} });
      return { stub: shardFor(rosterKey(user)), path: `/v1/users/${user}` };
    },
  ],
] as const)(
  "the table %s keeps the version of the newer code, whose steps would fail a second time",
  async (table, make) => {
    const { stub, path } = await make();
    const version = () =>
      runInDurableObject(
        stub,
        (_, { storage }) => storage.sql.exec(`SELECT schema_version FROM ${table} LIMIT 1`).one().schema_version,
      );
    const newer = Number(await version()) + 1;
    await runInDurableObject(
      stub,
      (_, { storage }) => void storage.sql.exec(`UPDATE ${table} SET schema_version = ?`, newer),
    );
    await evictDurableObject(stub);
    expect((await call("GET", path)).status).toBe(200);
    expect(await version()).toBe(newer);
  },
);

it("a job with a column of the newer code is changed by the older one, and stays the newer one's", async () => {
  const id = await makeJob();
  const stub = env.JOB.getByName(id);
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("ALTER TABLE entry ADD COLUMN of_the_newer_code TEXT");
    storage.sql.exec("UPDATE entry SET schema_version = 99");
  });
  await evictDurableObject(stub);
  expect((await call("PATCH", `/v1/jobs/${id}`, { json: { description: "changed" } })).status).toBe(200);
  expect((await call("POST", `/v1/jobs/${id}/run`)).status).toBe(202);
  const version = await runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec("SELECT schema_version FROM entry WHERE slot = 0").one().schema_version,
  );
  expect(version).toBe(99);
  expect((await call("GET", `/v1/jobs/${id}`)).body).toMatchObject({ description: "changed" });
});

describe("a job whose definition only a later version of the code can read", () => {
  const make = async () => {
    const id = await makeJob();
    const stub = env.JOB.getByName(id);
    await call("POST", `/v1/jobs/${id}/run`);
    await vi.waitFor(async () => expect((await call("GET", `/v1/jobs/${id}`)).body.run_count).toBe(1));
    const before = (await call("GET", `/v1/jobs/${id}`)).body;
    const write = (value: unknown) =>
      runInDurableObject(stub, (_, { storage }) => {
        storage.sql.exec(
          "UPDATE entry SET body = json_set(body, '$.definition.schedule', json(?)) WHERE slot = 0",
          JSON.stringify(value),
        );
      });
    await write({ moon: "full" });
    await evictDurableObject(stub);
    return { id, stub, before, write };
  };

  it("is shown and exported as it is, and its runs are listed", async () => {
    const { id, before } = await make();
    const shown = { ...before, schedule: { moon: "full" } };
    expect(await jobObject(env, id).read(ADMIN)).toEqual({ ok: true, value: shown });
    expect(await jobObject(env, id).exported()).toEqual({ ok: true, value: shown });
    const { items } = (await call("GET", `/v1/jobs/${id}/runs`)).body;
    expect(items).toMatchObject([{ trigger: "manual", status: "success" }]);
    const [run] = items as readonly { readonly id: string }[];
    expect((await call("GET", `/v1/jobs/${id}/runs/${run?.id}`)).body).toEqual(run);
  });

  it("is rung again every five minutes, and fires once the later version is there", async () => {
    const { id, stub, before, write } = await make();
    const alarm = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
    vi.useFakeTimers({ toFake: ["Date"], now: Date.parse(String(before.next_run_at)) });
    try {
      for (let ring = 0; ring < 8; ring++) {
        expect(await runDurableObjectAlarm(stub)).toBe(true);
        expect(await alarm()).toBe(Date.now() + 300_000);
        vi.setSystemTime(Date.now() + 300_000);
      }
      await write(before.schedule);
      await evictDurableObject(stub);
      await runDurableObjectAlarm(stub);
    } finally {
      vi.useRealTimers();
    }
    const { items } = (await call("GET", `/v1/jobs/${id}/runs`)).body;
    expect(items).toMatchObject([{ status: "success", scheduled_at: before.next_run_at }, { trigger: "manual" }]);
  });
});
