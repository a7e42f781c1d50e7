/** Fan-outs over HTTP: users from ACTIVE_USERS_URL and its failures, ticks, and modes. */
import { createHmac } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import {
  allRuns,
  fanOutNow,
  listFanOuts,
  makeAllUsersJob,
  readFanOut,
  readJob,
  tickAt,
  untilEnded,
} from "../fan-out-client.ts";
import { type Agent, eventually, type Reveille, startAgent, startReveille, temporaryFolder } from "../harness/index.ts";
import { pagesOf, startUsersServer, type UsersServer } from "../users-server.ts";

const RETRY = { max_attempts: 3, min_backoff: "1s", max_backoff: "1s" };
const users = (count: number) => Array.from({ length: count }, (_, i) => `user-${i}`);

let agent: Agent;
let source: UsersServer;
let reveille: Reveille;

const USERS_SECRET = `whsec_${Buffer.from("the secret of the source of users").toString("base64")}`;
const envOf = () => ({
  AGENT_URL: agent.url,
  AGENT_SECRET: agent.secret,
  ACTIVE_USERS_URL: source.url,
  USERS_SECRET,
});

beforeAll(async () => {
  agent = await startAgent();
  source = await startUsersServer(pagesOf(users(3), 10));
  reveille = await startReveille({ dataDir: await temporaryFolder(), env: envOf() });
});
beforeEach(() => source.answerWith(pagesOf(users(3), 10)));

async function fanOut(fields: Record<string, unknown> = {}) {
  const job = await makeAllUsersJob(reveille, { retry: RETRY, ...fields });
  const id = await fanOutNow(reveille, job.id);
  const ended = await untilEnded(reveille, job.id, id);
  return { job, ended, runs: await allRuns(reveille, job.id, { fan_out_id: id }) };
}

describe("ACTIVE_USERS_URL", () => {
  it("is read page by page, a repeated user is run once, and a number becomes its string", async () => {
    const seen = source.calls.length;
    source.answerWith(pagesOf(["ann", 7, "bob", "ann", "7", "cem", "bob", 2 ** 53 - 1], 3));
    const { ended, runs } = await fanOut();
    expect(ended).toMatchObject({ status: "success", total: 5, succeeded: 5 });
    expect(runs.map((run) => run.user_id).sort()).toEqual(["7", "9007199254740991", "ann", "bob", "cem"]);
    expect(source.calls.slice(seen).map((call) => call.cursor)).toEqual([null, "3", "6"]);
  });

  it("is called with a signature by its own secret", async () => {
    await fanOut();
    const headers = source.calls.at(-1)?.headers ?? {};
    const key = Buffer.from(USERS_SECRET.slice("whsec_".length), "base64");
    const signed = `${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`;
    expect(headers["webhook-signature"]).toBe(`v1,${createHmac("sha256", key).update(signed).digest("base64")}`);
  });

  it("is asked again for the same page after a failure, and no user is run twice or left out", async () => {
    const pages = pagesOf(users(25), 10);
    const asked: (string | null)[] = [];
    const failing = new Map([
      ["10", { status: 503 }],
      ["20", { reset: true }],
    ]);
    source.answerWith((call, index) => {
      asked.push(call.cursor);
      const failure = failing.get(call.cursor ?? "");
      failing.delete(call.cursor ?? "");
      return failure ?? pages(call, index);
    });
    const { ended, runs } = await fanOut();
    expect(ended).toMatchObject({ status: "success", total: 25, succeeded: 25 });
    expect(new Set(runs.map((run) => run.user_id))).toEqual(new Set(users(25)));
    expect(asked).toEqual([null, "10", "10", "20", "20"]);
  });

  it("ends the fan-out as an error with the number of users if it keeps failing, and users that were read have their runs", async () => {
    const pages = pagesOf(users(25), 10);
    source.answerWith((call, index) => (call.cursor === "10" ? { status: 500 } : pages(call, index)));
    const { job, ended, runs } = await fanOut();
    const error = "the users could not be read beyond the first 10: ACTIVE_USERS_URL answered 500: {}";
    expect(ended).toMatchObject({ status: "error", error, total: 10, succeeded: 10 });
    expect(runs).toHaveLength(10);
    expect(await readJob(reveille, job.id)).toMatchObject({ last_status: "error", last_error: error, run_count: 10 });
  });

  it.each([
    { what: "404", answer: { status: 404 }, says: "answered 404" },
    { what: "a redirect", answer: { status: 302 }, says: "answered 302" },
    { what: "no JSON", answer: { body: "<html>" }, says: "answered something else than" },
    { what: "no users", answer: { body: { people: [] } }, says: "users: " },
    { what: "users that are no ids", answer: { body: { users: ["ann", { id: 1 }] } }, says: "users.1: " },
    {
      what: "the same cursor for ever",
      answer: { body: { users: ["ann"], next_cursor: "x" } },
      says: "the same next_cursor again",
    },
  ])("ends the fan-out as an error if it answers $what", async ({ answer, says }) => {
    source.answerWith(() => answer);
    const { ended } = await fanOut();
    expect(ended.status).toBe("error");
    expect(ended.error).toContain(says);
  });

  it("ends the fan-out as an error if its cursors repeat", async () => {
    source.answerWith(({ cursor }) => ({
      body: { users: ["ann"], next_cursor: String((Number(cursor ?? 0) + 1) % 5) || "0" },
    }));
    const { ended } = await fanOut();
    expect(ended).toMatchObject({ status: "error", total: 1, succeeded: 1 });
    expect(ended.error).toContain("its pages would never end");
  });

  it("may have no users, which gives an empty fan-out", async () => {
    source.answerWith(() => ({ body: { users: [] } }));
    expect((await fanOut()).ended).toMatchObject({ status: "success", total: 0 });
  });
});

