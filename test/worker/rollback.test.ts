/** An older version that is deployed over a newer one: tables of the newer one are used, and stay the newer one's. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { expect, it } from "vitest";
import { shardFor } from "../../src/directory/shards.ts";
import { rosterKey } from "../../src/domain/shard.ts";
import { call, env, fresh, makeJob } from "./http-fixture.ts";

it.each([
  [
    "job",
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
      return { stub: shardFor(env, rosterKey(user)), path: `/v1/users/${user}` };
    },
  ],
] as const)(
  "the tables of a %s keep the version of the newer code, whose steps would fail a second time",
  async (table, make) => {
    const { stub, path } = await make();
    const version = () =>
      runInDurableObject(
        stub,
        (_, { storage }) => storage.sql.exec(`SELECT schema_version FROM ${table}`).one().schema_version,
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
