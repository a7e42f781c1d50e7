/** Every error code of docs/contract.md §6, provoked over HTTP: its status, its form, and a hint how to continue. */
import { createExecutionContext } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { mintToken } from "../../../src/agent/token.ts";
import { buildApp, ROUTES } from "../../../src/http/app.ts";
import { MAX_BODY_BYTES } from "../../../src/schema/limits.ts";
import {
  ADMIN_TOKEN,
  call,
  env,
  expectProblem,
  jobInput,
  makeJob,
  ORIGIN,
  type Sent,
  TOKEN_SECRET,
  tokenFor,
} from "../http-fixture.ts";

const UNKNOWN_ID = "jaaaaaaaaaaaaaaaaaaaaaaaa";
const json = { "content-type": "application/json" };
const utf8 = new TextEncoder();

describe("a body is refused as", () => {
  const cases: [string, number, string, Sent][] = [
    ["unsupported_media_type without a Content-Type", 415, "unsupported_media_type", { body: utf8.encode("{}") }],
    [
      "unsupported_media_type as a form",
      415,
      "unsupported_media_type",
      { body: "a=1", headers: { "content-type": "application/x-www-form-urlencoded" } },
    ],
    [
      "unsupported_media_type as a merge patch where none is taken",
      415,
      "unsupported_media_type",
      { body: "{}", headers: { "content-type": "application/merge-patch+json" } },
    ],
    [
      "unsupported_media_type even where it is too large as well",
      415,
      "unsupported_media_type",
      { body: "x".repeat(MAX_BODY_BYTES + 1) },
    ],
    [
      "payload_too_large over 256 KiB, before it is read as JSON",
      413,
      "payload_too_large",
      { body: "x".repeat(MAX_BODY_BYTES + 1), headers: json },
    ],
    [
      "payload_too_large over 256 KiB in chunks of unknown number",
      413,
      "payload_too_large",
      { body: chunked(MAX_BODY_BYTES + 1), headers: json },
    ],
    ["invalid_json when empty", 400, "invalid_json", { body: "", headers: json }],
    ["invalid_json when cut off", 400, "invalid_json", { body: '{"name": "a"', headers: json }],
    [
      "invalid_json when it is not UTF-8",
      400,
      "invalid_json",
      { body: new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), headers: json },
    ],
    [
      "invalid_json when nested beyond reason",
      400,
      "invalid_json",
      { body: `{"payload":${'{"a":'.repeat(30_000)}1${"}".repeat(30_001)}`, headers: json },
    ],
    ["validation_failed when it is no object", 422, "validation_failed", { json: [jobInput()] }],
    ["validation_failed for an unknown field", 422, "validation_failed", { json: jobInput({ colour: "red" }) }],
    ["validation_failed for a field that is read-only", 422, "validation_failed", { json: jobInput({ id: "mine" }) }],
    [
      "validation_failed for a schedule in the past",
      422,
      "validation_failed",
      { json: jobInput({ schedule: { at: "2020-01-01T00:00:00Z" } }) },
    ],
    ["validation_failed for a system job", 422, "validation_failed", { json: jobInput({ owner_kind: "system" }) }],
    [
      "validation_failed for an Idempotency-Key of 256 characters",
      422,
      "validation_failed",
      { json: jobInput(), headers: { "idempotency-key": "k".repeat(256) } },
    ],
  ];
  it.each(cases)("%s", async (_title, status, code, sent) => {
    expectProblem(await call("POST", "/v1/jobs", sent), status, code);
  });

  it("accepted at exactly 256 KiB, with a charset in its Content-Type", async () => {
    const text = JSON.stringify(jobInput());
    const got = await call("POST", "/v1/jobs", {
      body: text.padEnd(MAX_BODY_BYTES, " "),
      headers: { "content-type": "Application/JSON; charset=utf-8" },
    });
    expect(got.status).toBe(201);
  });

  it("validation_failed naming every wrong field by its path", async () => {
    const got = await call("POST", "/v1/jobs", {
      json: {
        name: "",
        schedule: { cron: 5, tz: "UTC" },
        retry: { max_attempts: 11 },
        labels: { "a:b": "c" },
        user_id: -1,
      },
    });
    expectProblem(got, 422, "validation_failed");
    const errors = got.body.errors as { path: string; message: string }[];
    expect(errors.map(({ path }) => path).sort()).toEqual(
      ["labels.a:b", "message", "name", "retry.max_attempts", "schedule.cron", "schedule.tz", "user_id"].sort(),
    );
    expect(errors.find(({ path }) => path === "schedule.cron")?.message).toBe(
      'must be a string, not a number; for example "0 9 * * 1-5"',
    );
  });

  it("validation_failed with fifty errors at most, and their true number in detail", async () => {
    const many = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`field${index}`, 1]));
    const got = await call("POST", "/v1/jobs", { json: jobInput(many) });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toHaveLength(50);
    expect(got.body.detail).toContain("4997 more");
    expect(got.text.length).toBeLessThan(20_000);
  });

  it("validation_failed in a time that does not grow with the square of the faults", async () => {
    const many = Object.fromEntries(Array.from({ length: 18_000 }, (_, index) => [`k${index}`, index]));
    for (const fields of [{ labels: many }, { schedule: many }, many]) {
      const startedAt = performance.now();
      const got = await call("POST", "/v1/jobs", { json: jobInput(fields) });
      expectProblem(got, 422, "validation_failed");
      expect(got.body.errors).toHaveLength(50);
      // Each took minutes once, for one call of any token.
      expect(performance.now() - startedAt).toBeLessThan(5_000);
    }
  });

  it("validation_failed that calls a missing field required", async () => {
    const got = await call("POST", "/v1/jobs", { json: {} });
    expect(got.body.errors).toMatchObject([
      { path: "name", message: expect.stringMatching(/^is required.*"name": /) },
      { path: "schedule", message: expect.stringMatching(/^is required.*"schedule": \{"cron"/) },
      { path: "message", message: expect.stringMatching(/^is required/) },
    ]);
  });

  it("unsupported_media_type or validation_failed if the call needs no body, unless it is empty", async () => {
    const id = await makeJob();
    const pause = `/v1/jobs/${id}/pause`;
    expect((await call("POST", pause)).status).toBe(200);
    expect((await call("POST", pause, { json: {} })).status).toBe(200);
    expect((await call("POST", pause, { body: "", headers: { "content-type": "text/plain" } })).status).toBe(200);
    expectProblem(await call("POST", pause, { json: { force: true } }), 422, "validation_failed");
    expectProblem(await call("POST", pause, { body: "now" }), 415, "unsupported_media_type");
  });
});

