/**
 * The socket of a mailbox (docs/contract.md §14): frames, capacity, release, close codes, hibernation, and the cost of a
 * claim.
 */
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { mintToken } from "../../../../src/agent/token.ts";
import { type ClaimVerdict, type JobRpc, jobObject } from "../../../../src/objects/job.ts";
import type { ConfirmClaim, MailboxRpc } from "../../../../src/objects/mailbox.ts";
import { agentToken, call, env, TOKEN_SECRET } from "../../http-fixture.ts";
import {
  claim,
  connect,
  connected,
  itemsOf,
  makeAgent,
  makeJobOf,
  offer,
  runIds,
  runOf,
} from "../../mailbox-fixture.ts";

const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

/** The mailbox's clock set to its next alarm, and the alarm run. */
async function ring(agent: string): Promise<void> {
  const mailbox = env.MAILBOX.getByName(agent);
  const at = await runInDurableObject(mailbox, (_instance, { storage }) => storage.getAlarm());
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(at ?? Date.now());
  try {
    expect(await runDurableObjectAlarm(mailbox)).toBe(true);
  } finally {
    vi.useRealTimers();
  }
}

/** A run whose offer was lost, and a socket that waits. `again` offers the run once more, as the job does that confirms it so. */
async function offeredTwice() {
  const agent = await makeAgent();
  const job = await makeJobOf(agent);
  const run = await offer(job);
  const mailbox = env.MAILBOX.getByName(agent);
  await mailbox.withdraw({ runId: run, offeredAt: Date.parse(String((await runOf(job, run)).offered_at)) });
  const socket = await connected(agent);
  socket.send({ type: "ready", capacity: 1 });
  await settle();
  const again = (confirm: ConfirmClaim) =>
    mailbox.offer({ jobId: job, runId: run, expiresAt: Date.now() + 600_000 }, confirm);
  return { agent, job, run, socket, again };
}

describe("a mailbox whose agent has a URL now", () => {
  it("gives back the late offer of a job that had looked the agent up before", async () => {
    const [moved, other] = [await makeAgent(), await makeAgent()];
    await connected(moved);
    await call("PUT", `/v1/agents/${moved}`, { json: { url: "https://agent.test/hook" } });
    const job = await makeJobOf(other);
    const run = await offer(job);
    const before = await runOf(job, run);
    await env.MAILBOX.getByName(moved).offer({ jobId: job, runId: run, expiresAt: Date.now() + 600_000 });
    await ring(moved);
    await vi.waitFor(async () => {
      expect((await runOf(job, run)).offered_at).not.toBe(before.offered_at);
      expect(await env.MAILBOX.getByName(moved).status()).toEqual({ connected: 0, waiting: 0 });
    });
  });
});

describe("a mailbox that is closed in the moment of an offer", () => {
  it("gives the run back a moment later, when its job knows that it is offered", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const mailbox = env.MAILBOX.getByName(agent);
    await runInDurableObject(mailbox, (object) => {
      const made: object = Object.getPrototypeOf(object);
      const own = Object.getOwnPropertyDescriptor(made, "offer") ?? {};
      const offerAndClose = async (...asked: Parameters<MailboxRpc["offer"]>) => {
        Object.defineProperty(made, "offer", own);
        const itself = env.MAILBOX.getByName(agent);
        const { offeredAt } = await itself.offer(...asked);
        await itself.disconnect("moved");
        await settle();
        return { offeredAt };
      };
      Object.defineProperty(made, "offer", { ...own, value: offerAndClose });
    });
    const run = await offer(job);
    const before = String((await runOf(job, run)).offered_at);
    const again = itemsOf(await claim(agent, { wait: "5s" }))[0]?.data.run;
    expect(again).toMatchObject({ id: run, attempt: 1 });
    expect(Date.parse(String(again?.offered_at))).toBeGreaterThan(Date.parse(before));
  });
});

