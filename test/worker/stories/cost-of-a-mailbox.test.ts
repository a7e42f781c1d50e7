/** The costs of a mailbox (docs/contract.md §14, docs/mailbox.md): rows and calls of a claimed run, and a waiting agent. */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { countCalls } from "../calls-counted.ts";
import { call, env, fresh, makeJob } from "../http-fixture.ts";
import { claim, connected, makeAgent, makeJobOf, offer, runIds, runOf } from "../mailbox-fixture.ts";
import { countRows } from "../rows-written.ts";

const DAY_MS = 86_400_000;

/** The rows that the objects write for the job's next fire, from its alarm to its end. The clock stands at the fire's time. */
async function rowsOfFire(jobId: string, agentId: string, take: () => Promise<string>): Promise<number> {
  const stub = env.JOB.getByName(jobId);
  const counts = [await countRows(stub), await countRows(env.MAILBOX.getByName(agentId))];
  const dueAt = await runInDurableObject(stub, (_instance, { storage }) => storage.getAlarm());
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(dueAt ?? 0);
  try {
    await runDurableObjectAlarm(stub);
    const runId = await take();
    await call("POST", `/v1/jobs/${jobId}/runs/${runId}/complete`, { json: { status: "success" } });
    expect(await runOf(jobId, runId)).toMatchObject({ status: "success" });
  } finally {
    vi.useRealTimers();
  }
  return counts.reduce((sum, rows) => sum + rows(), 0);
}

/** The only run of a job. */
async function onlyRun(jobId: string): Promise<string> {
  const { body } = await call("GET", `/v1/jobs/${jobId}/runs`);
  const [run] = body.items as { id: string }[];
  return run?.id ?? "";
}

/** An agent whose mailbox has its tables, which the first stored offer creates. */
async function makeWarmAgent(): Promise<string> {
  const agent = await makeAgent();
  await offer(await makeJobOf(agent));
  await claim(agent);
  return agent;
}

/** Each with the rows more than a 202's: when somebody waits, and when nobody does. */
const FIRES = [
  { fires: "every minute", schedule: () => ({ every: "1m" }), waits: 0, nobody: 3 },
  { fires: "every hour", schedule: () => ({ every: "1h" }), waits: 1, nobody: 5 },
  { fires: "every day", schedule: () => ({ every: "1d" }), waits: 0, nobody: 4 },
  { fires: "once", schedule: () => ({ at: new Date(Date.now() + DAY_MS).toISOString() }), waits: 0, nobody: 4 },
];

