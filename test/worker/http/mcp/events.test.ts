/** MCP Events in poll mode (docs/contract.md §18), over the same /mcp as the tools. */
import { beforeAll, describe, expect, it, vi } from "vitest";
import { call, fresh, makeJob, tokenFor } from "../../http-fixture.ts";

const FAILS = { message: JSON.stringify({ status: 404 }), retry: { max_attempts: 1 } };
type Fields = Record<string, unknown>;
type Poll = {
  events: Fields[];
  cursor: string;
  truncated: boolean;
  hasMore: boolean;
  nextPollMs: number;
  resultType: string;
};

async function rpc(method: string, params: Fields = {}, token?: string): Promise<{ result?: Fields; error?: Fields }> {
  const json = { jsonrpc: "2.0", id: 1, method, params };
  const got = await call("POST", "/mcp", token === undefined ? { json } : { json, token });
  expect([200, 400, 404], got.text).toContain(got.status);
  return got.body;
}
async function poll(params: Fields, token?: string): Promise<Poll> {
  const { result, error } = await rpc("events/poll", params, token);
  expect(error).toBeUndefined();
  return result as Poll;
}
async function fail(job: string): Promise<void> {
  const { body } = await call("POST", `/v1/jobs/${job}/run`);
  await vi.waitFor(
    async () => {
      const { items } = (await call("GET", `/v1/events?job_id=${job}&limit=100`)).body as {
        items: { run?: { id: string } }[];
      };
      expect(items.some(({ run }) => run?.id === body.run_id)).toBe(true);
    },
    { timeout: 10_000 },
  );
}

let job = "";
const user = fresh("user");
beforeAll(async () => {
  job = await makeJob({ ...FAILS, user_id: user });
});

describe("the server", () => {
  it("announces the extension", async () => {
    const params = { protocolVersion: "2025-06-18", capabilities: {}, clientInfo: { name: "t", version: "1" } };
    const { result } = await rpc("initialize", params);
    expect(result?.capabilities).toMatchObject({
      extensions: { "io.modelcontextprotocol/events": { delivery: ["poll"] } },
    });
  });

  it("lists every event with its arguments", async () => {
    const { result } = await rpc("events/list");
    const events = result?.events as { name: string; inputSchema: Fields }[];
    expect(events.map(({ name }) => name)).toContain("run.failed");
    expect(events[0]?.inputSchema).toMatchObject({ properties: { job_id: {}, agent_id: {}, user_id: {} } });
  });
});

describe("events/poll", () => {
  it("begins now without a cursor, and continues from a cursor, with each event once", async () => {
    await fail(job);
    const args = { name: "run.failed", arguments: { job_id: job } };
    const begun = await poll({ ...args, cursor: null });
    expect(begun).toMatchObject({ resultType: "complete", events: [], truncated: false, hasMore: false });
    for (let i = 0; i < 3; i++) await fail(job);
    const first = await poll({ ...args, cursor: begun.cursor, maxEvents: 2 });
    expect([first.events.length, first.hasMore, first.nextPollMs]).toEqual([2, true, 0]);
    const second = await poll({ ...args, cursor: first.cursor });
    expect([second.events.length, second.hasMore]).toEqual([1, false]);
    const ids = [...first.events, ...second.events].map(({ eventId }) => eventId);
    const listed = (await call("GET", `/v1/events?job_id=${job}&limit=3`)).body.items as Fields[];
    expect(ids.toReversed()).toEqual(listed.map(({ id }) => id));
    expect(second.events[0]).toMatchObject({ name: "run.failed", timestamp: listed[0]?.at, data: listed[0] });
    expect((await poll({ ...args, cursor: second.cursor })).events).toEqual([]);
    const again = await poll({ ...args, cursor: begun.cursor, maxAgeMs: 0 });
    expect([again.events, again.truncated]).toEqual([[], true]);
  });

  it("is scoped as tools are", async () => {
    const args = { name: "run.failed", arguments: {} };
    const [own, other] = await Promise.all([user, fresh("user")].map((id) => tokenFor({ role: "user", user_id: id })));
    const [mine, theirs] = [await poll(args, own), await poll(args, other)];
    await fail(job);
    expect((await poll({ ...args, cursor: mine.cursor }, own)).events).toHaveLength(1);
    expect((await poll({ ...args, cursor: theirs.cursor }, other)).events).toEqual([]);
  });

  it.each([
    ["no name", {}, /there is no event/],
    ["unknown arguments", { name: "run.failed", arguments: { colour: "red" } }, /colour/],
    ["a cursor that is none", { name: "run.failed", cursor: "nonsense" }, /another name or other arguments/],
    ["too few events", { name: "run.failed", maxEvents: 0 }, /maxEvents/],
    ["a time that is none", { name: "run.failed", arguments: { since: "yesterday" } }, /arguments\.since/],
  ])("with %s is invalid params, and says what is right", async (_what, params, says) => {
    const { error } = await rpc("events/poll", params);
    expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(says) });
  });

  it("with an unknown name answers the extension's not found, and names the events", async () => {
    const { error } = await rpc("events/poll", { name: "run.exploded" });
    const message = expect.stringMatching(/the names are run\.failed.*run\.offered/);
    expect(error).toMatchObject({ code: -32_011, message, data: { kind: "event" } });
  });

  it("refuses a cursor of another name or other arguments", async () => {
    const { cursor } = await poll({ name: "run.failed" });
    for (const params of [
      { name: "run.recovered", cursor },
      { name: "run.failed", arguments: { job_id: job }, cursor },
    ]) {
      expect((await rpc("events/poll", params)).error).toMatchObject({ code: -32602 });
    }
  });
});

