/** The routes around jobs: health, tokens, previews, the API's description (docs/contract.md §6, §7). */
import { describe, expect, it } from "vitest";
import { readToken } from "../../../src/agent/token.ts";
import { ROUTES } from "../../../src/http/app.ts";
import { call, expectProblem, TOKEN_SECRET } from "../http-fixture.ts";

it("GET /healthz answers anybody", async () => {
  const got = await call("GET", "/healthz", { token: undefined });
  expect(got.status).toBe(200);
  expect(got.body).toMatchObject({ status: "ok", version: expect.stringMatching(/^\d+\.\d+\.\d+/) });
});

/** The claims of a JWT. */
const decode = (token: string): unknown =>
  JSON.parse(atob(token.split(".")[1]?.replaceAll("-", "+").replaceAll("_", "/") ?? ""));

describe("POST /v1/tokens", () => {
  const mint = (json: Record<string, unknown>) => call("POST", "/v1/tokens", { json });

  it.each([
    [
      { role: "agent", agent_id: "a1" },
      { role: "agent", agent_id: "a1" },
    ],
    [
      { role: "agent", agent_id: "a1", user_id: 42 },
      { role: "agent", agent_id: "a1", user_id: "42" },
    ],
    [
      { role: "user", user_id: "u1", agent_id: "" },
      { role: "user", user_id: "u1" },
    ],
    [
      { role: "plugin", plugin_id: "p1" },
      { role: "plugin", plugin_id: "p1" },
    ],
    [{ role: "viewer" }, { role: "viewer" }],
  ])("makes a token for %o that speaks for it until it expires", async (body, caller) => {
    const before = Date.now();
    const got = await mint({ ...body, expires_in: "1h" });
    expect(got.status).toBe(201);
    expect(got.headers.get("cache-control")).toBe("no-store");
    const { id, token, expires_at } = got.body as { id: string; token: string; expires_at: string };
    const facts = { token_id: id, expires_at: Date.parse(expires_at) };
    expect(await readToken(token, [TOKEN_SECRET])).toEqual({ ...caller, ...facts });
    expect(decode(token)).toMatchObject({ jti: id, iss: "reveille", exp: facts.expires_at / 1_000 });
    expect(Math.abs(Date.parse(expires_at) - before - 3_600_000)).toBeLessThanOrEqual(2_000);
    expect((await call("GET", "/v1/jobs", { token })).status).toBe(200);
  });

  it.each([
    [{ role: "agent" }, "agent_id"],
    [{ role: "user", user_id: 0 }, "user_id"],
    [{ role: "plugin", plugin_id: "p1", user_id: "u1" }, "user_id"],
    [{ role: "viewer", agent_id: "a1" }, "agent_id"],
    [{ role: "admin" }, "role"],
    [{ role: "viewer", expires_in: "366d" }, "expires_in"],
    [{ role: "viewer", expires_in: "500ms" }, "expires_in"],
    [{ role: "viewer", expires_in: "soon" }, "expires_in"],
    [{ role: "viewer", expires_in: undefined }, "expires_in"],
    [{ role: "viewer", note: "mine" }, "note"],
  ])("refuses %o", async (body, path) => {
    const got = await mint({ expires_in: "1h", ...body });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path }]);
  });
});

describe("POST /v1/schedules/preview", () => {
  const preview = (json: Record<string, unknown>) => call("POST", "/v1/schedules/preview", { json });

  it("shows each fire in UTC and in the schedule's zone across a clock change, and describes it", async () => {
    const got = await preview({
      schedule: { cron: "30 2 * * *", timezone: "America/New_York" },
      from: "2027-03-13T00:00:00-05:00",
      count: 3,
    });
    expect(got.body).toEqual({
      next: [
        { at: "2027-03-13T07:30:00.000Z", local: "2027-03-13T02:30:00-05:00" },
        { at: "2027-03-14T07:00:00.000Z", local: "2027-03-14T03:00:00-04:00" },
        { at: "2027-03-15T06:30:00.000Z", local: "2027-03-15T02:30:00-04:00" },
      ],
      description: expect.stringContaining("America/New_York"),
    });
  });

  it("anchors every at from, shows 5 fires, and fewer if the schedule ends", async () => {
    const every = await preview({ schedule: { every: "90m" }, from: "2027-01-01T00:00:00Z" });
    expect((every.body.next as { at: string }[]).map(({ at }) => at)).toEqual([
      "2027-01-01T01:30:00.000Z",
      "2027-01-01T03:00:00.000Z",
      "2027-01-01T04:30:00.000Z",
      "2027-01-01T06:00:00.000Z",
      "2027-01-01T07:30:00.000Z",
    ]);
    const at = await preview({ schedule: { at: "2027-01-15T14:30:00+08:00" }, count: 100 });
    expect(at.body.next).toEqual([{ at: "2027-01-15T06:30:00.000Z", local: "2027-01-15T14:30:00+08:00" }]);
    expect((await preview({ schedule: { every: "1h", max_runs: 3 } })).body.next).toHaveLength(3);
  });

  it.each([
    [{ schedule: { at: "2020-01-01T00:00:00Z" } }, "schedule.at"],
    [{ schedule: { cron: "* * * * * *" } }, "schedule.cron"],
    [{ schedule: { cron: "0 0 30 2 *" } }, "schedule.cron"],
    [{ schedule: {} }, "schedule"],
    [{ schedule: { every: "1h" }, count: 101 }, "count"],
    [{ schedule: { every: "1h" }, count: 0 }, "count"],
    [{ schedule: { every: "1h" }, from: "tomorrow" }, "from"],
    [{}, "schedule"],
  ])("refuses %o", async (body, path) => {
    const got = await preview(body);
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path }]);
  });
});

describe("GET /openapi.json", () => {
  type Operation = {
    operationId: string;
    security?: unknown[];
    responses: Record<string, unknown>;
    parameters?: { name: string; in: string }[];
  };

  it("describes every route for anybody: parameters, answers, errors, who may call", async () => {
    const got = await call("GET", "/openapi.json", { token: undefined });
    expect(got.status).toBe(200);
    expect(got.body).toMatchObject({ openapi: "3.1.0", servers: [{ url: "https://reveille.test" }] });
    const paths = got.body.paths as Record<string, Record<string, Operation>>;
    for (const route of ROUTES) {
      const operation = paths[route.path.replace(/:(\w+)/g, "{$1}")]?.[route.method];
      expect(operation?.operationId).toBe(route.id);
      expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(Object.keys(route.answers)));
      const inPath = (operation?.parameters ?? [])
        .filter((parameter) => parameter.in === "path")
        .map(({ name }) => name);
      expect(inPath).toEqual([...route.path.matchAll(/:(\w+)/g)].map(([, name]) => name));
      const isOpen = route.access === "public" || route.access === "health";
      expect(operation?.security).toEqual(isOpen ? [] : undefined);
      if (!isOpen) expect(operation?.responses).toHaveProperty("401");
    }
    const ids = Object.values(paths).flatMap((path) => Object.values(path).map(({ operationId }) => operationId));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("refers only to schemas that it contains", async () => {
    const { text, body } = await call("GET", "/openapi.json");
    const { schemas } = body.components as { schemas: Record<string, unknown> };
    const refs = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, ref]) => ref);
    expect(refs.length).toBeGreaterThan(0);
    for (const ref of refs) expect(schemas).toHaveProperty([String(ref).replace("#/components/schemas/", "")]);
  });
});
