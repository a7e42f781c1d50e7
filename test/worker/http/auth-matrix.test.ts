/** Who may do what (docs/contract.md §7): every route × every kind of token, and every job route × own and foreign job. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { mintToken } from "../../../src/agent/token.ts";
import { makeTriggerToken } from "../../../src/agent/trigger-token.ts";
import type { BoundCaller, Caller } from "../../../src/domain/job/access.ts";
import { ROUTES } from "../../../src/http/app.ts";
import type { Access } from "../../../src/http/auth.ts";
import { toolsOver } from "../../../src/http/mcp/tools.ts";
import worker from "../../../src/index.ts";
import {
  ADMIN_TOKEN,
  call,
  callTool,
  env,
  expectProblem,
  fresh,
  jobInput,
  makeJob,
  ORIGIN,
  type Sent,
  TOKEN_SECRET,
  tokenFor,
} from "../http-fixture.ts";

const JOB_ID = "jaaaaaaaaaaaaaaaaaaaaaaaa";
const CALLERS: Record<string, Caller | "admin" | "nobody"> = {
  nobody: "nobody",
  admin: "admin",
  viewer: { role: "viewer" },
  agent: { role: "agent", agent_id: "a1" },
  "agent of a user": { role: "agent", agent_id: "a1", user_id: "u1" },
  user: { role: "user", user_id: "u1" },
  plugin: { role: "plugin", plugin_id: "p1" },
  run: { role: "run", job_id: JOB_ID, run_id: `${JOB_ID}-s1` },
  "agent that reads": { role: "agent", agent_id: "a1", access: "read" },
  "user that reads": { role: "user", user_id: "u1", access: "read" },
  "user of some agents": { role: "user", user_id: "u1", agents: ["a1"] },
};
const READERS = ["agent that reads", "user that reads"];
const EVERYONE = ["agent", "agent of a user", "user", "plugin", "user of some agents"];

/** Tokens that are none (any more), or another job's: each is refused everywhere but where no token is asked for. */
const REFUSED: Record<string, { readonly make: () => Promise<string>; readonly status: 401 | 403 }> = {
  "revoked token": { make: revoked, status: 401 },
  "expired token": { make: () => mintToken({ role: "viewer" }, TOKEN_SECRET, 0, Date.now() - 1_000), status: 401 },
  "token of another deployment": {
    make: () => mintToken({ role: "viewer" }, "the-secret-of-another-deployment-", Date.now(), Date.now() + 60_000),
    status: 401,
  },
  "made-up trigger token": { make: async () => `rvt_${JOB_ID}_${"a".repeat(46)}`, status: 401 },
  "another job's trigger token": {
    make: async () => (await makeTriggerToken(env, `${JOB_ID.slice(0, -1)}b`, "admin")).token,
    status: 403,
  },
};

async function revoked(): Promise<string> {
  const { body } = await call("POST", "/v1/tokens", { json: { role: "viewer", expires_in: "1h" } });
  await call("DELETE", `/v1/tokens/${body.id}`);
  return String(body.token);
}

/** Who gets past each rule. */
const ALLOWED: Record<Access, readonly string[]> = {
  health: [...Object.keys(CALLERS)],
  public: [...Object.keys(CALLERS)],
  read: ["admin", "viewer", ...EVERYONE, ...READERS],
  write: ["admin", ...EVERYONE],
  admin: ["admin"],
  admin_read: ["admin", "viewer"],
  own_user: ["admin"],
  metrics: ["admin"],
  own_agent: ["admin"],
  claim: ["admin"],
  read_run: ["admin", "viewer", "run", ...EVERYONE, ...READERS],
  report_run: ["admin", "run", ...EVERYONE],
  trigger: ["admin", ...EVERYONE],
};

const tokenOf = async (name: string): Promise<string | undefined> => {
  const caller = CALLERS[name];
  if (caller === undefined || caller === "nobody") return undefined;
  return caller === "admin" ? ADMIN_TOKEN : tokenFor(caller);
};

describe.each(ROUTES.map(({ method, path, access }) => [`${method.toUpperCase()} ${path}`, access] as const))(
  "%s",
  (name, access) => {
    it.each(Object.keys(CALLERS))("for %s", async (kind) => {
      const [method = "", path = ""] = name.split(" ");
      const got = await call(method, path.replace(":run_id", `${JOB_ID}-s1`).replace(/:\w+/g, JOB_ID), {
        token: await tokenOf(kind),
      });
      if (ALLOWED[access].includes(kind)) expect([401, 403]).not.toContain(got.status);
      else if (kind === "nobody") expectProblem(got, 401, "unauthorized");
      else expectProblem(got, 403, "forbidden");
    });

    it.each(Object.entries(REFUSED))("for a %s", async (_kind, { make, status }) => {
      const [method = "", path = ""] = name.split(" ");
      const url = path.replace(":run_id", `${JOB_ID}-s1`).replace(/:\w+/g, JOB_ID);
      const got = await call(method, url, { token: await make() });
      if (access === "health" || access === "public") expect([401, 403]).not.toContain(got.status);
      else expectProblem(got, status, status === 401 ? "unauthorized" : "forbidden");
    });
  },
);