describe("a path or method", () => {
  it.each([
    ["a path that is none", "GET", "/v1/nothing"],
    ["a path outside of the API, token or not", "GET", "/nothing"],
    ["a trailing slash", "GET", "/v1/jobs/"],
    ["the id of no job", "GET", `/v1/jobs/${UNKNOWN_ID}`],
    ["an id with a wrong checksum", "PATCH", "/v1/jobs/jaaaaaaaaaaaaaaaaaaaaaaab"],
    ["an id that is none", "DELETE", "/v1/jobs/not%20an%20id"],
    ["an id that is too long", "GET", `/v1/jobs/${"a".repeat(65)}`],
    ["an id of spoilt percent-encoding", "GET", "/v1/jobs/%E0%A4%A"],
  ])("that is %s is not_found", async (_title, method, path) => {
    expectProblem(await call(method, path, method === "PATCH" ? { json: {} } : {}), 404, "not_found");
  });

  it("that is unknown under /v1 is explained only with a token, and elsewhere to anybody", async () => {
    expectProblem(await call("GET", "/v1/nothing", { token: undefined }), 401, "unauthorized");
    expectProblem(await call("GET", "/nothing", { token: undefined }), 404, "not_found");
    const wrongMethod = await call("POST", `/v1/jobs/${UNKNOWN_ID}/runs`);
    expect(wrongMethod.body.hint).toContain(`POST /v1/jobs/${UNKNOWN_ID}/run`);
    expect((await call("GET", "/v1/runs/failed")).body.hint).toContain("GET /v1/runs?");
    const run = "jabc-s1_x";
    const near = await call("POST", `/v1/runs/${run}/retry`);
    expect(near.body.hint).toContain(`POST /v1/jobs/jabc/runs/${run}/retry`);
    expect((await call("GET", `/v1/runs/${run}`)).body.hint).toContain(`GET /v1/jobs/jabc/runs/${run}`);
  });

  it.each([
    ["PUT", "/v1/jobs", "POST, GET, HEAD"],
    ["PUT", `/v1/jobs/${UNKNOWN_ID}`, "GET, HEAD, PATCH, DELETE"],
    ["GET", "/v1/schedules/preview", "POST"],
    ["HEAD", "/v1/import", "POST"],
    ["POST", "/v1/jobs/ensure", "PUT, GET, HEAD, PATCH, DELETE"],
    ["DELETE", "/healthz", "GET, HEAD"],
  ])("%s %s is answered with the allowed methods", async (method, path, allow) => {
    const got = await call(method, path);
    expect(got.status).toBe(405);
    expect(got.headers.get("allow")).toBe(allow);
    if (method !== "HEAD") expectProblem(got, 405, "method_not_allowed");
  });
});

describe("a query is refused", () => {
  it.each([
    ["limit=0", "limit"],
    ["limit=101", "limit"],
    ["limit=ten", "limit"],
    ["limit=1&limit=2", "limit"],
    ["limit=1.5", "limit"],
    ["state=active,asleep", "state.1"],
    ["state=", "state.0"],
    ["enabled=yes", "enabled"],
    ["owner_kind=robot", "owner_kind"],
    ["label=team", "label"],
    ["agent_id=", "agent_id"],
    ["cursor=nonsense", "cursor"],
    ["sort=name", "sort"],
  ])("%s", async (query, path) => {
    const got = await call("GET", `/v1/jobs?${query}`);
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path }]);
  });

  it("also if the route has no parameters at all", async () => {
    const id = await makeJob();
    expectProblem(await call("GET", `/v1/jobs/${id}?expand=runs`), 422, "validation_failed");
  });
});