describe("a socket", () => {
  it("gets runs when it is ready, already claimed, while it holds fewer than its capacity", async () => {
    const agent = await makeAgent();
    const jobs = await Promise.all([1, 2, 3].map(() => makeJobOf(agent)));
    const runs: string[] = [];
    for (const job of jobs) runs.push(await offer(job));
    const socket = await connected(agent, await agentToken({ agent_id: agent }));
    expect(socket.protocol).toBe("reveille.v1");
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ connected: 1, waiting: 3 });
    await settle();
    expect(socket.frames).toEqual([]);
    socket.send({ type: "ready", capacity: 2 });
    await socket.heard(2);
    await settle();
    expect(socket.runs().map(({ id }) => id)).toEqual(runs.slice(0, 2));
    expect(socket.runs()[0]).toHaveProperty("lease_expires_at");
    const done = { job_id: jobs[0], run_id: runs[0], status: "success", output: { n: 1 } };
    socket.send({ type: "complete", ...done });
    expect(await socket.heard(3)).toEqual({ type: "ok", to: "complete", run_id: runs[0] });
    await socket.heard(4);
    expect(socket.runs().map(({ id }) => id)).toEqual(runs);
    expect(await runOf(jobs[0] ?? "", runs[0] ?? "")).toMatchObject({ status: "success", output: '{"n":1}' });
  });

  it("gets a newer run if its planned run turns out to be void", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    await call("GET", `/v1/agents/${agent}`);
    const asked = Promise.withResolvers<void>();
    const answered = Promise.withResolvers<ClaimVerdict>();
    const cancelled = { jobId: job, runId: "cancelled", expiresAt: Date.now() + 600_000 };
    const offering = env.MAILBOX.getByName(agent).offer(cancelled, () => {
      asked.resolve();
      return answered.promise;
    });
    await asked.promise;
    const run = await offer(job);
    expect(socket.frames).toEqual([]);
    answered.resolve({ kind: "not_offered" });
    await offering;
    expect(await socket.heard(1)).toMatchObject({ data: { run: { id: run } } });
  });

  it("gets a run a moment later if the job was restarted while it was to confirm the claim", async () => {
    const { agent, socket, again } = await offeredTwice();
    await again(async () => {
      throw new Error("the job was restarted");
    });
    expect(socket.frames).toEqual([]);
    await vi.waitFor(() => expect(socket.runs()).toHaveLength(1), 4_000);
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ waiting: 0 });
  });

  it("that closes while the job confirms the claim loses nothing: the run is offered again, as the same attempt", async () => {
    const { agent, job, run, socket, again } = await offeredTwice();
    await again(async (caller, lease) => {
      socket.close();
      await vi.waitFor(() => expect(socket.closes).toHaveLength(1));
      // A copy, as the job makes it: an answer by RPC that is passed on is never disposed of.
      return { ...(await env.JOB.getByName(job).claimRun(caller, run, lease)) };
    });
    await vi.waitFor(async () => {
      expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ connected: 0, waiting: 1 });
    });
    expect(await runOf(job, run)).toMatchObject({ status: "running", attempt: 1 });
    expect(runIds(await claim(agent))).toEqual([run]);
  });

  it("has room again when a run that it holds is completed, or cancelled, by another way", async () => {
    const agent = await makeAgent();
    const [first, second] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(first);
    await offer(second);
    await socket.heard(1);
    await call("POST", `/v1/jobs/${first}/runs/${run}/cancel`);
    await socket.heard(2);
    expect(socket.runs().map(({ job_id }) => job_id)).toEqual([first, second]);
  });

  it("gives a run back, which is offered again at once, also to the same socket, without counting as an attempt", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(job);
    await socket.heard(1);
    socket.send({ type: "release", job_id: job, run_id: run });
    await socket.heard(3);
    expect(socket.frames.map(({ type }) => type)).toEqual(["job.run", "ok", "job.run"]);
    expect(socket.runs()[1]).toMatchObject({ id: run, attempt: 1 });
  });

  it("holds a run that it gave back and got again before its release was answered", async () => {
    const agent = await makeAgent();
    const [job, other] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    await call("GET", `/v1/agents/${agent}`);
    const late = Promise.withResolvers<void>();
    await runInDurableObject(env.MAILBOX.getByName(agent), (mailbox) => {
      const slow = (id: string) => ({
        claimRun: (...asked: Parameters<JobRpc["claimRun"]>) => jobObject(env, id).claimRun(...asked),
        async releaseRun(...asked: Parameters<JobRpc["releaseRun"]>) {
          const released = await jobObject(env, id).releaseRun(...asked);
          await late.promise;
          return released;
        },
      });
      Object.assign(mailbox, { env: { ...env, JOB: { getByName: slow } } });
    });
    const run = await offer(job);
    await socket.heard(1);
    socket.send({ type: "release", job_id: job, run_id: run });
    await vi.waitFor(() => expect(socket.runs().map(({ id }) => id)).toEqual([run, run]));
    late.resolve();
    await vi.waitFor(() => expect(socket.frames.at(-1)).toEqual({ type: "ok", to: "release", run_id: run }));
    await offer(other);
    await settle();
    expect(socket.runs()).toHaveLength(2);
  });

  it("that is drained gets no further run, not even one that it gives back, until it is ready again", async () => {
    const agent = await makeAgent();
    const [first, second] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 2 });
    const run = await offer(first);
    await socket.heard(1);
    socket.send({ type: "drain" });
    expect(await socket.heard(2)).toEqual({ type: "ok", to: "drain" });
    const next = await offer(second);
    socket.send({ type: "release", job_id: first, run_id: run });
    expect(await socket.heard(3)).toEqual({ type: "ok", to: "release", run_id: run });
    await vi.waitFor(async () => expect(await runOf(first, run)).toMatchObject({ offered_at: expect.any(String) }));
    await settle();
    expect(socket.frames).toHaveLength(3);
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ waiting: 2 });
    socket.send({ type: "ready", capacity: 2 });
    await socket.heard(5);
    expect(socket.runs().slice(1)).toMatchObject([
      { id: next, attempt: 1 },
      { id: run, attempt: 1 },
    ]);
  });

  it("that has fewer runs is handed the next one", async () => {
    const agent = await makeAgent();
    const sockets = [await connected(agent), await connected(agent)];
    for (const socket of sockets) socket.send({ type: "ready", capacity: 5 });
    await settle();
    for (const job of await Promise.all([1, 2, 3, 4].map(() => makeJobOf(agent)))) await offer(job);
    await vi.waitFor(() => expect(sockets.map((socket) => socket.runs().length)).toEqual([2, 2]));
  });

  it("has room again when a run of it is given back over HTTP", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(job);
    const { data } = await socket.heard(1);
    const given = await call("POST", `/v1/jobs/${job}/runs/${run}/release`, { token: data?.complete.token ?? "" });
    expect(given).toMatchObject({ status: 200, body: { id: run, status: "running", attempt: 1 } });
    await socket.heard(2);
    expect(socket.runs()).toMatchObject([{ id: run }, { id: run, attempt: 1 }]);
  });

  it("has room again when a run of it is given back over HTTP and the job names another agent by then", async () => {
    const [agent, other] = [await makeAgent(), await makeAgent()];
    const [job, second] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(job);
    const { data } = await socket.heard(1);
    await call("PATCH", `/v1/jobs/${job}`, { json: { agent_id: other } });
    await call("POST", `/v1/jobs/${job}/runs/${run}/release`, { token: data?.complete.token ?? "" });
    const next = await offer(second);
    await socket.heard(2);
    expect(socket.runs()).toMatchObject([{ id: run }, { id: next }]);
  });

  it("gives back only its own claim, and not a later claim of the same run, over the socket or over HTTP", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const [one, other] = [await connected(agent), await connected(agent)];
    one.send({ type: "ready", capacity: 1 });
    const run = await offer(job);
    const { data } = await one.heard(1);
    one.send({ type: "drain" });
    one.send({ type: "release", job_id: job, run_id: run });
    await one.heard(3);
    other.send({ type: "ready", capacity: 1 });
    const next = await other.heard(1);
    one.send({ type: "release", job_id: job, run_id: run });
    expect(await one.heard(4)).toMatchObject({ type: "problem", to: "release", problem: { status: 422 } });
    const release = (token = "") => call("POST", `/v1/jobs/${job}/runs/${run}/release`, { token });
    expect(await release(data?.complete.token)).toMatchObject({ status: 422, body: { code: "validation_failed" } });
    expect(await runOf(job, run)).toHaveProperty("claimed_at");
    expect(await release(next.data?.complete.token)).toMatchObject({ status: 200 });
  });

  it("renews the lease by progress", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1, lease: "10s" });
    const run = await offer(job);
    await socket.heard(1);
    await settle();
    socket.send({ type: "progress", job_id: job, run_id: run, percent: 40, message: "half" });
    expect(await socket.heard(2)).toEqual({ type: "ok", to: "progress", run_id: run });
    const now = await runOf(job, run);
    expect(now.progress).toEqual({ percent: 40, message: "half" });
    expect(Date.parse(String(now.lease_expires_at))).toBeGreaterThan(
      Date.parse(String(socket.runs()[0]?.lease_expires_at)),
    );
  });

  it("has no room at the end of the first lease if progress has come over HTTP meanwhile", async () => {
    const agent = await makeAgent();
    const [first, second] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1, lease: "10s" });
    const run = await offer(first);
    const token = (await socket.heard(1)).data?.complete.token ?? "";
    await offer(second);
    const claimedAt = Date.now();
    const look = () => socket.send({ type: "ready", capacity: 1, lease: "10s" });
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      vi.setSystemTime(claimedAt + 8_000);
      await call("POST", `/v1/jobs/${first}/runs/${run}/progress`, { token, json: { percent: 50 } });
      await settle();
      vi.setSystemTime(claimedAt + 12_000);
      look();
      await settle();
      expect(socket.runs()).toHaveLength(1);
      vi.setSystemTime(claimedAt + 18_500);
      look();
      await socket.heard(2);
    } finally {
      vi.useRealTimers();
    }
    expect(socket.runs()[1]).toMatchObject({ job_id: second });
  });

  it.each([
    ["nonsense", { problem: { code: "invalid_json" } }],
    ["[]", { problem: { code: "validation_failed" } }],
    ['{"type":"sing","run_id":"r"}', { to: "sing", run_id: "r", problem: { code: "validation_failed" } }],
    ['{"type":"ready","capacity":0}', { to: "ready", problem: { code: "validation_failed" } }],
    ['{"type":"ready","capacity":101}', { to: "ready", problem: { code: "validation_failed" } }],
    ['{"type":"ready","capacity":1,"lease":"1s"}', { to: "ready", problem: { code: "validation_failed" } }],
    [
      '{"type":"complete","job_id":"none","run_id":"r","status":"success"}',
      { to: "complete", run_id: "r", problem: { code: "not_found" } },
    ],
    [
      '{"type":"complete","job_id":"j","run_id":"r","status":"maybe"}',
      { to: "complete", run_id: "r", problem: { code: "validation_failed" } },
    ],
  ])("answers %s with a problem, and stays", async (text, answer) => {
    const socket = await connected(await makeAgent());
    socket.send(text);
    expect(await socket.heard(1)).toMatchObject({ type: "problem", ...answer });
    socket.send("ping");
    expect(await socket.heard(2)).toEqual({ type: "pong" });
  });

  it("refuses a frame of more than 256 KiB, measured in bytes", async () => {
    const socket = await connected(await makeAgent());
    socket.send(`"${"é".repeat(140_000)}"`);
    expect(await socket.heard(1)).toMatchObject({ type: "problem", problem: { code: "payload_too_large" } });
  });

  it("hears that a run has ended, and that a run was not claimed", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    const run = await offer(job);
    socket.send({ type: "release", job_id: job, run_id: run });
    expect(await socket.heard(1)).toMatchObject({
      type: "problem",
      to: "release",
      problem: { code: "validation_failed" },
    });
    await call("POST", `/v1/jobs/${job}/runs/${run}/complete`, { json: { status: "success" } });
    socket.send({ type: "progress", job_id: job, run_id: run });
    expect(await socket.heard(2)).toMatchObject({ problem: { code: "run_already_finished", status: 409 } });
    socket.send({ type: "complete", job_id: job, run_id: run, status: "success" });
    expect(await socket.heard(3)).toMatchObject({ type: "ok" });
  });

  it("shares the agent's runs with others: each goes to one of them", async () => {
    const agent = await makeAgent();
    const sockets = await Promise.all([1, 2, 3].map(() => connected(agent)));
    for (const socket of sockets) socket.send({ type: "ready", capacity: 100 });
    const jobs = await Promise.all(Array.from({ length: 12 }, () => makeJobOf(agent)));
    const runs = await Promise.all(jobs.map(offer));
    await vi.waitFor(() => expect(sockets.flatMap((socket) => socket.runs()).length).toBe(12));
    await settle();
    expect(sockets.flatMap((socket) => socket.runs().map(({ id }) => String(id))).toSorted()).toEqual(runs.toSorted());
  });

  it("continues after the mailbox has hibernated: its runs count, and its frames are answered", async () => {
    const agent = await makeAgent();
    const [first, second] = [await makeJobOf(agent), await makeJobOf(agent)];
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(first);
    await socket.heard(1);
    await evictDurableObject(env.MAILBOX.getByName(agent));
    await offer(second);
    await settle();
    expect(socket.runs()).toHaveLength(1);
    socket.send({ type: "complete", job_id: first, run_id: run, status: "success" });
    await socket.heard(3);
    expect(socket.frames.map(({ type }) => type)).toEqual(["job.run", "ok", "job.run"]);
  });

  it("that closes keeps its runs until their leases run out", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent);
    socket.send({ type: "ready", capacity: 1 });
    await offer(job);
    await socket.heard(1);
    socket.close();
    await settle();
    expect(runIds(await claim(agent))).toEqual([]);
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ connected: 0 });
  });

  it("is closed with 4404 when the agent is deleted, and with 4401 when its token has ended", async () => {
    const agent = await makeAgent();
    const soon = Date.now() + 1_500;
    const token = await mintToken({ role: "agent", agent_id: agent }, TOKEN_SECRET, Date.now(), soon);
    const [short, long] = [await connected(agent, token), await connected(agent)];
    await vi.waitFor(() => expect(short.closes).toEqual([4401]), { timeout: 5_000 });
    expect(long.closes).toEqual([]);
    await call("DELETE", `/v1/agents/${agent}`);
    await vi.waitFor(() => expect(long.closes).toEqual([4404]));
  });

  it("is closed with 4401 when its token is revoked", async () => {
    const agent = await makeAgent();
    const made = await call("POST", "/v1/tokens", { json: { role: "agent", agent_id: agent, expires_in: "1h" } });
    const [revoked, other] = [await connected(agent, String(made.body.token)), await connected(agent)];
    await call("DELETE", `/v1/tokens/${made.body.id}`);
    await vi.waitFor(() => expect(revoked.closes).toEqual([4401]));
    expect(other.closes).toEqual([]);
  });

  it("is refused to a token that may not claim, for an agent with a URL, and beyond ten", async () => {
    const agent = await makeAgent();
    expect(await connect(agent, await agentToken({ agent_id: "another" }))).toEqual({ refused: 403 });
    expect(await connect("nobody")).toEqual({ refused: 404 });
    await call("PUT", "/v1/agents/with-url", { json: { url: "https://agent.example/" } });
    expect(await connect("with-url")).toEqual({ refused: 409 });
    for (let i = 0; i < 10; i++) await connected(agent);
    expect(await connect(agent)).toEqual({ refused: 429 });
  });
});