it("on every route, tokens of the secrets before are what they were", async () => {
  const NEW = "a-new-secret-of-the-tests-in-workerd";
  const settings = { TOKEN_SECRET: NEW, TOKEN_SECRET_PREVIOUS: TOKEN_SECRET };
  const admins = { ADMIN_TOKEN: NEW, ADMIN_TOKEN_PREVIOUS: ADMIN_TOKEN };
  const agent = await tokenFor({ role: "agent", agent_id: "a1" });
  const status = async (changed: object, token: string, method: string, path: string) => {
    const ctx = createExecutionContext();
    const request = new Request(`${ORIGIN}${path}`, { method, headers: { authorization: `Bearer ${token}` } });
    const response = await worker.fetch(request, { ...env, ...changed }, ctx);
    await response.body?.cancel();
    await waitOnExecutionContext(ctx);
    return response.status;
  };
  for (const { method, path: pattern, access } of ROUTES) {
    if (access === "health" || access === "public") continue;
    const path = pattern.replace(":run_id", `${JOB_ID}-s1`).replace(/:\w+/g, JOB_ID);
    const verb = method.toUpperCase();
    const isAllowed = ALLOWED[access].includes("agent");
    const got = await status(settings, agent, verb, path);
    expect(isAllowed ? ![401, 403].includes(got) : got === 403, `${verb} ${path}: ${got}`).toBe(true);
    expect([401, 403], `${verb} ${path}`).not.toContain(await status(admins, ADMIN_TOKEN, verb, path));
    expect(await status({ TOKEN_SECRET: NEW }, agent, verb, path), `${verb} ${path}`).toBe(401);
  }
});

describe.each(toolsOver(ROUTES).map(({ name, route }) => [name, route.access] as const))(
  "the tool %s",
  (name, access) => {
    it.each(Object.keys(CALLERS))("for %s", async (kind) => {
      const ids = { job_id: JOB_ID, run_id: `${JOB_ID}-s1` };
      const { isError, text } = await callTool(name, ids, { token: await tokenOf(kind) });
      // A tool that claims takes the token's own agent where none is named.
      const allowed = access === "claim" ? ["admin", "agent", "agent of a user"] : ALLOWED[access];
      const isLetIn = allowed.includes(kind) && ALLOWED.read.includes(kind);
      if (isLetIn) expect(text).not.toMatch(/unauthorized|forbidden/);
      else
        expect([isError, text]).toEqual([
          true,
          expect.stringMatching(kind === "nobody" ? /unauthorized/ : /forbidden/),
        ]);
    });
  },
);

it("only the operator may ensure and mint; only who may change things may change them", () => {
  const table = Object.fromEntries(ROUTES.map(({ method, path, access }) => [`${method} ${path}`, access]));
  expect(table).toMatchObject({
    "get /healthz": "health",
    "get /openapi.json": "public",
    "post /v1/jobs": "write",
    "get /v1/jobs": "read",
    "get /v1/jobs/:id": "read",
    "patch /v1/jobs/:id": "write",
    "delete /v1/jobs/:id": "write",
    "post /v1/jobs/:id/run": "write",
    "post /v1/jobs/:id/pause": "write",
    "post /v1/jobs/:id/resume": "write",
    "post /v1/jobs/:id/backfill": "write",
    "get /v1/jobs/:id/runs": "read",
    "get /v1/jobs/:id/runs/:run_id": "read_run",
    "post /v1/jobs/:id/runs/:run_id/complete": "report_run",
    "post /v1/jobs/:id/runs/:run_id/progress": "report_run",
    "post /v1/jobs/:id/runs/:run_id/release": "report_run",
    "post /v1/jobs/:id/runs/:run_id/cancel": "write",
    "put /v1/jobs/ensure": "admin",
    "post /v1/tokens": "admin",
    "get /v1/users": "admin_read",
    "get /v1/users/:id": "admin_read",
    "put /v1/users/:id": "admin",
    "delete /v1/users/:id": "admin",
    "post /v1/users/import": "admin",
    "post /v1/users/:id/seen": "own_user",
    "get /v1/agents": "admin_read",
    "get /v1/agents/:id": "admin_read",
    "put /v1/agents/:id": "own_agent",
    "delete /v1/agents/:id": "admin",
    "post /v1/import": "admin",
    "get /v1/export": "admin",
    "get /v1/stats": "admin_read",
    "post /v1/schedules/preview": "read",
  });
});

describe("a job and its runs exist for nobody whose token carries another id", () => {
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

describe("a new job takes the ids of the token that makes it", () => {
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

describe("a job of the operator's is seen by those whose ids it has, and changed and run by the operator only", () => {
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
    // Its agent reports on it, and reads nothing of it by that.
    const report = async (token: string) =>
      (await call("POST", `${path}/complete`, { json: { status: "error" }, token })).body;
    expect(await report(ADMIN_TOKEN)).toMatchObject({ status: "error", error: expect.stringContaining("registered") });
    expect(await report(await agent())).not.toHaveProperty("error");
    await call("DELETE", `/v1/users/${userId}`);
    await call("DELETE", `/v1/jobs/${id}`);
  });
});
