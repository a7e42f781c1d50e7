/** Jobs over HTTP: created, read, listed, changed, paused, deleted (docs/contract.md §6). */
import { createExecutionContext } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { AdvisedJob } from "../../../../src/http/routes/jobs.ts";
import { Job } from "../../../../src/schema/job.ts";
import { ADMIN_TOKEN, call, expectProblem, fresh, jobInput, makeJob, ORIGIN } from "../../http-fixture.ts";

type Items = { id: string; name: string }[];
const idsOf = (body: Record<string, unknown>): string[] => (body.items as Items).map(({ id }) => id);

describe("POST /v1/jobs", () => {
  it("answers 201 with the job, its Location and its ETag", async () => {
    const got = await call("POST", "/v1/jobs", { json: jobInput({ labels: { team: "ops" } }) });
    expect(got.status).toBe(201);
    const { warnings: _warnings, schedule_description, now, ...job } = AdvisedJob.parse(got.body);
    expect([schedule_description, now]).toEqual(["Every hour", job.created_at]);
    expect(got.headers.get("location")).toBe(`/v1/jobs/${job.id}`);
    expect(got.headers.get("etag")).toBe(job.etag);
    expect(got.headers.get("content-type")).toBe("application/json");
    expect(job).toMatchObject({ state: "active", run_count: 0, labels: { team: "ops" }, created_at: job.updated_at });
    expect(Date.parse(job.next_run_at ?? "")).toBe(Date.parse(job.created_at) + 3_600_000);
    expect(Job.parse((await call("GET", `/v1/jobs/${job.id}`)).body)).toEqual(job);
  });

  it("accepts a user's id as a number, and 0 or an empty text for no user", async () => {
    const make = async (user_id: unknown) => (await call("POST", "/v1/jobs", { json: jobInput({ user_id }) })).body;
    expect(await make(9_007_199_254_740_991)).toMatchObject({ user_id: "9007199254740991", exec_scope: "user" });
    for (const none of [0, ""]) {
      const body = await make(none);
      expect(body).toMatchObject({ exec_scope: "system" });
      expect(body).not.toHaveProperty("user_id");
    }
    expectProblem(await call("POST", "/v1/jobs", { json: jobInput({ user_id: 2 ** 53 }) }), 422, "validation_failed");
  });

  it("leaves empty optional fields out of the answer", async () => {
    const got = await call("POST", "/v1/jobs", {
      json: jobInput({ description: "", agent_id: "", payload: {}, labels: {} }),
    });
    for (const field of ["description", "agent_id", "payload", "labels", "user_id", "last_run_at"]) {
      expect(got.body).not.toHaveProperty(field);
    }
  });
});

describe("every answer", () => {
  it("carries a request id, timing and secure headers; HEAD is GET without its body", async () => {
    const id = await makeJob();
    const got = await call("GET", `/v1/jobs/${id}`, { headers: { "x-request-id": "mine-1" } });
    expect(got.headers.get("x-request-id")).toBe("mine-1");
    expect(got.headers.get("server-timing")).toMatch(/^total;dur=/);
    expect(got.headers.get("x-content-type-options")).toBe("nosniff");
    const head = await call("HEAD", `/v1/jobs/${id}`);
    expect([head.status, head.text, head.headers.get("etag")]).toEqual([200, "", got.headers.get("etag")]);
    expect((await call("GET", "/healthz", { token: undefined })).headers.get("x-request-id")).toMatch(
      /^[0-9a-f-]{36}$/,
    );
  });
});

describe("GET /v1/jobs", () => {
  it("pages through all jobs, newest first, without gaps or repeats", async () => {
    const label = fresh("page");
    const made: string[] = [];
    for (let index = 0; index < 7; index++)
      made.unshift(await makeJob({ labels: { of: label }, user_id: `u${index}` }));
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 5; page++) {
      const { body } = await call("GET", `/v1/jobs?label=of:${label}&limit=3${cursor}`);
      seen.push(...idsOf(body));
      if (body.next_cursor === undefined) break;
      cursor = `&cursor=${encodeURIComponent(String(body.next_cursor))}`;
    }
    expect(seen).toHaveLength(7);
    expect([...seen].sort()).toEqual([...made].sort());
  });

  it("shows the jobs that match every filter", async () => {
    const tag = fresh("tag");
    const labels = { of: tag };
    const plain = await makeJob({ name: `${tag} Report`, labels });
    const paused = await makeJob({ name: `${tag} weekly report`, labels: { ...labels, kind: "a:b" }, enabled: false });
    const user = await makeJob({ labels, user_id: `${tag}-u`, agent_id: "a1" });
    const plugin = await makeJob({
      labels,
      owner_kind: "plugin",
      plugin_id: `${tag}-p`,
      job_key: "k",
      runtime_name: "r",
    });
    const all = await makeJob({ labels, exec_scope: "all_users" });
    const ask = async (query: string) => idsOf((await call("GET", `/v1/jobs?label=of:${tag}&${query}`)).body).sort();
    const cases: [string, string[]][] = [
      ["", [plain, paused, user, plugin, all]],
      ["enabled=false", [paused]],
      ["enabled=true", [plain, user, plugin, all]],
      ["owner_kind=plugin", [plugin]],
      ["owner_kind=system", []],
      ["exec_scope=user", [user]],
      ["exec_scope=all_users", [all]],
      ["agent_id=a1", [user]],
      [`user_id=${tag}-u`, [user]],
      [`plugin_id=${tag}-p`, [plugin]],
      [`name=${tag}%20Report`, [plain]],
      ["q=REPORT", [plain, paused]],
      ["label=kind:a:b", [paused]],
      ["state=paused", [paused]],
      ["state=finished", []],
      ["state=active,paused,finished", [plain, paused, user, plugin, all]],
    ];
    for (const [query, expected] of cases) expect(await ask(query), query).toEqual([...expected].sort());
  });
});