describe("run.offered", () => {
  const offered = { name: "run.offered" };
  let agent = "";
  const offer = async (more: Fields = {}): Promise<{ job: string; run: string }> => {
    const id = await makeJob({ agent_id: agent, name: "Post", ...more });
    const { body } = await call("POST", `/v1/jobs/${id}/run`);
    return { job: id, run: String(body.run_id) };
  };
  const runsOf = ({ events }: Poll): unknown[] => events.map(({ data }) => (data as { run: Fields }).run.id);
  const waitFor = (act: () => Promise<void>): Promise<void> => vi.waitFor(act, { timeout: 10_000, interval: 50 });
  beforeAll(async () => {
    agent = fresh("mailbox");
    expect((await call("PUT", `/v1/agents/${agent}`, { json: { delivery: "pull" } })).status).toBe(201);
  });

  it("reports a run that waits in the mailbox until it is claimed", async () => {
    const args = { ...offered, arguments: { agent_id: agent } };
    const begun = await poll({ ...args, cursor: null });
    expect(begun).toMatchObject({ events: [], hasMore: false });
    const { job: id, run } = await offer();
    await waitFor(async () => expect(runsOf(await poll({ ...args, cursor: begun.cursor }))).toEqual([run]));
    const told = await poll({ ...args, cursor: begun.cursor });
    expect(told.events[0]).toMatchObject({
      eventId: expect.stringContaining(run),
      name: "run.offered",
      data: { type: "run.offered", job_id: id, job_name: "Post", agent_id: agent, run: { id: run, status: "running" } },
    });
    expect((await poll({ ...args, cursor: told.cursor })).events).toEqual([]);
    const claimed = await call("POST", `/v1/agents/${agent}/claim`, { json: {} });
    expect(claimed.body.items).toMatchObject([{ data: { run: { id: run } } }]);
    expect((await poll({ ...args, cursor: begun.cursor })).events).toEqual([]);
  });

  it("comes in pages, each run once, also if the reader names no agent", async () => {
    const begun = await poll({ ...offered, cursor: null });
    const runs: string[] = [];
    for (let i = 0; i < 5; i++) runs.push((await offer()).run);
    await waitFor(async () => expect((await poll({ ...offered, cursor: begun.cursor })).events).toHaveLength(5));
    const seen: unknown[] = [];
    let { cursor } = begun;
    for (let more = true; more; ) {
      const page = await poll({ ...offered, cursor, maxEvents: 2 });
      seen.push(...runsOf(page));
      ({ cursor, hasMore: more } = page);
    }
    expect(seen.toSorted()).toEqual(runs.toSorted());
  });

  it("is scoped as tools are", async () => {
    const [own, other] = [
      await tokenFor({ role: "agent", agent_id: agent }),
      await tokenFor({ role: "agent", agent_id: fresh("other") }),
    ];
    const [mine, theirs] = [await poll(offered, own), await poll(offered, other)];
    const { run, job: id } = await offer();
    await waitFor(async () => expect(runsOf(await poll({ ...offered, cursor: mine.cursor }, own))).toContain(run));
    expect((await poll({ ...offered, cursor: theirs.cursor }, other)).events).toEqual([]);
    const reader = await tokenFor({ role: "user", user_id: fresh("user") });
    const args = { ...offered, arguments: { job_id: id } };
    const begun = await poll({ ...args, cursor: null }, reader);
    expect((await poll({ ...args, cursor: begun.cursor }, reader)).events).toEqual([]);
  });

  it("shows a token that is bound to a user only that user's runs, even if it names another", async () => {
    const [mine, other] = [fresh("user"), fresh("user")];
    const token = await tokenFor({ role: "agent", agent_id: agent, user_id: mine });
    const foreign = { ...offered, arguments: { user_id: other } };
    const [own, theirs] = [await poll(offered, token), await poll(foreign, token)];
    await offer({ user_id: other });
    const { run } = await offer({ user_id: mine });
    await waitFor(async () => expect(runsOf(await poll({ ...offered, cursor: own.cursor }, token))).toEqual([run]));
    expect((await poll({ ...foreign, cursor: theirs.cursor }, token)).events).toEqual([]);
  });
});