describe("without its settings", () => {
  const app = buildApp(ROUTES);
  const context = {
    waitUntil: () => undefined,
    passThroughOnException: () => undefined,
    props: {},
  } as unknown as ExecutionContext;
  const ask = (path: string, spoilt: Record<string, unknown>, init: RequestInit = {}) =>
    app.fetch(new Request(`${ORIGIN}${path}`, init), { ...env, ...spoilt }, context);

  it.each([
    ["ADMIN_TOKEN", { ADMIN_TOKEN: undefined }],
    ["TOKEN_SECRET", { TOKEN_SECRET: "" }],
    ["MODE", { MODE: "asleep" }],
  ])("%s the Worker answers not_configured to everything except healthz", async (name, spoilt) => {
    for (const path of ["/v1/jobs", "/openapi.json", "/v1/nothing", "/nothing", "/"]) {
      const response = await ask(path, spoilt, { headers: { authorization: `Bearer ${ADMIN_TOKEN}` } });
      const body: Record<string, unknown> = await response.json();
      expect([response.status, body.code]).toEqual([500, "not_configured"]);
      expect(body.detail).toContain(name);
    }
    expect((await ask("/healthz", spoilt)).status).toBe(200);
  });
});

it("a fault of ours is internal: the answer shows only the request's id, and one line is logged", async () => {
  const log = vi.spyOn(console, "error").mockImplementation(() => undefined);
  const app = buildApp(ROUTES);
  const broken = {
    ...env,
    JOB: { getByName: () => ({ read: async () => Promise.reject(new Error("secret cause")) }) },
  };
  const response = await app.fetch(
    new Request(`${ORIGIN}/v1/jobs/${await makeJob()}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}`, "x-request-id": "abc" },
    }),
    broken,
    createExecutionContext(),
  );
  const text = await response.text();
  const lines = log.mock.calls.map(([line]) => JSON.parse(String(line)));
  log.mockRestore();
  expect([response.status, response.headers.get("x-request-id")]).toEqual([500, "abc"]);
  expect(text).not.toContain("secret cause");
  expect(text).toContain("abc");
  expect(lines).toMatchObject([{ level: "error", request_id: "abc", error: "Error: secret cause" }]);
});

it("an object with more calls than it can answer is rate_limited, with Retry-After", async () => {
  const overloaded = Object.assign(new Error("overloaded"), { overloaded: true });
  const app = buildApp(ROUTES);
  const response = await app.fetch(
    new Request(`${ORIGIN}/v1/jobs/${await makeJob()}`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    }),
    { ...env, JOB: { getByName: () => ({ read: () => Promise.reject(overloaded) }) } },
    createExecutionContext(),
  );
  expect(response.status).toBe(429);
  expect(response.headers.get("retry-after")).toBe("5");
  expect(await response.json()).toMatchObject({ code: "rate_limited" });
});

describe("a token is refused", () => {
  it("as unauthorized, with WWW-Authenticate: Bearer, when missing, malformed, forged or expired", async () => {
    const now = Date.now();
    const expired = await mintToken({ role: "viewer" }, TOKEN_SECRET, now - 10_000, now - 5_000);
    const forged = await mintToken({ role: "viewer" }, "another secret", now, now + 60_000);
    const unsigned = `${btoa('{"alg":"none","typ":"JWT"}')}.${btoa('{"role":"viewer","exp":9999999999}')}.`.replaceAll(
      "=",
      "",
    );
    for (const token of [undefined, "", "x", "admin-token-of-the-test", "a.b.c", expired, forged, unsigned]) {
      const got = await call("GET", "/v1/jobs", { token });
      expectProblem(got, 401, "unauthorized");
      expect(got.headers.get("www-authenticate")).toBe("Bearer");
    }
    const basic = await call("GET", "/v1/jobs", {
      token: undefined,
      headers: { authorization: "Basic YWRtaW46YWRtaW4=" },
    });
    expectProblem(basic, 401, "unauthorized");
  });

  it("before any other part of the call is checked", async () => {
    expectProblem(await call("POST", "/v1/jobs", { token: undefined, body: "{", headers: json }), 401, "unauthorized");
    const viewer = await tokenFor({ role: "viewer" });
    expectProblem(await call("POST", "/v1/jobs", { token: viewer, body: "{" }), 403, "forbidden");
  });
});

/** A body that comes in pieces, with no Content-Length. */
function chunked(bytes: number): ReadableStream<Uint8Array> {
  let left = bytes;
  return new ReadableStream({
    pull(controller) {
      const size = Math.min(left, 16_384);
      left -= size;
      if (size === 0) controller.close();
      else controller.enqueue(new Uint8Array(size).fill(32));
    },
  });
}