describe("PATCH /v1/jobs/{id}", () => {
  it("changes the named fields, moves the ETag, and keeps next_run_at unless the schedule changes", async () => {
    const id = await makeJob({ description: "old", labels: { a: "1", b: "2" } });
    const before = (await call("GET", `/v1/jobs/${id}`)).body;
    const got = await call("PATCH", `/v1/jobs/${id}`, {
      body: JSON.stringify({ name: "new", description: null, labels: { a: null }, schedule: { every: "60m" } }),
      headers: { "content-type": "application/merge-patch+json" },
    });
    expect(got.status).toBe(200);
    expect(got.body).toMatchObject({ name: "new", labels: { b: "2" }, next_run_at: before.next_run_at });
    expect(got.body).not.toHaveProperty("description");
    expect(got.headers.get("etag")).not.toBe(before.etag);
    const moved = await call("PATCH", `/v1/jobs/${id}`, { json: { schedule: { every: null, cron: "0 9 * * *" } } });
    expect(moved.body.schedule).toEqual({ cron: "0 9 * * *" });
    expect(moved.body.next_run_at).not.toBe(before.next_run_at);
  });

  it("honours If-Match, as DELETE does; a refusal carries the ETag", async () => {
    const id = await makeJob();
    const { etag } = (await call("GET", `/v1/jobs/${id}`)).body as { etag: string };
    const patch = (match: string) =>
      call("PATCH", `/v1/jobs/${id}`, { json: { enabled: false }, headers: { "if-match": match } });
    expect((await patch(`"nothing", ${etag}`)).status).toBe(200);
    const stale = await patch(etag);
    expectProblem(stale, 412, "precondition_failed");
    expect(stale.headers.get("etag")).not.toBe(etag);
    expectProblem(
      await call("DELETE", `/v1/jobs/${id}`, { headers: { "if-match": etag } }),
      412,
      "precondition_failed",
    );
    expect((await call("DELETE", `/v1/jobs/${id}`, { headers: { "if-match": "*" } })).status).toBe(204);
  });

  it("refuses unknown and read-only fields, and a job that would be wrong", async () => {
    const id = await makeJob();
    for (const json of [
      { colour: 1 },
      { id: "x" },
      { name: null },
      { schedule: { cron: "0 9 * * *", every: "1h" } },
      { timeout: "11m" },
      { owner_kind: "system" },
    ]) {
      expectProblem(await call("PATCH", `/v1/jobs/${id}`, { json }), 422, "validation_failed");
    }
  });
});

describe("pause, resume and delete", () => {
  it("are idempotent, and resume computes the next fire from now", async () => {
    const id = await makeJob({ schedule: { cron: "0 9 * * *" } });
    const post = (verb: string) => call("POST", `/v1/jobs/${id}/${verb}`);
    const paused = await post("pause");
    expect(paused.body).toMatchObject({ state: "paused", enabled: false });
    expect(paused.body).not.toHaveProperty("next_run_at");
    expect((await post("pause")).body).toEqual(paused.body);
    const resumed = await post("resume");
    expect(resumed.body).toMatchObject({ state: "active", enabled: true });
    expect(resumed.headers.get("etag")).toBe(resumed.body.etag);
    expect((await post("resume")).body).toEqual(resumed.body);
  });

  it("a deleted job is gone everywhere, with its runs", async () => {
    const id = await makeJob({ name: fresh("gone") });
    const gone = await call("DELETE", `/v1/jobs/${id}`);
    expect([gone.status, gone.text]).toEqual([204, ""]);
    for (const path of ["", "/runs", "/runs/x"])
      expectProblem(await call("GET", `/v1/jobs/${id}${path}`), 404, "not_found");
    expectProblem(await call("DELETE", `/v1/jobs/${id}`), 404, "not_found");
  });
});

it("a browser of an origin in CORS_ORIGIN is admitted, another is not", async () => {
  const { buildApp, ROUTES } = await import("../../../../src/http/app.ts");
  const { env } = await import("../../http-fixture.ts");
  const app = buildApp(ROUTES);
  const ask = (origin: string, CORS_ORIGIN: string | undefined, method = "OPTIONS") =>
    app.fetch(
      new Request(`${ORIGIN}/v1/jobs`, {
        method,
        headers: { origin, "access-control-request-method": "POST", authorization: `Bearer ${ADMIN_TOKEN}` },
      }),
      { ...env, CORS_ORIGIN },
      createExecutionContext(),
    );
  const allowed = await ask("https://app.test", "https://app.test, https://other.test");
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://app.test");
  expect(allowed.headers.get("access-control-allow-headers")).toContain("Idempotency-Key");
  const read = await ask("https://app.test", "*", "GET");
  expect([read.status, read.headers.get("access-control-allow-origin")]).toEqual([200, "*"]);
  expect((await ask("https://evil.test", "https://app.test")).headers.get("access-control-allow-origin")).toBeNull();
  expect((await ask("https://app.test", undefined)).status).toBe(405);
});
