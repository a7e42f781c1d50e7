import { describe, expect, it } from "vitest";
import { resolveAgent } from "../../../src/agent/resolve.ts";
import { deleteAgent, getAgent, listAgents, putAgent } from "../../../src/directory/agents.ts";
import { listHeartbeats, registerHeartbeat, unregisterHeartbeat } from "../../../src/directory/heartbeats.ts";
import { randomJobId } from "../../../src/directory/job-ids.ts";
import {
  adoptJobId,
  forgetJobId,
  isNameReserved,
  mayExist,
  releaseNameEverywhere,
  reserveJob,
  reserveNameEverywhere,
} from "../../../src/directory/jobs-index.ts";
import { tickDirectory } from "../../../src/directory/tick.ts";
import { agentKey } from "../../../src/domain/directory-shard.ts";
import { parseSecret } from "../../../src/outbound/signature.ts";
import { allShards, shardFor } from "../bindings.ts";
import { answered, entry, env, freshJobId, settings } from "../directory-fixture.ts";

const url = "https://agent.example/hook";
const deployed = settings();
const secretOf = (bytes: number): string => `whsec_${btoa("k".repeat(bytes))}`;

describe("an agent", () => {
  it("gets a secret when it is new, shown in that answer only", async () => {
    const made = await answered(putAgent(env, deployed, "anna", { url }));
    expect(made).toMatchObject({ created: true, agent: { id: "anna", url } });
    const key = parseSecret(made.agent.secret ?? "");
    expect(key.ok && key.value.byteLength).toBe(32);

    const moved = { id: "anna", delivery: "push", url: "https://agent.example/moved" };
    expect(await answered(putAgent(env, deployed, "anna", { url: moved.url }))).toEqual({
      created: false,
      agent: moved,
    });
    expect(await getAgent(env, deployed, "anna", true)).toEqual({ ok: true, value: moved });
    expect(await resolveAgent(env, deployed, "anna")).toEqual({
      ok: true,
      value: { url: moved.url, secret: made.agent.secret },
    });
  });

  it("keeps a secret that its operator gives, and gets a new one on request", async () => {
    const secret = secretOf(24);
    expect(await answered(putAgent(env, deployed, "bert", { url, secret }))).toEqual({
      created: true,
      agent: { id: "bert", delivery: "push", url },
    });
    expect(await resolveAgent(env, deployed, "bert")).toMatchObject({ value: { secret } });
    const rotated = await answered(putAgent(env, deployed, "bert", { url, rotate: true }));
    expect(rotated.agent.secret).toMatch(/^whsec_/);
    expect(rotated.agent.secret).not.toBe(secret);
    const both = { value: { secret: [rotated.agent.secret, secret] } };
    expect(await resolveAgent(env, deployed, "bert")).toMatchObject(both);
    const day = Date.now() + 86_400_000;
    expect(Date.parse(rotated.agent.previous_secret_until ?? "")).toBeGreaterThan(day - 60_000);
    expect(await resolveAgent(env, deployed, "bert", day + 1_000)).toMatchObject({
      value: { secret: rotated.agent.secret },
    });
  });

  it.each([
    ["an id that no job can name", "a b", { url }, "id"],
    ["http to another machine", "x", { url: "http://agent.example/" }, "url"],
    ["http to loopback in the cloud", "x", { url: "http://127.0.0.1:1/" }, "url"],
    ["no URL", "x", { url: "agent" }, "url"],
    ["a secret without its prefix", "x", { url, secret: "hunter2" }, "secret"],
    ["a secret that is not base64", "x", { url, secret: "whsec_!" }, "secret"],
    ["a secret of 23 bytes", "x", { url, secret: secretOf(23) }, "secret"],
    ["a secret of 65 bytes", "x", { url, secret: secretOf(65) }, "secret"],
  ])("with %s is refused by the field's name", async (_, id, input, path) => {
    const answer = await putAgent(env, deployed, id, input);
    expect(answer).toMatchObject({ ok: false, error: { kind: "validation_failed", errors: [{ path }] } });
    expect(JSON.stringify(answer)).not.toContain("hunter2");
  });

  it("may be on loopback under npm start", async () => {
    const local = settings({ LOCAL: "true" });
    expect(await putAgent(env, local, "local", { url: "http://127.0.0.1:9000/" })).toMatchObject({ ok: true });
  });

  it("is listed with the others by id, page by page, without secrets", async () => {
    for (let i = 0; i < 7; i++) await putAgent(env, deployed, `list-${i}`, { url });
    const items = [];
    let cursor: string | undefined;
    do {
      const page = await answered(listAgents(env, 3, cursor, true));
      items.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor !== undefined);
    expect(items.filter(({ id }) => id.startsWith("list-"))).toEqual(
      Array.from({ length: 7 }, (_, i) => ({ id: `list-${i}`, delivery: "push", url })),
    );
    expect(JSON.stringify(items)).not.toContain("whsec_");
  });

  it("is not called after it was deleted", async () => {
    await putAgent(env, deployed, "gone", { url });
    expect(await resolveAgent(env, deployed, "gone")).toMatchObject({ ok: true });
    expect(await deleteAgent(env, "gone")).toEqual({ ok: true, value: null });
    expect(await deleteAgent(env, "gone")).toMatchObject({ ok: false, error: { kind: "not_found" } });
    expect(await getAgent(env, deployed, "gone", true)).toMatchObject({ ok: false, error: { kind: "not_found" } });
    expect(await resolveAgent(env, deployed, "gone")).toEqual({
      ok: false,
      error: 'agent "gone" is not registered: PUT /v1/agents/gone',
    });
  });

  it("is looked up once a minute; one that was missing is found as soon as it is there", async () => {
    const elsewhere = shardFor(agentKey("cached"));
    expect(await resolveAgent(env, deployed, "cached", 0)).toMatchObject({ ok: false });
    await elsewhere.putAgent("cached", { url, secret: secretOf(32) });
    expect(await resolveAgent(env, deployed, "cached", 1)).toMatchObject({ value: { url } });
    await elsewhere.putAgent("cached", { url: "https://agent.example/2" });
    expect(await resolveAgent(env, deployed, "cached", 60_000)).toMatchObject({ value: { url } });
    expect(await resolveAgent(env, deployed, "cached", 60_001)).toMatchObject({
      value: { url: "https://agent.example/2" },
    });
  });
});