describe("a claimed run, compared with one that an agent answers with 202", () => {
  it.each(FIRES)(
    "of a job that fires $fires writes more rows: $waits more if an agent waits for it, $nobody more if none does",
    async ({ schedule, waits, nobody }) => {
      const pushed = await makeJob({ message: '{"status": 202}', schedule: schedule() });
      const byPush = await rowsOfFire(pushed, fresh("no-mailbox"), () => onlyRun(pushed));

      const away = await makeWarmAgent();
      const left = await makeJobOf(away, { schedule: schedule() });
      const later = await rowsOfFire(left, away, async () => String(runIds(await claim(away))[0]));

      const here = await makeWarmAgent();
      const socket = await connected(here);
      socket.send({ type: "ready", capacity: 1 });
      await call("GET", `/v1/agents/${here}`);
      const taken = await makeJobOf(here, { schedule: schedule() });
      const atOnce = await rowsOfFire(taken, here, async () => String((await socket.heard(1)).data?.run.id));

      expect([atOnce - byPush, later - byPush]).toEqual([waits, nobody]);
    },
  );

  it("writes the same number of rows if a call waits instead of a socket", async () => {
    const agent = await makeWarmAgent();
    const job = await makeJobOf(agent);
    const byPush = await makeJob({ message: '{"status": 202}' });
    const waiting = claim(agent, { wait: "10s" });
    await vi.waitFor(async () =>
      expect(await runInDurableObject(env.MAILBOX.getByName(agent), (_, ctx) => ctx.getWebSockets().length)).toBe(1),
    );
    const rows = await rowsOfFire(job, agent, async () => String(runIds(await waiting)[0]));
    expect(rows - (await rowsOfFire(byPush, agent, () => onlyRun(byPush)))).toBe(1);
  });

  it("takes one more call of an object if a socket waits: the offer, which also confirms the claim", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    await call("GET", `/v1/agents/${agent}`);
    const ofMailbox = await countCalls(env.MAILBOX.getByName(agent));
    const ofJob = await countCalls(env.JOB.getByName(job));
    await call("POST", `/v1/jobs/${job}/run`);
    const { data } = await socket.heard(1);
    socket.send({ type: "complete", job_id: job, run_id: data?.run.id, status: "success" });
    await socket.heard(2);
    expect(Object.fromEntries(ofMailbox)).toEqual({ offer: 1, webSocketMessage: 1 });
    expect(Object.fromEntries(ofJob)).toEqual({ runNow: 1, alarm: 1, completeRun: 1 });
  });

  it("takes the same number if a call waits, beside that call", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const ofMailbox = await countCalls(env.MAILBOX.getByName(agent));
    const waiting = claim(agent, { wait: "10s" });
    await vi.waitFor(() => expect(Object.fromEntries(ofMailbox)).toEqual({ fetch: 1 }));
    const ofJob = await countCalls(env.JOB.getByName(job));
    const { body } = await call("POST", `/v1/jobs/${job}/run`);
    expect(runIds(await waiting)).toEqual([body.run_id]);
    await vi.waitFor(() => expect(Object.fromEntries(ofMailbox)).toEqual({ fetch: 1, offer: 1, webSocketClose: 1 }));
    expect(Object.fromEntries(ofJob)).toEqual({ runNow: 1, alarm: 1 });
  });

  it("takes two more calls if no agent waits, beside the claim itself: the offer, and the confirmation by the job", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const ofMailbox = await countCalls(env.MAILBOX.getByName(agent));
    const run = await offer(job);
    const ofJob = await countCalls(env.JOB.getByName(job));
    expect(runIds(await claim(agent))).toEqual([run]);
    expect(Object.fromEntries(ofMailbox)).toEqual({ offer: 1, claim: 1 });
    expect(Object.fromEntries(ofJob)).toEqual({ claimRun: 1 });
  });
});

describe("an agent that waits", () => {
  it("lets the mailbox hibernate during its call, until a run is offered", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const mailbox = env.MAILBOX.getByName(agent);
    const waiting = claim(agent, { wait: "20s" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    const calls = await countCalls(mailbox);
    await evictDurableObject(mailbox);
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect(Object.fromEntries(calls)).toEqual({});
    const run = await offer(job);
    expect(runIds(await waiting)).toEqual([run]);
    await vi.waitFor(() => expect(Object.fromEntries(calls)).toEqual({ offer: 1, webSocketClose: 1 }));
  });

  it("lets the mailbox hibernate: the pings of ten sockets never wake it in an hour", async () => {
    const agent = await makeAgent();
    const sockets = await Promise.all(Array.from({ length: 10 }, () => connected(agent)));
    for (const socket of sockets) socket.send({ type: "ready", capacity: 100 });
    const mailbox = env.MAILBOX.getByName(agent);
    await call("GET", `/v1/agents/${agent}`);
    const calls = await countCalls(mailbox);
    await evictDurableObject(mailbox);
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const begunAt = Date.now();
      for (let minute = 1; minute <= 60; minute++) {
        vi.setSystemTime(begunAt + minute * 60_000);
        for (const socket of sockets) socket.send("ping");
        await Promise.all(sockets.map((socket) => socket.heard(minute)));
      }
      expect(await runDurableObjectAlarm(mailbox)).toBe(false);
    } finally {
      vi.useRealTimers();
    }
    expect(Object.fromEntries(calls)).toEqual({});
    expect(sockets.every(({ frames }) => frames.length === 60 && frames.every(({ type }) => type === "pong"))).toBe(
      true,
    );
    const run = await offer(await makeJobOf(agent));
    await vi.waitFor(() => expect(sockets.flatMap((socket) => socket.runs())).toMatchObject([{ id: run }]));
  });
});