describe("the tick", () => {
  it("for more than a minute ahead counts as one for now", async () => {
    const job = await makeAllUsersJob(reveille, { schedule: { every: "2m" } });
    await tickAt(reveille, Date.parse(job.next_run_at ?? ""));
    expect(await listFanOuts(reveille, job.id)).toEqual([]);
    expect((await readJob(reveille, job.id)).next_run_at).toBe(job.next_run_at);
  });

  it("fires a one-time job for all users, once, and the job finishes after them", async () => {
    const at = Date.now() + 30_000;
    const job = await makeAllUsersJob(reveille, { schedule: { at: new Date(at).toISOString() } });
    await tickAt(reveille, at - 1_000);
    expect(await listFanOuts(reveille, job.id)).toEqual([]);
    await tickAt(reveille, at);
    await tickAt(reveille, at);
    const [only, ...more] = await listFanOuts(reveille, job.id);
    expect(more).toEqual([]);
    expect(await untilEnded(reveille, job.id, only?.id ?? "")).toMatchObject({ trigger: "schedule", succeeded: 3 });
    await eventually("the job's end", async () => (await readJob(reveille, job.id)).state === "finished");
  });

  it("logs fires that come due during a fan-out as skipped", async () => {
    agent.answerWith(() => ({ delayMs: 500 }));
    const job = await makeAllUsersJob(reveille, { schedule: { every: "1m" } });
    const id = await fanOutNow(reveille, job.id);
    const again = await reveille.api(`/v1/jobs/${job.id}/run`, { method: "POST" });
    expect(again.status).toBe(409);
    expect(await again.json()).toMatchObject({ code: "job_already_running" });
    await tickAt(reveille, Date.parse(job.next_run_at ?? ""));
    agent.answerWith(() => ({}));
    await untilEnded(reveille, job.id, id);
    const skipped = await allRuns(reveille, job.id, { status: "skipped" });
    expect(skipped).toMatchObject([
      { error: "skipped: the previous fan-out was still going", scheduled_at: job.next_run_at },
    ]);
    expect(await listFanOuts(reveille, job.id)).toHaveLength(1);
  });
});

