/** The list, the revocation and the bounds of tokens (docs/contract.md §17). */
import { exports } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { mintToken } from "../../../../src/agent/token.ts";
import { isRevoked, REVOCATIONS_MS } from "../../../../src/directory/tokens.ts";
import { TOKENS_KEY } from "../../../../src/domain/directory-shard.ts";
import worker from "../../../../src/index.ts";
import { shardFor } from "../../bindings.ts";
import { call, env, expectProblem, fresh, jobInput, later, makeJob, ORIGIN, TOKEN_SECRET } from "../../http-fixture.ts";

type Made = { readonly id: string; readonly token: string };

async function mint(body: Record<string, unknown>): Promise<Made> {
  const got = await call("POST", "/v1/tokens", { json: { expires_in: "1h", ...body } });
  expect(got.status, got.text).toBe(201);
  return got.body as Made;
}

const statusOf = async (token: string, method = "GET", path = "/v1/jobs"): Promise<number> =>
  (await call(method, path, { token, json: method === "GET" ? undefined : jobInput() })).status;

describe("the list of tokens", () => {
  it("shows the rights of each token, newest first, and never the token", async () => {
    const first = await mint({ role: "agent", agent_id: "helper", name: "CI", access: "read", agents: ["helper"] });
    const second = await mint({ role: "user", user_id: "u1" });
    const viewer = await mint({ role: "viewer" });
    const got = await call("GET", "/v1/tokens");
    expect(got.body.items).toMatchObject([
      { id: viewer.id, role: "viewer", access: "read" },
      { id: second.id, role: "user", user_id: "u1", access: "write" },
      { id: first.id, role: "agent", agent_id: "helper", name: "CI", access: "read", agents: ["helper"] },
    ]);
    for (const { token } of [first, second, viewer]) expect(got.text).not.toContain(token);
    const page = await call("GET", "/v1/tokens?limit=2");
    expect(page.body.items).toHaveLength(2);
    const rest = await call("GET", `/v1/tokens?limit=2&cursor=${page.body.next_cursor}`);
    expect(rest.body.items).toMatchObject([{ id: first.id }]);
  });

  it("drops expired tokens", async () => {
    const { id } = await mint({ role: "viewer", expires_in: "1s" });
    const { items } = (await later(3_000, () => call("GET", "/v1/tokens"))).body;
    expect(JSON.stringify(items)).not.toContain(id);
  });

  it.each([
    [{ agents: ["other"] }, "agents"],
    [{ agents: [] }, "agents"],
    [{ access: "none" }, "access"],
    [{ name: "" }, "name"],
    [{ name: "x".repeat(201) }, "name"],
  ])("takes no %o", async (fields, path) => {
    const got = await call("POST", "/v1/tokens", {
      json: { role: "agent", agent_id: "helper", expires_in: "1h", ...fields },
    });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toContainEqual(expect.objectContaining({ path }));
  });
});

describe("a revoked token", () => {
  it("is refused at once, is not listed, and cannot be revoked twice", async () => {
    const { id, token } = await mint({ role: "user", user_id: "u1" });
    expect(await statusOf(token)).toBe(200);
    expect((await call("DELETE", `/v1/tokens/${id}`)).status).toBe(204);
    expectProblem(await call("GET", "/v1/jobs", { token }), 401, "unauthorized");
    expectProblem(await call("DELETE", `/v1/tokens/${id}`), 404, "not_found");
    expect((await call("GET", "/v1/tokens")).text).not.toContain(id);
  });

  it("is refused in an isolate that has not heard of it, within ten seconds", async () => {
    const caller = { role: "viewer", token_id: (await mint({ role: "viewer" })).id } as const;
    const now = Date.now() + 60_000;
    expect(await isRevoked(env, caller, now)).toBe(false);
    // Revoked as by another isolate, so that this one does not hear of it.
    await shardFor(TOKENS_KEY).revokeToken(caller.token_id, { actor: "admin" }, now);
    expect(REVOCATIONS_MS).toBeLessThan(10_000);
    expect(await isRevoked(env, caller, now + REVOCATIONS_MS + 1)).toBe(true);
    expect(await isRevoked(env, { role: "viewer" }, now)).toBe(false);
  });

  it("can be revoked by the operator only", async () => {
    const { id, token } = await mint({ role: "viewer" });
    expectProblem(await call("DELETE", `/v1/tokens/${id}`, { token }), 403, "forbidden");
    expectProblem(await call("GET", "/v1/tokens", { token }), 403, "forbidden");
  });
});

describe("a read-only token", () => {
  it("reads its jobs and changes none", async () => {
    const user = fresh("user");
    const id = await makeJob({ user_id: user });
    const { token } = await mint({ role: "user", user_id: user, access: "read" });
    expect(await statusOf(token, "GET", `/v1/jobs/${id}`)).toBe(200);
    expect((await call("GET", `/v1/jobs/${id}/runs`, { token })).status).toBe(200);
    for (const [method, path] of [
      ["POST", "/v1/jobs"],
      ["POST", `/v1/jobs/${id}/run`],
      ["POST", `/v1/jobs/${id}/pause`],
      ["DELETE", `/v1/jobs/${id}`],
      ["POST", `/v1/users/${user}/seen`],
    ] as const) {
      const got = await call(method, path, { token, ...(path === "/v1/jobs" ? { json: jobInput() } : {}) });
      expectProblem(got, 403, "forbidden");
      expect(got.body.detail).toContain("may only read");
    }
  });
});

