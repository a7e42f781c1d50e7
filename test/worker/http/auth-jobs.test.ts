/** The jobs and runs that a token sees, changes and creates (docs/contract.md §7), over every route and tool. */
import { describe, expect, it, vi } from "vitest";
import type { BoundCaller } from "../../../src/domain/job/access.ts";
import { ROUTES } from "../../../src/http/app.ts";
import { toolsOver } from "../../../src/http/mcp/tools.ts";
import {
  ADMIN_TOKEN,
  call,
  callTool,
  expectProblem,
  fresh,
  jobInput,
  makeJob,
  type Sent,
  tokenFor,
} from "../http-fixture.ts";

describe("a job and its runs do not exist for a token that carries another id", () => {
  /** Each call on one job; the run is one that the job has. */
  const CALLS: readonly [method: string, path: string, sent: Sent][] = [
    ["GET", "", {}],
    ["PATCH", "", { json: { description: "changed" } }],
    ["POST", "/pause", {}],
    ["POST", "/resume", {}],
    ["POST", "/backfill", { json: { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:01Z" } }],
    ["GET", "/runs", {}],
    ["GET", "/runs/RUN", {}],
    ["POST", "/runs/RUN/progress", { json: { percent: 50 } }],
    ["POST", "/runs/RUN/complete", { json: { status: "success" } }],
    ["POST", "/runs/RUN/cancel", {}],
    ["POST", "/run", {}],
    ["DELETE", "", {}],
  ];
  const plugin = (plugin_id: string) => ({ owner_kind: "plugin", plugin_id, job_key: "k", runtime_name: "r" });
  const CASES: readonly [
    name: string,
    token: BoundCaller,
    own: Record<string, unknown>,
    foreign: Record<string, unknown>[],
  ][] = [
    ["an agent's", { role: "agent", agent_id: "a1" }, { agent_id: "a1" }, [{ agent_id: "a2" }, {}, { user_id: "u1" }]],
    [
      "an agent's that carries a user",
      { role: "agent", agent_id: "a1", user_id: "u1" },
      { agent_id: "a1", user_id: "u1" },
      [{ agent_id: "a1", user_id: "u2" }, { agent_id: "a2", user_id: "u1" }, { agent_id: "a1" }],
    ],
    [
      "a user's",
      { role: "user", user_id: "u1" },
      { agent_id: "a2", user_id: "u1" },
      [{ user_id: "u2" }, { agent_id: "a1" }],
    ],
    ["a plugin's", { role: "plugin", plugin_id: "p1" }, plugin("p1"), [plugin("p2"), { user_id: "p1" }]],
  ];

  it.each(CASES)("%s token", async (_name, caller, own, foreign) => {
    const token = await tokenFor(caller);
    for (const fields of foreign) {
      const id = await makeJob({ ...fields, message: '{"status": 202}' });
      const { body } = await call("POST", `/v1/jobs/${id}/run`);
      for (const [method, path, sent] of CALLS) {
        const got = await call(method, `/v1/jobs/${id}${path.replace("RUN", String(body.run_id))}`, { ...sent, token });
        expectProblem(got, 404, "not_found");
      }
      for (const { name, route } of toolsOver(ROUTES).filter((tool) => tool.route.path.includes("/jobs/:id"))) {
        const window = { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:01Z" };
        const args = { backfillJob: window, completeRun: { status: "success" } }[route.id] ?? {};
        const ids = route.path.includes(":run_id") ? { job_id: id, run_id: String(body.run_id) } : { job_id: id };
        const { text } = await callTool(name, { ...ids, ...args }, { token });
        expect(text, name).toContain("(not_found)");
      }
      expect((await call("GET", `/v1/jobs/${id}`)).body.description).toBeUndefined();
    }
    const id = await makeJob({ ...own, message: '{"status": 202}' });
    const { body } = await call("POST", `/v1/jobs/${id}/run`, { token });
    for (const [method, path, sent] of CALLS) {
      const got = await call(method, `/v1/jobs/${id}${path.replace("RUN", String(body.run_id))}`, { ...sent, token });
      // The run has been completed by then; cancelling comes too late.
      if (path.endsWith("/cancel")) expectProblem(got, 409, "run_already_finished");
      else expect(got.status, `${method} ${path}: ${got.text}`).toBeLessThan(300);
    }
  });

  it.each(CASES)("%s list", async (_name, caller, own, foreign) => {
    const label = fresh("list");
    for (const fields of foreign) await makeJob({ ...fields, labels: { of: label } });
    const id = await makeJob({ ...own, labels: { of: label } });
    const got = await call("GET", `/v1/jobs?label=of:${label}`, { token: await tokenFor(caller) });
    expect((got.body.items as { id: string }[]).map((job) => job.id)).toEqual([id]);
    const all = await call("GET", `/v1/jobs?label=of:${label}`, { token: await tokenFor({ role: "viewer" }) });
    expect(all.body.items).toHaveLength(foreign.length + 1);
  });
});

describe("a new job gets the ids of the token that creates it", () => {
  const plugin = { plugin_id: "p1", job_key: "k", runtime_name: "r" };
  const agent: BoundCaller = { role: "agent", agent_id: "a1" };
  const agentOfUser: BoundCaller = { role: "agent", agent_id: "a1", user_id: "u1" };
  const user: BoundCaller = { role: "user", user_id: "u1" };
  const pluginCaller: BoundCaller = { role: "plugin", plugin_id: "p1" };

  it.each<[string, BoundCaller, Record<string, unknown>, Record<string, unknown>]>([
    ["an agent's: a job of scope system", agent, {}, { agent_id: "a1", exec_scope: "system", owner_kind: "user" }],
    ["an agent's: a job for any user", agent, { user_id: 7 }, { agent_id: "a1", user_id: "7", exec_scope: "user" }],
    [
      "an agent's for a user: a job of that user",
      agentOfUser,
      {},
      { agent_id: "a1", user_id: "u1", exec_scope: "user" },
    ],
    [
      "a user's: a job of theirs, with any agent",
      user,
      { agent_id: "a9" },
      { agent_id: "a9", user_id: "u1", exec_scope: "user" },
    ],
    [
      "a plugin's: a plugin job",
      pluginCaller,
      { ...plugin, message: undefined },
      { ...plugin, owner_kind: "plugin", exec_scope: "system" },
    ],
  ])("%s", async (_title, caller, fields, expected) => {
    const got = await call("POST", "/v1/jobs", { token: await tokenFor(caller), json: jobInput(fields) });
    expect(got.status, got.text).toBe(201);
    expect(got.body).toMatchObject(expected);
  });

  it.each<[string, BoundCaller, Record<string, unknown>]>([
    ["another agent", agent, { agent_id: "a2" }],
    ["all users", agent, { exec_scope: "all_users" }],
    ["all users, by a user", user, { exec_scope: "all_users" }],
    ["the system", agent, { owner_kind: "system" }],
    ["a plugin, by an agent", agent, plugin],
    ["another user", agentOfUser, { user_id: "u2" }],
    ["no user, by a token of a user", agentOfUser, { exec_scope: "system" }],
    ["no user, by a user", user, { exec_scope: "system" }],
    ["another plugin", pluginCaller, { ...plugin, plugin_id: "p2" }],
    ["a user, by a plugin", pluginCaller, { owner_kind: "user" }],
  ])("asking for one of %s is forbidden", async (_title, caller, fields) => {
    const token = await tokenFor(caller);
    expectProblem(await call("POST", "/v1/jobs", { token, json: jobInput(fields) }), 403, "forbidden");
  });

  it.each<[string, BoundCaller, Record<string, unknown>, Record<string, unknown>]>([
    ["another agent", agent, {}, { agent_id: "a2" }],
    ["no agent", agent, {}, { agent_id: null }],
    ["another user", user, {}, { user_id: "u2" }],
    ["all users", agent, {}, { exec_scope: "all_users" }],
    ["another plugin", pluginCaller, plugin, { plugin_id: "p2" }],
  ])("giving it to %s is forbidden", async (_title, caller, fields, patch) => {
    const token = await tokenFor(caller);
    const id = await makeJob(fields, token);
    expectProblem(await call("PATCH", `/v1/jobs/${id}`, { token, json: patch }), 403, "forbidden");
  });
});

describe("a run's token", () => {
  const active = async () => {
    const id = await makeJob({ message: '{"status": 202}' });
    const { body } = await call("POST", `/v1/jobs/${id}/run`);
    const runId = String(body.run_id);
    return { id, runId, token: await tokenFor({ role: "run", job_id: id, run_id: runId }) };
  };

  it("opens its own run: to read it, report progress, and complete it", async () => {
    const { id, runId, token } = await active();
    const run = `/v1/jobs/${id}/runs/${runId}`;
    expect((await call("GET", run, { token })).body.status).toBe("running");
    expect((await call("POST", `${run}/progress`, { token, json: { percent: 10 } })).body.progress).toEqual({
      percent: 10,
    });
    expect((await call("POST", `${run}/complete`, { token, json: { status: "success" } })).body.status).toBe("success");
  });

  it("opens no other run, of its own job or another, and nothing else", async () => {
    const { id, token } = await active();
    const other = await active();
    for (const run of [`/v1/jobs/${id}/runs/${id}-s1`, `/v1/jobs/${other.id}/runs/${other.runId}`]) {
      expectProblem(await call("GET", run, { token }), 404, "not_found");
      expectProblem(await call("POST", `${run}/complete`, { token, json: { status: "error" } }), 404, "not_found");
      expectProblem(await call("POST", `${run}/progress`, { token, json: {} }), 404, "not_found");
    }
    expectProblem(await call("GET", `/v1/jobs/${id}`, { token }), 403, "forbidden");
    expectProblem(await call("GET", "/v1/jobs", { token }), 403, "forbidden");
    expectProblem(await call("POST", `/v1/jobs/${id}/runs/${id}-s1/cancel`, { token }), 403, "forbidden");
  });
});

describe("a job of the operator is visible to tokens with its ids, and only the operator changes and runs it", () => {
  const agent = () => tokenFor({ role: "agent", agent_id: "a1" });
  const REFUSED: readonly [method: string, path: string, json: Record<string, unknown> | undefined, tool: string][] = [
    ["PATCH", "", { description: "changed" }, "update_job"],
    ["POST", "/run", undefined, "run_job_now"],
    ["POST", "/pause", undefined, "pause_job"],
    ["POST", "/resume", undefined, "resume_job"],
    ["POST", "/backfill", { from: "2026-01-01T00:00:00Z", to: "2026-01-01T00:00:01Z" }, "backfill_job"],
    ["DELETE", "", undefined, "cancel_job"],
  ];
  const tools = toolsOver(ROUTES).map(({ name }) => name);

  it.each(["system", "all_users"])("%s", async (kind) => {
    const fields = { name: fresh(kind), message: "m", schedule: { every: "1h" }, agent_id: "a1" };
    const made =
      kind === "system"
        ? await call("PUT", "/v1/jobs/ensure", { json: fields })
        : await call("POST", "/v1/jobs", { json: { ...fields, exec_scope: "all_users" } });
    const id = String(made.body.id);
    const token = await agent();
    expect((await call("GET", `/v1/jobs/${id}`, { token })).status).toBe(200);
    for (const [method, path, json, tool] of REFUSED) {
      expectProblem(await call(method, `/v1/jobs/${id}${path}`, { token, json }), 403, "forbidden");
      if (!tools.includes(tool)) continue;
      const { text } = await callTool(tool, { job_id: id, ...json }, { token });
      expect(text, tool).toContain("(forbidden)");
    }
    const runs = await call("GET", `/v1/jobs/${id}/runs`, { token });
    if (kind === "system") expect(runs.status).toBe(200);
    else expectProblem(runs, 403, "forbidden");
    expect((await call("GET", `/v1/jobs/${id}/fan-outs`, { token })).status).toBe(200);
    expectProblem(
      await call("POST", `/v1/jobs/${id}/run`, { token: await tokenFor({ role: "viewer" }) }),
      403,
      "forbidden",
    );
    const foreign = await tokenFor({ role: "agent", agent_id: "a2" });
    expectProblem(await call("DELETE", `/v1/jobs/${id}`, { token: foreign }), 404, "not_found");
    expect((await call("POST", `/v1/jobs/${id}/pause`)).status).toBe(200);
  });

  it("a user's run of a fan-out is read by the operator and viewers", async () => {
    const userId = fresh("fan");
    await call("PUT", `/v1/users/${userId}`, { json: {} });
    const id = await makeJob({ exec_scope: "all_users", agent_id: "a1", message: '{"status": 202}' });
    const { body } = await call("POST", `/v1/jobs/${id}/run`);
    const runs = async () => (await call("GET", `/v1/jobs/${id}/runs?fan_out_id=${body.fan_out_id}`)).body.items;
    await vi.waitUntil(async () => ((await runs()) as unknown[]).length > 0, { timeout: 15_000, interval: 200 });
    const [run] = (await runs()) as { id: string }[];
    const path = `/v1/jobs/${id}/runs/${run?.id}`;
    expectProblem(await call("GET", path, { token: await agent() }), 403, "forbidden");
    expectProblem(await call("POST", `${path}/cancel`, { token: await agent() }), 403, "forbidden");
    expect((await call("GET", path, { token: await tokenFor({ role: "viewer" }) })).status).toBe(200);
    // Its agent reports on it, but cannot read it by that.
    const report = async (token: string) =>
      (await call("POST", `${path}/complete`, { json: { status: "error" }, token })).body;
    expect(await report(ADMIN_TOKEN)).toMatchObject({ status: "error", error: expect.stringContaining("registered") });
    expect(await report(await agent())).not.toHaveProperty("error");
    await call("DELETE", `/v1/users/${userId}`);
    await call("DELETE", `/v1/jobs/${id}`);
  });
});
