/** The rights of calls (docs/contract.md §7): every route and every tool of MCP × every kind of token. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { mintToken } from "../../../src/agent/token.ts";
import { makeTriggerToken } from "../../../src/agent/trigger-token.ts";
import type { Caller } from "../../../src/domain/job/access.ts";
import { ROUTES } from "../../../src/http/app.ts";
import type { Access } from "../../../src/http/auth.ts";
import { toolsOver } from "../../../src/http/mcp/tools.ts";
import worker from "../../../src/index.ts";
import { ADMIN_TOKEN, call, callTool, env, expectProblem, ORIGIN, TOKEN_SECRET, tokenFor } from "../http-fixture.ts";

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

/** Invalid tokens, and another job's token. Each is refused everywhere, except on routes that need no token. */
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

/** The tokens that pass each rule. */
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

it("on every route, tokens of the previous secrets keep their rights", async () => {
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
      // A tool that claims uses the token's own agent if none is named.
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

it("only the operator may ensure and issue tokens, and only tokens with write access may change things", () => {
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