describe("a token with a list of agents", () => {
  it("creates and changes jobs of these agents only", async () => {
    const user = fresh("user");
    const { token } = await mint({ role: "user", user_id: user, agents: ["helper", "cook"] });
    const foreign = await call("POST", "/v1/jobs", { token, json: jobInput({ agent_id: "boss" }) });
    expectProblem(foreign, 403, "forbidden");
    expect(`${foreign.body.hint}`).toContain('one of "helper", "cook"');
    const id = await makeJob({ agent_id: "cook" }, token);
    expectProblem(await call("PATCH", `/v1/jobs/${id}`, { token, json: { agent_id: "boss" } }), 403, "forbidden");
    expect((await call("PATCH", `/v1/jobs/${id}`, { token, json: { agent_id: "helper" } })).status).toBe(200);
    // A job that names no agent goes to the default one, which is not on the list.
    const unnamed = await call("POST", "/v1/jobs", { token, json: jobInput() });
    expectProblem(unnamed, 403, "forbidden");
    expect(unnamed.body.errors).toContainEqual(expect.objectContaining({ path: "agent_id" }));
    expectProblem(await call("PATCH", `/v1/jobs/${id}`, { token, json: { agent_id: null } }), 403, "forbidden");
  });

  it("creates jobs of its one agent when none is named, and runs no job for another", async () => {
    const user = fresh("user");
    const { token } = await mint({ role: "user", user_id: user, agents: ["helper"] });
    const made = await call("POST", "/v1/jobs", { token, json: jobInput() });
    expect([made.status, made.body.agent_id]).toEqual([201, "helper"]);
    const other = await makeJob({ user_id: user, agent_id: "boss" });
    const path = `/v1/jobs/${other}`;
    for (const act of ["/run", "/resume", "/trigger", "/trigger-token"]) {
      expectProblem(await call("POST", `${path}${act}`, { token }), 403, "forbidden");
    }
    for (const act of ["/pause", "/trigger-token"]) {
      const method = act === "/pause" ? "POST" : "DELETE";
      expect((await call(method, `${path}${act}`, { token })).status).toBeLessThan(300);
    }
    expect((await call("DELETE", path, { token })).status).toBe(204);
  });
});

describe("secrets", () => {
  const fetchWith = async (settings: Record<string, string>, token: string) => {
    const request = new Request(`${ORIGIN}/v1/jobs`, { headers: { authorization: `Bearer ${token}` } });
    const response = await worker.fetch(request, { ...env, ...settings }, {
      waitUntil() {},
      passThroughOnException() {},
      props: {},
    } as unknown as ExecutionContext);
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  };
  const NEW = "a-new-secret-of-at-least-thirty-two-characters";
  const OTHER = "another-new-secret-of-at-least-thirty-two-chars";

  it("that were replaced are accepted if set as the previous ones, and refused otherwise", async () => {
    const { token } = await mint({ role: "viewer" });
    expect((await fetchWith({ TOKEN_SECRET: NEW }, token)).status).toBe(401);
    expect((await fetchWith({ TOKEN_SECRET: NEW, TOKEN_SECRET_PREVIOUS: TOKEN_SECRET }, token)).status).toBe(200);
    const { ADMIN_TOKEN } = env as unknown as { ADMIN_TOKEN: string };
    expect((await fetchWith({ ADMIN_TOKEN: OTHER }, ADMIN_TOKEN)).status).toBe(401);
    const both = { ADMIN_TOKEN: OTHER, ADMIN_TOKEN_PREVIOUS: ADMIN_TOKEN };
    expect((await fetchWith(both, ADMIN_TOKEN)).status).toBe(200);
    expect((await fetchWith(both, OTHER)).status).toBe(200);
  });

  it("set as previous ones never sign", async () => {
    const now = Date.now();
    const signed = await mintToken({ role: "viewer" }, NEW, now, now + 60_000);
    expect((await fetchWith({ TOKEN_SECRET: NEW, TOKEN_SECRET_PREVIOUS: TOKEN_SECRET }, signed)).status).toBe(200);
    expect(
      (await exports.default.fetch(`${ORIGIN}/v1/jobs`, { headers: { authorization: `Bearer ${signed}` } })).status,
    ).toBe(401);
  });

  it.each([
    ["a short ADMIN_TOKEN", { ADMIN_TOKEN: "a", TOKEN_SECRET: NEW }, "ADMIN_TOKEN has 1 character"],
    ["a short TOKEN_SECRET", { ADMIN_TOKEN: NEW, TOKEN_SECRET: "x".repeat(31) }, "TOKEN_SECRET has 31 characters"],
    ["the same twice", { ADMIN_TOKEN: NEW, TOKEN_SECRET: NEW }, "are the same"],
  ])("that are too weak are not_configured, and the answer says how to make one: %s", async (_what, settings, said) => {
    const { status, body } = await fetchWith(settings, settings.ADMIN_TOKEN);
    expect({ status, code: body.code }).toEqual({ status: 500, code: "not_configured" });
    expect(body.detail).toContain(said);
    expect(body.detail).toContain("openssl rand -base64 32");
    expect((await fetchWith({ ...settings, LOCAL: "true" }, settings.ADMIN_TOKEN)).status).not.toBe(500);
  });
});

describe("the audit trail", () => {
  it("has an entry for each token that is issued or revoked, for the operator only", async () => {
    const { id, token } = await mint({ role: "viewer", name: "secret plans" });
    await call("DELETE", `/v1/tokens/${id}`);
    const got = await call("GET", "/v1/audit?limit=2");
    expect(got.body.items).toMatchObject([
      { action: "token.revoke", target: id, actor: "admin" },
      { action: "token.create", target: id, actor: "admin" },
    ]);
    expect(got.text).not.toContain("secret plans");
    expect(got.text).not.toContain(token);
    const viewer = await mint({ role: "viewer" });
    expectProblem(await call("GET", "/v1/audit", { token: viewer.token }), 403, "forbidden");
  });
});