describe("over HTTP", () => {
  it("an unknown fan-out or run is 404, and lists page with cursors", async () => {
    const { job, ended, runs } = await fanOut();
    expect((await reveille.api(`/v1/jobs/${job.id}/fan-outs/nothing`)).status).toBe(404);
    expect((await reveille.api(`/v1/jobs/${job.id}/runs/${ended.id}-u${"0".repeat(24)}`)).status).toBe(404);
    expect((await reveille.api(`/v1/jobs/${job.id}/fan-outs?cursor=nonsense`)).status).toBe(422);
    const one = await reveille.api(`/v1/jobs/${job.id}/runs/${runs[0]?.id}`);
    expect(await one.json()).toEqual(runs[0]);
    expect(await allRuns(reveille, job.id, { user_id: "user-1", limit: "1" })).toMatchObject([{ user_id: "user-1" }]);
    expect(await allRuns(reveille, job.id, { fan_out_id: "another" })).toEqual([]);
    expect(await readFanOut(reveille, job.id, ended.id)).toEqual(ended);
  });

  it("a user's run is completed by the agent with the run's own token", async () => {
    agent.answerWith(() => ({ status: 202 }));
    const job = await makeAllUsersJob(reveille);
    const before = agent.calls.length;
    const id = await fanOutNow(reveille, job.id);
    const calls = (await agent.waitForCalls(before + 3)).slice(before);
    agent.answerWith(() => ({}));
    for (const call of calls) {
      const { url, token } = call.body.data.complete ?? { url: "", token: "" };
      const done = await reveille.api(new URL(url).pathname, { json: { status: "success", output: "ok" }, token });
      expect(done.status).toBe(200);
    }
    expect(await untilEnded(reveille, job.id, id)).toMatchObject({ status: "success", succeeded: 3 });
  });
});

it("a mode that holds fires skips the users of a fan-out that are not called yet", async () => {
  agent.answerWith(() => ({ delayMs: 100 }));
  source.answerWith(pagesOf(users(40), 40));
  const dataDir = await temporaryFolder();
  const first = await startReveille({ dataDir, env: envOf() });
  const job = await makeAllUsersJob(first, { schedule: { every: "1m" }, fan_out: { concurrency: 2 } });
  const before = agent.calls.length;
  await tickAt(first, Date.parse(job.next_run_at ?? ""));
  await agent.waitForCalls(before + 5);
  await first.kill("SIGKILL");
  const held = await startReveille({ dataDir, env: { ...envOf(), MODE: "stopped" } });
  const [going] = await listFanOuts(held, job.id);
  const ended = await untilEnded(held, job.id, going?.id ?? "");
  expect(ended).toMatchObject({ total: 40, pending: 0, failed: 0 });
  expect(ended.skipped).toBeGreaterThan(0);
  expect(ended.succeeded + ended.skipped).toBe(40);
  const skipped = await allRuns(held, job.id, { fan_out_id: ended.id, status: "skipped" });
  expect(skipped).toHaveLength(ended.skipped);
  expect(skipped[0]).toMatchObject({ error: "held: MODE=stopped", fan_out_id: ended.id });
  expect((await readJob(held, job.id)).run_count).toBe(ended.succeeded);
  await held.stop();
  agent.answerWith(() => ({}));
});

it.each([
  { env: { USER_JOBS: "false" }, says: "held: USER_JOBS=false" },
  { env: { MODE: "stopped" }, says: "held: MODE=stopped" },
  { env: { MODE: "ephemeral" }, says: "held: MODE=ephemeral" },
])("$env holds fires, which are logged as skipped and not run later", async ({ env, says }) => {
  const held = await startReveille({ dataDir: await temporaryFolder(), env: { ...envOf(), ...env } });
  const job = await makeAllUsersJob(held, { schedule: { every: "1m" } });
  await tickAt(held, Date.parse(job.next_run_at ?? ""));
  expect(await listFanOuts(held, job.id)).toEqual([]);
  expect(await allRuns(held, job.id)).toMatchObject([
    { status: "skipped", error: says, scheduled_at: job.next_run_at },
  ]);
  await held.stop();
});

it("a source of users that changes during the reading ends the fan-out as an error, and the next one runs", async () => {
  source.answerWith((call, index) => (call.cursor === null ? pagesOf(users(20), 10)(call, index) : { status: 503 }));
  const dataDir = await temporaryFolder();
  const first = await startReveille({ dataDir, env: envOf() });
  const retry = { max_attempts: 10, min_backoff: "2s", max_backoff: "2s" };
  const job = await makeAllUsersJob(first, { retry });
  const id = await fanOutNow(first, job.id);
  await eventually("the first page", async () => (await readFanOut(first, job.id, id)).total >= 10);
  await first.kill("SIGKILL");
  const { ACTIVE_USERS_URL: _gone, ...env } = envOf();
  const second = await startReveille({ dataDir, env });
  const ended = await untilEnded(second, job.id, id);
  expect(ended).toMatchObject({ status: "error", total: 10, succeeded: 10 });
  expect(ended.error).toContain("the source of users was changed while they were being read");
  const next = await untilEnded(second, job.id, await fanOutNow(second, job.id));
  expect(next).toMatchObject({ status: "success", total: 0 });
  await second.stop();
});
