/** What a mailbox costs (docs/contract.md §14, docs/mailbox.md): rows and calls of a claimed run, and an agent that waits. */
import { evictDurableObject, runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { countCalls } from "../calls-counted.ts";
import { call, env, makeJob } from "../http-fixture.ts";
import { claim, connected, makeAgent, makeJobOf, offer, runIds, runOf } from "../mailbox-fixture.ts";
import { countRows } from "../rows-written.ts";

const complete = (jobId: string, runId: string) =>
  call("POST", `/v1/jobs/${jobId}/runs/${runId}/complete`, { json: { status: "success" } });

/** Rows that a job writes for a run, begun by `begin` and then completed. */
async function rowsOf(jobId: string, begin: () => Promise<string>): Promise<number> {
  const rows = await countRows(env.JOB.getByName(jobId));
  await complete(jobId, await begin());
  return rows();
}

/** Rows of a run that an agent answers with 202. */
async function rowsByPush(): Promise<number> {
  const jobId = await makeJob({ message: '{"status": 202}' });
  return rowsOf(jobId, async () => {
    const { body } = await call("POST", `/v1/jobs/${jobId}/run`);
    const runId = String(body.run_id);
    await vi.waitFor(async () => expect(await runOf(jobId, runId)).toHaveProperty("completion_due_at"));
    return runId;
  });
}

describe("a claimed run, beside one that an agent answers with 202", () => {
  it("writes two rows more if a socket waits for it, both for the alarm of its lease", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    await call("GET", `/v1/agents/${agent}`);
    const inMailbox = await countRows(env.MAILBOX.getByName(agent));
    const inJob = await rowsOf(job, async () => {
      const run = await offer(job);
      await socket.heard(1);
      return run;
    });
    expect(inMailbox()).toBe(0);
    expect(inJob - (await rowsByPush())).toBeLessThanOrEqual(2);
  });

  it("writes as few if a call waits for it", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const inMailbox = await countRows(env.MAILBOX.getByName(agent));
    const inJob = await rowsOf(job, async () => {
      const waiting = claim(agent, { wait: "10s" });
      await new Promise((resolve) => setTimeout(resolve, 100));
      const run = await offer(job);
      expect(runIds(await waiting)).toEqual([run]);
      return run;
    });
    expect(inMailbox()).toBe(0);
    expect(inJob - (await rowsByPush())).toBeLessThanOrEqual(2);
  });

  it("writes five more if nobody waits: the offer and its end, the claim, and the alarm of its lease", async () => {
    const agent = await makeAgent();
    const [warm, job] = [await makeJobOf(agent), await makeJobOf(agent)];
    // The first offer that is stored makes the mailbox's tables.
    await offer(warm);
    await claim(agent);
    const inMailbox = await countRows(env.MAILBOX.getByName(agent));
    const inJob = await rowsOf(job, async () => {
      const run = await offer(job);
      expect(runIds(await claim(agent))).toEqual([run]);
      return run;
    });
    expect(inMailbox()).toBe(2);
    expect(inJob - (await rowsByPush())).toBeLessThanOrEqual(3);
  });

  it("takes two calls of objects more: the offer, and its confirmation", async () => {
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
    expect(Object.fromEntries(ofJob)).toEqual({ runNow: 1, alarm: 1, claimRun: 1, completeRun: 1 });
  });
});

describe("an agent that waits", () => {
  it("keeps nothing awake by a call either: the mailbox hibernates until a run is offered", async () => {
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

  it("keeps nothing awake: ten sockets in an hour wake the mailbox never, whatever they ping", async () => {
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
