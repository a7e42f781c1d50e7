/** An older version is deployed over a newer one. It works with the newer tables and leaves them unchanged. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import storage from "../../../docs/storage.md?raw";
import { agentKey } from "../../../src/domain/directory-shard.ts";
import { shardName } from "../../../src/domain/fan-out/shard.ts";
import { ADMIN } from "../../../src/domain/job/access.ts";
import { jobObject } from "../../../src/objects/job.ts";
import { allShards, shardFor } from "../bindings.ts";
import { setRoster } from "../fan-out-fixture.ts";
import { agentToken, call, env, fresh, jobInput, makeJob } from "../http-fixture.ts";
import { claim, itemsOf, makeAgent, makeJobOf, offer } from "../mailbox-fixture.ts";

/** Every table, as `Object: table`. docs/storage.md names them all, which its own test holds. */
const TABLES = [...storage.matchAll(/^### (\w+): `(\w+)`$/gm)].map(([, object, table]) => `${object}: ${table}`);

const WAIT = { timeout: 15_000, interval: 50 };

type Kept = { readonly kind: string; readonly stub: DurableObjectStub };

/** Changes an object's tables like a newer version: one more column in each, and a higher version number. Returns their names. */
const makeNewer = (stub: DurableObjectStub): Promise<string[]> =>
  runInDurableObject(stub, (_, { storage: { sql } }) => {
    const found = sql.exec(
      "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_cf%' ESCAPE '\\'",
    );
    const tables = [...found].map(({ name, sql: made }) => ({ name: String(name), made: String(made) }));
    for (const { name, made } of tables) {
      sql.exec(`ALTER TABLE ${name} ADD COLUMN of_the_newer_code TEXT`);
      sql.exec(`UPDATE ${name} SET of_the_newer_code = 'kept'`);
      if (made.includes("schema_version")) {
        sql.exec(`UPDATE ${name} SET schema_version = 99 WHERE schema_version IS NOT NULL`);
      }
    }
    return tables.map(({ name }) => name);
  });

const column = (stub: DurableObjectStub, table: string, name: string): Promise<unknown[]> =>
  runInDurableObject(stub, (_, { storage: { sql } }) =>
    [...sql.exec(`SELECT ${name} AS value FROM ${table}`)].map(({ value }) => value),
  );

const minted = () => call("POST", "/v1/tokens", { json: { role: "viewer", expires_in: "1h" } });
const keyed = () => call("POST", "/v1/jobs", { json: jobInput(), headers: { "idempotency-key": fresh("key") } });

/** All stored data of a service, with the objects that store it. */
async function fill() {
  const user = fresh("user");
  const agent = fresh("agent");
  const heartbeat = fresh("heartbeat");
  const system = fresh("system");
  const imported = fresh("imported");
  await setRoster([user]);
  await call("PUT", `/v1/agents/${agent}`, { json: { url: "https://agent.test/hook" } });
  await call("PUT", `/v1/heartbeats/${heartbeat}`, { json: { every: "30m" } });
  await call("PUT", `/v1/heartbeats/${heartbeat}/document`, {
    body: "",
    headers: { "content-type": "text/markdown" },
  });
  await call("POST", `/v1/heartbeats/${heartbeat}/beat`);
  await call("PUT", "/v1/jobs/ensure", { json: { name: system, message: "m", schedule: { every: "1h" } } });
  await call("POST", "/v1/import", { json: { jobs: [{ id: imported, ...jobInput() }] } });
  await keyed();
  await minted();
  const job = await makeJob({ user_id: user });
  const maker = await agentToken({ agent_id: fresh("maker") });
  const foreign = await makeJob({ user_id: user }, maker);
  const window = () => ({ from: new Date(Date.now() - 3_600_000).toISOString(), to: new Date().toISOString() });
  const backfill = () => call("POST", `/v1/jobs/${foreign}/backfill`, { token: maker, json: window() });
  await backfill();
  const allUsers = await makeJob({
    ...{ exec_scope: "all_users", message: '{"status": 202}', fan_out: { concurrency: 1 } },
  });
  const { fan_out_id } = (await call("POST", `/v1/jobs/${allUsers}/run`)).body;
  await vi.waitFor(async () => {
    const { items } = (await call("GET", `/v1/jobs/${allUsers}/runs`)).body;
    expect(items).toMatchObject([{ status: "running", fan_out_id }]);
  });
  const key = fresh("event");
  const trigger = () => call("POST", `/v1/jobs/${job}/trigger`, { json: { key } });
  const triggered = await trigger();
  const puller = await makeAgent();
  const pulled = await makeJobOf(puller);
  await offer(pulled);
  const failing = await makeJob({ message: JSON.stringify({ status: 404 }), report: "all" });
  const subscription = fresh("subscription");
  const to = [{ type: "webhook", url: `https://notify.test/${subscription}` }];
  await call("PUT", `/v1/subscriptions/${subscription}`, { json: { events: ["run.failed"], to } });
  const fail = async (deliveries: number) => {
    await call("POST", `/v1/jobs/${failing}/run`);
    await vi.waitFor(async () => {
      const { items } = (await call("GET", `/v1/subscriptions/${subscription}/deliveries`)).body;
      expect(items).toMatchObject(Array.from({ length: deliveries }, () => ({ status: "delivered" })));
    }, WAIT);
  };
  await fail(1);
  const objects: readonly Kept[] = [
    ...allShards().map((stub) => ({ kind: "Directory", stub })),
    ...[job, allUsers, pulled].map((id) => ({ kind: "Job", stub: env.JOB.getByName(id) })),
    { kind: "Heartbeat", stub: env.HEARTBEAT.getByName(heartbeat) },
    { kind: "FanOut", stub: env.FAN_OUT.getByName(shardName(allUsers, 0)) },
    { kind: "Mailbox", stub: env.MAILBOX.getByName(puller) },
    { kind: "Subscription", stub: env.SUBSCRIPTION.getByName(subscription) },
  ];
  return {
    ...{ user, agent, heartbeat, system, imported, job, allUsers, maker, backfill, objects },
    ...{ trigger, triggered: triggered.body, puller, pulled, subscription, fail },
  };
}

it("every table may have a column of the newer code, and the older code leaves its version and values", async () => {
  const { user, agent, heartbeat, system, imported, job, allUsers, maker, backfill, objects, ...more } = await fill();
  const tables = await Promise.all(
    objects.map(async ({ kind, stub }) =>
      (await makeNewer(stub)).map((name) => `${kind}: ${name.replace(/_\d+$/, "_N")}`),
    ),
  );
  expect([...new Set(tables.flat())].sort()).toEqual(TABLES.toSorted());
  await Promise.all(objects.map(({ stub }) => evictDurableObject(stub)));

  const works = async (method: string, path: string, status: number, sent: Parameters<typeof call>[2] = {}) => {
    const got = await call(method, path, sent);
    expect({ path, status: got.status, text: got.text }).toMatchObject({ path, status });
    return got.body;
  };
  await works("PATCH", `/v1/jobs/${job}`, 200, { json: { description: "changed" } });
  await works("POST", `/v1/jobs/${job}/run`, 202);
  await vi.waitFor(async () => expect((await call("GET", `/v1/jobs/${job}`)).body.run_count).toBe(1));
  for (let n = 0; n < 20; n++) expect((await keyed()).status).toBe(201);
  expect((await backfill()).status).toBe(202);
  await makeJob({ user_id: user }, maker);
  const { id: token } = (await minted()).body;
  await works("DELETE", `/v1/tokens/${token}`, 204);
  const { items } = await works("GET", `/v1/jobs/${allUsers}/runs`, 200);
  const [run] = items as readonly { readonly id: string; readonly fan_out_id: string }[];
  await works("POST", `/v1/jobs/${allUsers}/runs/${run?.id}/complete`, 200, { json: { status: "success" } });
  await vi.waitFor(async () => {
    expect((await call("GET", `/v1/jobs/${allUsers}/fan-outs/${run?.fan_out_id}`)).body.status).toBe("success");
  });
  const { fan_out_id } = await works("POST", `/v1/jobs/${allUsers}/run`, 202);
  await works("GET", `/v1/jobs/${allUsers}/fan-outs/${fan_out_id}`, 200);
  await works("PATCH", `/v1/jobs/${imported}`, 200, { json: { name: "renamed" } });
  await works("PUT", "/v1/jobs/ensure", 200, { json: { name: system, message: "another", schedule: { every: "1h" } } });
  await works("PUT", "/v1/jobs/ensure", 201, {
    json: { name: fresh("system"), message: "m", schedule: { every: "1h" } },
  });
  await works("POST", "/v1/import", 200, { json: { jobs: [{ id: fresh("imported"), ...jobInput() }] } });
  await works("PUT", `/v1/users/${user}`, 200, { json: { active: false } });
  await works("POST", `/v1/users/${user}/seen`, 200);
  await works("POST", "/v1/users/import", 200, { json: { users: [user, fresh("user")] } });
  await works("PUT", `/v1/agents/${agent}`, 200, { json: { url: "https://agent.test/moved" } });
  await works("PUT", `/v1/heartbeats/${heartbeat}`, 200, { json: { every: "1h" } });
  await works("PUT", `/v1/heartbeats/${heartbeat}/document`, 204, {
    body: "- water the plants",
    headers: { "content-type": "text/markdown" },
  });
  await works("POST", `/v1/heartbeats/${heartbeat}/beat`, 202);
  await works("DELETE", `/v1/users/${user}`, 204);
  const again = await more.trigger();
  expect([again.status, again.body]).toEqual([200, more.triggered]);
  await works("POST", `/v1/jobs/${job}/trigger`, 202, { json: { key: fresh("event") } });
  const [claimed] = itemsOf(await claim(more.puller));
  const report = { json: { status: "success" } };
  await works("POST", `/v1/jobs/${more.pulled}/runs/${String(claimed?.data.run.id)}/complete`, 200, report);
  await offer(more.pulled);
  await works("GET", `/v1/agents/${more.puller}`, 200);
  await more.fail(2);
  await works("POST", `/v1/subscriptions/${more.subscription}/test`, 200);

  const versions = await Promise.all([
    column(env.JOB.getByName(job), "entry WHERE slot = 0", "schema_version"),
    column(env.JOB.getByName(allUsers), "fan_out", "schema_version"),
    column(env.FAN_OUT.getByName(shardName(allUsers, 0)), "shard", "schema_version"),
    column(env.HEARTBEAT.getByName(heartbeat), "heartbeat", "schema_version"),
    column(shardFor(agentKey(agent)), "shard", "schema_version"),
    column(env.MAILBOX.getByName(more.puller), "mailbox", "schema_version"),
    column(env.SUBSCRIPTION.getByName(more.subscription), "subscription", "schema_version"),
  ]);
  expect(new Set(versions.flat())).toEqual(new Set([99]));
  expect(await column(env.JOB.getByName(job), "entry WHERE slot = 0", "of_the_newer_code")).toEqual(["kept"]);
  expect(await column(shardFor(agentKey(agent)), `agent WHERE id = '${agent}'`, "of_the_newer_code")).toEqual(["kept"]);
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

  it("is shown and exported unchanged, and its runs are listed", async () => {
    const { id, before } = await make();
    const shown = { ...before, schedule: { moon: "full" } };
    expect(await jobObject(env, id).read(ADMIN)).toEqual({ ok: true, value: shown });
    expect(await jobObject(env, id).exported()).toMatchObject({ ok: true, value: shown });
    const { items } = (await call("GET", `/v1/jobs/${id}/runs`)).body;
    expect(items).toMatchObject([{ trigger: "manual", status: "success" }]);
    const [run] = items as readonly { readonly id: string }[];
    expect((await call("GET", `/v1/jobs/${id}/runs/${run?.id}`)).body).toEqual(run);
  });

  it("has an alarm every five minutes, and fires once the later version is deployed", async () => {
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
