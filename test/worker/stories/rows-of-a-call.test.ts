/** The most rows and object calls that one call of a token, or one frame of its socket, causes. docs/token-costs.md counts with them. */
import { expect, it, vi } from "vitest";
import { SHARD_COUNT } from "../../../src/domain/directory-shard.ts";
import { OBJECT_CALLS_OF_A_CALL, OBJECT_CALLS_OF_A_FRAME, ROWS_OF_A_CALL, ROWS_OF_A_FRAME } from "../../token-costs.ts";
import { countCalls } from "../calls-counted.ts";
import { agentToken, call, env, fresh, makeJob } from "../http-fixture.ts";
import { connected, makeAgent, makeJobOf, offer } from "../mailbox-fixture.ts";
import { countRows } from "../rows-written.ts";

it("no call causes more rows or object calls than the page counts with, including the run that it starts", async () => {
  const agent = fresh("agent");
  const token = await agentToken({ agent_id: agent });
  await call("PUT", `/v1/agents/${agent}`, { json: { url: "https://agent.test/hook" } });
  const id = await makeJob({ agent_id: agent, report: "all", message: "hello" });
  const job = env.JOB.getByName(id);
  const counters = [await countRows(job)];
  for (let n = 0; n < SHARD_COUNT; n++) counters.push(await countRows(env.DIRECTORY.getByName(`shard-${n}`)));
  const written = () => counters.reduce((sum, count) => sum + count(), 0);
  const idle = () =>
    vi.waitFor(async () => {
      const runs = (await call("GET", `/v1/jobs/${id}/runs`)).body.items as { status: string }[];
      expect(runs.filter(({ status }) => status === "running")).toEqual([]);
      const before = written();
      await new Promise((resolve) => setTimeout(resolve, 100));
      expect(written()).toBe(before);
    }, 9_000);
  const acts: readonly (readonly [string, string, object | undefined])[] = [
    ["PATCH", "", { description: "changed", labels: { a: "b" }, schedule: { every: "2h" } }],
    ["POST", "/pause", { reason: "r", until: "1h" }],
    ["POST", "/resume", undefined],
    ["POST", "/run", { message: "for this run" }],
    ["POST", "/trigger", { key: "k", payload: { a: 1 } }],
    ["POST", "/trigger-token", undefined],
    ["DELETE", "/trigger-token", undefined],
    ["PATCH", "", { schedule: { every: "1h" } }],
    ["DELETE", "", undefined],
  ];
  const rows: Record<string, number> = {};
  const calls: Record<string, number> = {};
  const inJobs = await countCalls(job);
  const inShards = await countCalls(env.DIRECTORY.getByName("shard-0"));
  // The test polls the job's runs with this method until no run is active.
  const called = () => sum(inJobs) + sum(inShards) - (inJobs.get("runs") ?? 0);
  for (const [n, [method, path, json]] of acts.entries()) {
    const [before, calledBefore] = [written(), called()];
    const got = await call(method, `/v1/jobs/${id}${path}`, { token, ...(json === undefined ? {} : { json }) });
    expect(got.status, `${method} ${path} ${got.text}`).toBeLessThan(300);
    if (method !== "DELETE") await idle();
    rows[`${n} ${method} ${path}`] = written() - before;
    calls[`${n} ${method} ${path}`] = called() - calledBefore;
  }
  for (const [act, count] of Object.entries(calls)) expect(count, act).toBeLessThanOrEqual(OBJECT_CALLS_OF_A_CALL);
  for (const [act, count] of Object.entries(rows)) expect(count, act).toBeLessThanOrEqual(ROWS_OF_A_CALL);
});

it("no frame of a socket causes more rows or object calls than the page counts with", async () => {
  const agent = await makeAgent();
  const job = await makeJobOf(agent, { report: "all" });
  const socket = await connected(agent, await agentToken({ agent_id: agent }));
  socket.send({ type: "ready", capacity: 1 });
  await offer(job);
  const run_id = (await socket.heard(1)).data?.run.id;
  const counters = [await countRows(env.JOB.getByName(job)), await countRows(env.MAILBOX.getByName(agent))];
  const calls = [await countCalls(env.JOB.getByName(job)), await countCalls(env.MAILBOX.getByName(agent))];
  const written = () => counters.reduce((total, count) => total + count(), 0);
  // The mailbox gets the frame and renews the lease by methods of its own, which are no object calls.
  const OWN = ["webSocketMessage", "renewed"];
  const called = () =>
    calls.flatMap((counts) => [...counts]).reduce((total, [name, n]) => total + (OWN.includes(name) ? 0 : n), 0);
  const frames = [
    { type: "progress", job_id: job, run_id, message: "half", percent: 50 },
    { type: "progress", job_id: job, run_id, message: "more", percent: 60 },
    { type: "progress", job_id: job, run_id, percent: 101 },
    { type: "drain" },
  ];
  const answers: unknown[] = [];
  for (const [n, frame] of frames.entries()) {
    const before = [written(), called()] as const;
    socket.send(frame);
    answers.push((await socket.heard(n + 2)).type);
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(written() - before[0], frame.type).toBeLessThanOrEqual(ROWS_OF_A_FRAME);
    expect(called() - before[1], frame.type).toBeLessThanOrEqual(OBJECT_CALLS_OF_A_FRAME);
  }
  expect(answers).toEqual(["ok", "ok", "problem", "ok"]);
  expect([written() > 0, called() > 0]).toEqual([true, true]);
});

const sum = (calls: ReadonlyMap<string, number>): number =>
  [...calls.values()].reduce((total, count) => total + count, 0);
