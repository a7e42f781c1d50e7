/** The limits of what one token can store (docs/contract.md §16), and the maker of changes (§17), with small limits. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

type Fields = Readonly<Record<string, unknown>>;
type Answer = { readonly status: number; readonly body: Record<string, unknown>; readonly headers: Headers };

let service: Reveille;
beforeAll(async () => {
  const env = { MAX_JOBS_PER_OWNER: "4", MAX_FIRES_PER_DAY: "100", MIN_INTERVAL: "1m" };
  service = await startReveille({ dataDir: await temporaryFolder(), env });
});
afterAll(() => service.stop());

let made = 0;
const fresh = (prefix: string): string => `${prefix}${made++}`;

async function send(method: string, path: string, json?: Fields, token?: string): Promise<Answer> {
  const response = await service.api(path, { method, json, ...(token === undefined ? {} : { token }) });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text === "" ? {} : JSON.parse(text) };
}

async function mint(ids: Fields): Promise<string> {
  const { status, body } = await send("POST", "/v1/tokens", { expires_in: "1h", ...ids });
  expect(status).toBe(201);
  return String(body.token);
}

const create = (fields: Fields, token?: string): Promise<Answer> =>
  send("POST", "/v1/jobs", { name: fresh("job"), message: "m", schedule: { every: "12h" }, ...fields }, token);

const expectQuota = ({ status, body, headers }: Answer, ...texts: readonly string[]): void => {
  expect({ status, code: body.code }).toEqual({ status: 429, code: "quota_exceeded" });
  for (const text of texts) expect(body.detail).toContain(text);
  expect(Number(headers.get("retry-after"))).toBeGreaterThan(0);
};

describe("the quota of jobs", () => {
  it("counts jobs that a token creates for invented users", async () => {
    const token = await mint({ role: "agent", agent_id: fresh("agent") });
    for (let n = 0; n < 4; n++) expect((await create({ user_id: fresh("ghost") }, token)).status).toBe(201);
    expectQuota(await create({ user_id: fresh("ghost") }, token), "have made 4 jobs", "4 is the most");
    expectQuota(await create({}, token), "have made 4 jobs");
  });

  it("leaves a user half of it, however many jobs tokens of others create", async () => {
    const user = fresh("victim");
    const agent = await mint({ role: "agent", agent_id: fresh("agent") });
    for (let n = 0; n < 2; n++) expect((await create({ user_id: user }, agent)).status).toBe(201);
    expectQuota(await create({ user_id: user }, agent), "have made 2 unfinished jobs", "half of its quota");
    const own = await mint({ role: "user", user_id: user });
    for (let n = 0; n < 2; n++) expect((await create({}, own)).status).toBe(201);
    expectQuota(await create({}, own), `user:${user} has 4 jobs`, "4 is the most");
    expectQuota(await create({ user_id: user }), `user:${user} has 4 jobs`);
  });

  it("is given back to owner and maker when a job is deleted", async () => {
    const token = await mint({ role: "agent", agent_id: fresh("agent") });
    const jobs = await Promise.all([1, 2, 3, 4].map(() => create({ user_id: fresh("user") }, token)));
    expectQuota(await create({ user_id: fresh("user") }, token));
    expect((await send("DELETE", `/v1/jobs/${jobs[0]?.body.id}`, undefined, token)).status).toBe(204);
    expect((await create({ user_id: fresh("user") }, token)).status).toBe(201);
    expectQuota(await create({ user_id: fresh("user") }, token));
  });
});

describe("the fires of a day", () => {
  it("are the sum over the schedules of unfinished jobs", async () => {
    const token = await mint({ role: "user", user_id: fresh("user") });
    expect((await create({ schedule: { every: "24m" } }, token)).status).toBe(201);
    expectQuota(await create({ schedule: { every: "30m" } }, token), "up to 60 times a day", "48 more", "limit of 100");
    const { body } = await create({ schedule: { every: "1h" } }, token);
    const patch = (every: string) => send("PATCH", `/v1/jobs/${body.id}`, { schedule: { every } }, token);
    expectQuota(await patch("30m"), "up to 84 times a day", "24 more");
    expect((await patch("2h")).status).toBe(200);
    expect((await patch("40m")).status).toBe(200);
    expect((await create({ schedule: { at: "2099-01-01T00:00:00Z" } }, token)).status).toBe(201);
    expect((await create({ schedule: { cron: "0 9 * * *" } }, token)).status).toBe(201);
  });

  it("count for a token that makes others' jobs fire more often, as if it had created them", async () => {
    const agent = fresh("agent");
    const token = await mint({ role: "agent", agent_id: agent });
    const jobs = await Promise.all([1, 2, 3].map(() => create({ agent_id: agent, user_id: fresh("user") })));
    const patch = (n: number, every: string, as?: string) =>
      send("PATCH", `/v1/jobs/${jobs[n]?.body.id}`, { schedule: { every } }, as);
    for (const n of [0, 1]) expect((await patch(n, "30m", token)).status).toBe(200);
    expectQuota(await patch(2, "30m", token), `tokens of agent:${agent}`, "96 times a day");
    expect((await patch(2, "30m")).status).toBe(200);
    // After the operator has changed this job, the token's allowance is free for another job.
    expect((await patch(0, "20m")).status).toBe(200);
    expect((await patch(2, "20m", token)).status).toBe(429);
    const { body } = await create({ agent_id: agent, user_id: fresh("user") });
    expect((await send("PATCH", `/v1/jobs/${body.id}`, { schedule: { every: "30m" } }, token)).status).toBe(200);
    expect((await send("DELETE", `/v1/jobs/${body.id}`, undefined, token)).status).toBe(204);
  });

  it("do not limit the operator", async () => {
    expect((await create({ user_id: fresh("user"), schedule: { every: "1s" } })).status).toBe(201);
  });

  it("include the backfills of the day", async () => {
    const token = await mint({ role: "user", user_id: fresh("user") });
    const { body } = await create({ schedule: { every: "1h" } }, token);
    const backfill = (hours: number, as?: string) => {
      const to = new Date();
      const from = new Date(to.getTime() - hours * 3_600_000 + 1_000);
      return send("POST", `/v1/jobs/${body.id}/backfill`, { from: from.toISOString(), to: to.toISOString() }, as);
    };
    expect(await backfill(50, token)).toMatchObject({ status: 202, body: { count: 50 } });
    expectQuota(await backfill(50, token), "up to 74 times a day", "50 more", "limit of 100");
    expect(await backfill(26, token)).toMatchObject({ status: 202 });
    expect(await backfill(50)).toMatchObject({ status: 202 });
  });
});

describe("MIN_INTERVAL", () => {
  it("is the shortest time between two fires, for creates, dry runs and changes", async () => {
    const token = await mint({ role: "user", user_id: fresh("user") });
    const refused = await create({ schedule: { every: "30s" } }, token);
    expect(refused).toMatchObject({ status: 422, body: { code: "validation_failed" } });
    expect(refused.body.errors).toMatchObject([{ path: "schedule" }]);
    expect(refused.body.hint).toContain("MIN_INTERVAL");
    const dry = { name: "n", message: "m", schedule: { every: "30s" } };
    expect((await send("POST", "/v1/jobs?dry_run=true", dry, token)).status).toBe(422);
    const { body } = await create({}, token);
    const patch = (json: Fields, as?: string) => send("PATCH", `/v1/jobs/${body.id}`, json, as);
    expect((await patch({ schedule: { every: "59s" } }, token)).status).toBe(422);
    expect((await patch({ schedule: { every: "59s" } })).status).toBe(200);
    expect((await patch({ description: "as the operator left it" }, token)).status).toBe(200);
  });
});

describe("finished jobs", () => {
  it("are kept up to ten times the quota, and the oldest are erased first", async () => {
    const token = await mint({ role: "user", user_id: fresh("user") });
    const ids: string[] = [];
    const listed = async () => {
      const { body } = await send("GET", "/v1/jobs?state=finished&limit=100", undefined, token);
      return (body.items as { id: string }[]).map(({ id }) => id);
    };
    for (let round = 0; round < 11; round++) {
      const at = new Date(Date.now() + 1_100).toISOString();
      const jobs = await Promise.all([1, 2, 3, 4].map(() => create({ schedule: { at } }, token)));
      ids.push(...jobs.map(({ status, body }) => (status === 201 ? String(body.id) : "refused")));
      await eventually("the jobs do not finish", async () => {
        const { body } = await send("GET", "/v1/jobs", undefined, token);
        return (body.items as unknown[]).length === 0;
      });
    }
    expect(ids).not.toContain("refused");
    await eventually("more than 40 are kept", async () => (await listed()).length === 40);
    const kept = await listed();
    expect(kept).toContain(ids.at(-1));
    expect(kept).not.toContain(ids[0]);
  }, 90_000);
});

describe("the maker of a change", () => {
  it("is shown in the job and in the audit trail, also for a deleted job", async () => {
    const agent = fresh("agent");
    const token = await mint({ role: "agent", agent_id: agent });
    const { body: job } = await create({ message: "a secret plan" }, token);
    expect(job).toMatchObject({ created_by: `agent:${agent}`, updated_by: `agent:${agent}` });
    const path = `/v1/jobs/${job.id}`;
    expect((await send("POST", `${path}/run`)).status).toBe(202);
    expect((await send("PATCH", path, { description: "changed" })).body).toMatchObject({
      created_by: `agent:${agent}`,
      updated_by: "admin",
    });
    await send("POST", `${path}/pause`, undefined, token);
    await send("POST", `${path}/resume`, undefined, token);
    expect((await send("DELETE", path, undefined, token)).status).toBe(204);
    const { body } = await send("GET", `/v1/audit?job_id=${job.id}`);
    const common = { target: job.id, job_id: job.id, owner: `agent:${agent}` };
    const [byToken, byAdmin] = [
      { ...common, actor: `agent:${agent}` },
      { ...common, actor: "admin" },
    ];
    expect(body.items).toMatchObject([
      { ...byToken, action: "job.delete" },
      { ...byToken, action: "job.resume" },
      { ...byToken, action: "job.pause" },
      { ...byAdmin, action: "job.update" },
      { ...byToken, action: "job.create" },
    ]);
    expect(JSON.stringify(body)).not.toContain("a secret plan");
    const only = await send("GET", `/v1/audit?actor=agent:${agent}&action=job.pause`);
    expect(only.body.items).toMatchObject([{ action: "job.pause", token_id: expect.stringMatching(/^t/) }]);
    const first = await send("GET", `/v1/audit?job_id=${job.id}&limit=3`);
    const rest = await send("GET", `/v1/audit?job_id=${job.id}&limit=3&cursor=${first.body.next_cursor}`);
    expect(rest.body.items).toMatchObject([{ action: "job.update" }, { action: "job.create" }]);
    expect(rest.body.next_cursor).toBeUndefined();
    expect((await send("GET", "/v1/audit?since=2099-01-01T00:00:00Z")).body.items).toEqual([]);
    expect((await send("GET", "/v1/audit?until=2001-01-01T00:00:00Z")).body.items).toEqual([]);
    expect((await send("GET", "/v1/audit?since=yesterday")).status).toBe(422);
  });

  it("is not recorded for refused calls", async () => {
    const token = await mint({ role: "user", user_id: fresh("user") });
    const { body } = await create({}, token);
    expect((await send("PATCH", `/v1/jobs/${body.id}`, { nonsense: 1 }, token)).status).toBe(422);
    expect((await send("PATCH", `/v1/jobs/${body.id}`, {}, token)).status).toBe(200);
    const { items } = (await send("GET", `/v1/audit?job_id=${body.id}`)).body;
    expect(items).toMatchObject([{ action: "job.create" }]);
  });
});

describe("the audit trail", () => {
  it("has one entry for each change of an agent, a heartbeat and the roster, and none for calls without a change", async () => {
    const [agent, name, user] = [fresh("agent"), fresh("heartbeat"), fresh("user")];
    const url = "https://agent.example.com/hook?key=secret";
    for (const method of ["PUT", "PUT", "DELETE"]) {
      await send(method, `/v1/agents/${agent}`, method === "PUT" ? { url } : undefined);
    }
    await send("PUT", `/v1/heartbeats/${name}`, { every: "1h" });
    await send("PUT", `/v1/heartbeats/${name}`, { every: "2h" });
    await send("DELETE", `/v1/heartbeats/${name}`);
    for (const active of [true, true, false]) await send("PUT", `/v1/users/${user}`, { active });
    await send("POST", `/v1/users/${user}/seen`);
    await send("DELETE", `/v1/users/${user}`);
    await send("POST", "/v1/users/import", { users: [user] });
    const { body } = await send("GET", "/v1/audit?limit=9");
    const entries = (body.items as { action: string; target: string; actor: string }[]).map(
      ({ action, target, actor }) => [actor, action, target],
    );
    expect(entries).toEqual([
      ["admin", "user.import", "roster"],
      ["admin", "user.delete", user],
      ["admin", "user.update", user],
      ["admin", "user.create", user],
      ["admin", "heartbeat.delete", name],
      ["admin", "heartbeat.update", name],
      ["admin", "heartbeat.create", name],
      ["admin", "agent.delete", agent],
      ["admin", "agent.create", agent],
    ]);
    expect(JSON.stringify(body)).not.toContain("secret");
  });
});