describe("the default agent", () => {
  const secret = secretOf(32);
  it.each(["", undefined])("is the one at AGENT_URL, for a job whose agent_id is %j", async (agentId) => {
    const configured = settings({ AGENT_URL: url, AGENT_SECRET: secret });
    expect(await resolveAgent(env, configured, agentId)).toEqual({ ok: true, value: { url, secret } });
  });

  it("is called by http on this machine only, and under npm start only", async () => {
    const at = (AGENT_URL: string, LOCAL: string) =>
      resolveAgent(env, settings({ AGENT_URL, AGENT_SECRET: secret, LOCAL }), undefined);
    const loopback = "http://127.0.0.1:9/hook";
    expect(await at(loopback, "true")).toEqual({ ok: true, value: { url: loopback, secret } });
    expect(await at(loopback, "false")).toMatchObject({ error: expect.stringMatching(/AGENT_URL.*npm start only/) });
    expect(await at("http://agent.example/", "true")).toMatchObject({ error: expect.stringMatching(/https:\/\//) });
  });

  it("is the bound service if there is one, which is called without leaving the platform", async () => {
    const calls: string[] = [];
    const AGENT = {
      fetch: async (called: string) => {
        calls.push(called);
        return new Response("done");
      },
    } as unknown as Fetcher;
    const agent = await answeredAgent(resolveAgent({ ...env, AGENT }, settings({ AGENT_SECRET: secret }), undefined));
    expect(await (await agent.fetch?.(agent.url, { method: "POST" }))?.text()).toBe("done");
    expect(calls).toEqual([agent.url]);
  });

  it("is missing with an error that says what to set", async () => {
    expect(await resolveAgent(env, settings(), undefined)).toMatchObject({
      error: expect.stringContaining("set AGENT_URL"),
    });
    expect(await resolveAgent(env, settings({ AGENT_URL: url }), undefined)).toMatchObject({
      error: expect.stringContaining("set AGENT_SECRET"),
    });
  });
});

describe("a reserved name", () => {
  it("is refused to every owner but the system, in every shard, until it is released", async () => {
    const id = freshJobId();
    expect(await reserveNameEverywhere(env, "nightly", id)).toMatchObject({ ok: true });
    expect(await reserveNameEverywhere(env, "nightly", id)).toMatchObject({ ok: true });
    for (let user = 0; user < 40; user++) {
      const refused = await reserveJob(env, entry({ owner: `user:${user}`, name: "nightly" }), { maxJobs: 10 });
      expect(refused).toMatchObject({ ok: false, error: { kind: "name_reserved", name: "nightly" } });
      expect(await isNameReserved(env, `user:${user}`, "nightly")).toBe(true);
    }
    await releaseNameEverywhere(env, "nightly", id);
    for (const shard of allShards()) expect(await shard.nameHolder("nightly")).toBeUndefined();
  });

  it("that another job has in only one shard does not stay reserved in the others", async () => {
    await shardFor("user:3").reserveName("weekly", "jother");
    expect(await reserveNameEverywhere(env, "weekly", freshJobId())).toMatchObject({
      ok: false,
      error: { kind: "name_reserved" },
    });
    const holders = await Promise.all(allShards().map((shard) => shard.nameHolder("weekly")));
    expect(holders.filter((holder) => holder !== undefined)).toEqual(["jother"]);
  });
});

describe("the id of a job", () => {
  it("that was minted here proves itself; another one is known from its adoption to its deletion", async () => {
    expect(await mayExist(env, await randomJobId(env))).toBe(true);
    expect(await mayExist(env, "from-go-1")).toBe(false);
    expect(await adoptJobId(env, "from-go-1", "user:1")).toBe(true);
    expect(await adoptJobId(env, "from-go-1", "user:1")).toBe(false);
    expect(await mayExist(env, "from-go-1")).toBe(true);
    await forgetJobId(env, "from-go-1");
    expect(await mayExist(env, "from-go-1")).toBe(false);
  });

  it("that anybody could compute from the code is looked up: an older job is found, and no other", async () => {
    const [before, forged] = [entry({ createdAt: 1_000 }), entry({ createdAt: Date.now() + 3_600_000 })];
    for (const job of [before, forged]) await answered(reserveJob(env, job, { maxJobs: 1_000 }));
    expect(await mayExist(env, before.id)).toBe(true);
    expect(await mayExist(env, forged.id)).toBe(false);
    expect(await mayExist(env, freshJobId())).toBe(false);
  });
});

describe("the registry of heartbeats", () => {
  it("lists all by name, and gives all to the tick, since a disabled one logs that", async () => {
    const main = { name: "main", everyMinutes: 30, enabled: true };
    const evening = { name: "evening", everyMinutes: 60, enabled: false };
    await registerHeartbeat(env, { ...main, everyMinutes: 5 });
    await registerHeartbeat(env, main);
    await registerHeartbeat(env, evening);
    expect(await listHeartbeats(env)).toEqual([evening, main]);
    expect((await tickDirectory(env, 1)).heartbeats).toEqual(expect.arrayContaining([evening, main]));
    await unregisterHeartbeat(env, "main");
    expect(await listHeartbeats(env)).toEqual([evening]);
  });
});

async function answeredAgent<T>(answer: Promise<{ ok: true; value: T } | { ok: false; error: string }>): Promise<T> {
  const agent = await answer;
  if (!agent.ok) throw new Error(agent.error);
  return agent.value;
}
