/** The rights of sockets (docs/contract.md §14, §17): every frame × every kind of token, and × the owner of its run. */
import { describe, expect, it } from "vitest";
import { mintToken } from "../../../../src/agent/token.ts";
import type { Caller } from "../../../../src/domain/job/access.ts";
import { ADMIN_TOKEN, agentToken, call, TOKEN_SECRET, tokenFor } from "../../http-fixture.ts";
import { connect, connected, type Frame, makeAgent, makeJobOf, offer, runOf } from "../../mailbox-fixture.ts";

const FRAMES = ["progress", "complete", "release"] as const;
const fieldsOf = (type: (typeof FRAMES)[number]) => (type === "complete" ? { status: "success" } : {});

const answerTo = async (socket: Awaited<ReturnType<typeof connected>>, frame: object): Promise<Frame> => {
  const before = socket.frames.length;
  socket.send(frame);
  return socket.heard(before + 1);
};

describe("a socket is opened", () => {
  const KINDS: readonly [kind: string, caller: (agent: string) => Caller | "admin" | "expired", status: number][] = [
    ["the operator", () => "admin", 101],
    ["the agent itself", (agent_id) => ({ role: "agent", agent_id }), 101],
    ["the agent of a user", (agent_id) => ({ role: "agent", agent_id, user_id: "u1" }), 101],
    ["the agent, limited to itself", (agent_id) => ({ role: "agent", agent_id, agents: [agent_id] }), 101],
    ["the agent that reads", (agent_id) => ({ role: "agent", agent_id, access: "read" }), 403],
    ["another agent", () => ({ role: "agent", agent_id: "another" }), 403],
    ["a user", () => ({ role: "user", user_id: "u1" }), 403],
    ["a user of the agent", (agent_id) => ({ role: "user", user_id: "u1", agent_id }), 403],
    ["a plugin", () => ({ role: "plugin", plugin_id: "p1" }), 403],
    ["a viewer", () => ({ role: "viewer" }), 403],
    ["a run's token", () => ({ role: "run", job_id: "j", run_id: "r" }), 403],
    ["an expired token", () => "expired", 401],
  ];

  it.each(KINDS)("by %s", async (_kind, callerOf, status) => {
    const agent = await makeAgent();
    const caller = callerOf(agent);
    const expired = () => mintToken({ role: "agent", agent_id: agent }, TOKEN_SECRET, 0, Date.now() - 1_000);
    const token = caller === "admin" ? ADMIN_TOKEN : caller === "expired" ? await expired() : await tokenFor(caller);
    const socket = await connect(agent, token);
    if ("refused" in socket) expect(socket.refused).toBe(status);
    else {
      expect(status).toBe(101);
      socket.close();
    }
  });
});

describe.each(FRAMES)("the frame %s", (type) => {
  const frame = (job_id: string, run_id: string) => ({ type, job_id, run_id, ...fieldsOf(type) });

  it("is accepted for a run that the socket has claimed", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent, await agentToken({ agent_id: agent }));
    socket.send({ type: "ready", capacity: 1 });
    const run = await offer(job);
    await socket.heard(1);
    expect(await answerTo(socket, frame(job, run))).toMatchObject({ type: "ok", to: type, run_id: run });
    socket.close();
  });

  it.each([
    ["another agent's job", {}],
    ["a user's job, by the token of another user", { user_id: "u2" }],
  ])("is not_found for a run of %s, which stays as it is", async (_whose, fields) => {
    const [agent, other] = [await makeAgent(), await makeAgent()];
    const owner = "user_id" in fields ? agent : other;
    const job = await makeJobOf(owner, fields);
    const run = await offer(job);
    const socket = await connected(agent, await agentToken({ agent_id: agent, user_id: "u1" }));
    const answer = await answerTo(socket, frame(job, run));
    expect(answer).toMatchObject({ type: "problem", to: type, run_id: run, problem: { code: "not_found" } });
    const after = await runOf(job, run);
    expect(after).toMatchObject({ status: "running" });
    expect(after).not.toHaveProperty("progress");
    socket.close();
  });

  it("is not_found for a job and a run that do not exist", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const socket = await connected(agent, await agentToken({ agent_id: agent }));
    for (const [jobId, runId] of [
      [job, `${job}-s1`],
      ["jaaaaaaaaaaaaaaaaaaaaaaaa", "jaaaaaaaaaaaaaaaaaaaaaaaa-s1"],
    ] as const) {
      expect(await answerTo(socket, frame(jobId, runId))).toMatchObject({ problem: { code: "not_found" } });
    }
    socket.close();
  });

  it("is not carried out once the token is revoked, nor once it has expired", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const run = await offer(job);
    const made = await call("POST", "/v1/tokens", { json: { role: "agent", agent_id: agent, expires_in: "1h" } });
    const revoked = await connected(agent, String(made.body.token));
    expect((await call("DELETE", `/v1/tokens/${made.body.id}`)).status).toBe(204);
    const until = Math.ceil(Date.now() / 1_000) * 1_000 + 1_000;
    const expiring = await mintToken({ role: "agent", agent_id: agent }, TOKEN_SECRET, Date.now(), until);
    const expired = await connected(agent, expiring);
    await new Promise((resolve) => setTimeout(resolve, until - Date.now() + 50));
    for (const socket of [revoked, expired]) {
      try {
        socket.send(frame(job, run));
      } catch {
        // It is closed already.
      }
      await expect.poll(() => socket.closes).toEqual([4401]);
    }
    expect(await runOf(job, run)).toMatchObject({ status: "running" });
    expect(await runOf(job, run)).not.toHaveProperty("progress");
  });
});

it("the frame ready hands out only runs of jobs that the token may see", async () => {
  const agent = await makeAgent();
  const [theirs, own] = [await makeJobOf(agent, { user_id: "u2" }), await makeJobOf(agent, { user_id: "u1" })];
  await offer(theirs);
  const run = await offer(own);
  const socket = await connected(agent, await agentToken({ agent_id: agent, user_id: "u1" }));
  socket.send({ type: "ready", capacity: 10 });
  await socket.heard(1);
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(socket.runs().map(({ id }) => id)).toEqual([run]);
  socket.close();
});
