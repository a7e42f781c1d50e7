/** Registered agents and the counts, over HTTP (docs/contract.md §6). */
import { describe, expect, it } from "vitest";
import { call, expectProblem, fresh, makeJob, tokenFor } from "../../http-fixture.ts";

const url = "https://agent.example/hook";
const put = (id: string, json: unknown) => call("PUT", `/v1/agents/${id}`, { json });
const secretOf = (bytes: number): string => `whsec_${btoa("k".repeat(bytes))}`;

describe("/v1/agents", () => {
  it("shows a secret only in the answer that generated it, which must not be cached", async () => {
    const id = fresh("agent");
    const made = await put(id, { url });
    expect(made).toMatchObject({ status: 201, body: { id, url, secret: expect.stringMatching(/^whsec_\S{44}$/) } });
    expect([made.headers.get("location"), made.headers.get("cache-control")]).toEqual([`/v1/agents/${id}`, "no-store"]);
    const moved = "https://agent.example/moved";
    expect(await put(id, { url: moved })).toMatchObject({ status: 200, body: { id, url: moved } });
    const rotated = await put(id, { url: moved, rotate: true });
    expect(rotated.body.secret).toMatch(/^whsec_/);
    expect(rotated.body.secret).not.toBe(made.body.secret);
    const answers = [
      await put(id, { url, secret: secretOf(32) }),
      await put(id, { url }),
      await call("GET", `/v1/agents/${id}`),
      await call("GET", "/v1/agents"),
    ];
    for (const { status, text } of answers) {
      expect(status).toBe(200);
      expect(text).toContain(url);
      expect(text).not.toMatch(/whsec_|secret/);
    }
  });

  it("rotates only the secret, keeps the previous one valid for the overlap, and keeps other fields", async () => {
    const id = fresh("rotate");
    const headers = { authorization: "Bearer a-secret-of-the-agent" };
    const body = { text: "{{message}}" };
    const made = await put(id, { url, headers, body });
    expect(made.body).toMatchObject({ headers: { authorization: "…gent" }, body });
    const rotated = await put(id, { rotate: true, overlap: "2h" });
    expect(rotated).toMatchObject({ status: 200, body: { url, headers: { authorization: "…gent" }, body } });
    expect(rotated.body.secret).not.toBe(made.body.secret);
    const until = Date.parse(String(rotated.body.previous_secret_until)) - Date.now();
    expect(Math.round(until / 60_000)).toBe(120);
    const atOnce = await put(id, { rotate: true, overlap: "0s" });
    expect(atOnce.body).not.toHaveProperty("previous_secret_until");
    const bare = await put(id, { url });
    for (const field of ["headers", "body", "secret"]) expect(bare.body).not.toHaveProperty(field);
    expectProblem(await put(fresh("new"), { rotate: true }), 422, "validation_failed");
  });

  it("keeps a header's value when it is sent back masked, and shows it to nobody", async () => {
    const id = fresh("masked");
    await put(id, {
      url: `${url}?key=SECRETKEY`,
      headers: { authorization: "Bearer a-secret-of-the-agent" },
      body: { token: "IN-THE-BODY" },
    });
    const shown = (await call("GET", `/v1/agents/${id}`)).body;
    expect(shown).toMatchObject({ url: `${url}?key=SECRETKEY`, body: { token: "IN-THE-BODY" } });
    const { id: _id, delivery: _delivery, ...again } = shown;
    expect((await put(id, again)).body).toEqual(shown);
    const token = await tokenFor({ role: "viewer" });
    for (const path of [`/v1/agents/${id}`, "/v1/agents?limit=100"]) {
      const { status, text } = await call("GET", path, { token });
      expect(status).toBe(200);
      for (const secret of ["SECRETKEY", "a-secret-of", "IN-THE-BODY"]) expect(text).not.toContain(secret);
      expect(text).toContain(url);
    }
  });

  it.each<[unknown, string]>([
    [{ url, overlap: "1h" }, "overlap"],
    [{ url, rotate: true, overlap: "31d" }, "overlap"],
    [{ url, rotate: true, overlap: "-1s" }, "overlap"],
    [{ url, headers: { "webhook-id": "x" } }, "headers.webhook-id"],
    [{ url, headers: { authorization: "…abcd" } }, "headers.authorization"],
    [{ url, headers: { a: 1 } }, "headers.a"],
    [{ url, headers: Object.fromEntries(Array.from({ length: 9 }, (_, no) => [`x-${no}`, "1"])) }, "headers"],
    [{ url, body: { text: "{{nonsense}}" } }, "body.text"],
    [{ url, body: ["see {{payload}}"] }, "body.0"],
    [{ url, body: { text: "x".repeat(17_000) } }, "body"],
    [{ delivery: "pull", headers: { a: "1" } }, "headers"],
    [{ delivery: "pull", body: {} }, "body"],
  ])("is refused with the field's name: %j", async (json, path) => {
    const got = await put(fresh("wrong"), json);
    expectProblem(got, 422, "validation_failed");
    expect((got.body.errors as { path: string }[]).map((one) => one.path)).toEqual([path]);
  });

  it("pages by id without deleted agents, and viewers may read", async () => {
    const prefix = fresh("list");
    const ids = [1, 2, 3].map((no) => `${prefix}-${no}`);
    for (const id of ids) await put(id, { url });
    const token = await tokenFor({ role: "viewer" });
    const found: string[] = [];
    let cursor = "";
    do {
      const { body } = await call("GET", `/v1/agents?limit=2${cursor}`, { token });
      found.push(...(body.items as { id: string }[]).map(({ id }) => id));
      cursor = body.next_cursor === undefined ? "" : `&cursor=${String(body.next_cursor)}`;
    } while (cursor !== "");
    expect(found.filter((id) => id.startsWith(`${prefix}-`))).toEqual(ids);
    expect((await call("DELETE", `/v1/agents/${ids[0]}`)).status).toBe(204);
    for (const method of ["GET", "DELETE"]) {
      const got = await call(method, `/v1/agents/${ids[0]}`);
      expectProblem(got, 404, "not_found");
      expect(got.body.hint).toContain("/v1/agents");
    }
  });

  it.each<[string, unknown, string]>([
    ["fine", {}, "url"],
    ["fine", { url: "http://agent.example/" }, "url"],
    ["fine", { url: "http://127.0.0.1:8080/" }, "url"],
    ["fine", { url: "https://me:pass@agent.example/" }, "url"],
    ["fine", { url, secret: "short" }, "secret"],
    ["fine", { url, secret: secretOf(23) }, "secret"],
    ["fine", { url, name: "x" }, "name"],
    ["no%20blank", { url }, "id"],
    ["a".repeat(65), { url }, "id"],
  ])("refuses %s %j, naming %s", async (id, json, field) => {
    const got = await put(id, json);
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path: field }]);
    expectProblem(await call("GET", `/v1/agents/${id}`), 404, "not_found");
  });
});

describe("GET /v1/stats", () => {
  it("counts jobs by state and scope, and users", async () => {
    const before = await call("GET", "/v1/stats");
    await makeJob();
    await makeJob({ enabled: false, user_id: "u1" });
    await makeJob({ exec_scope: "all_users" });
    await call("POST", "/v1/users/import", { json: { users: [fresh("u"), fresh("u")] } });
    await call("PUT", `/v1/users/${fresh("u")}`, { json: { active: false } });
    const after = await call("GET", "/v1/stats", { token: await tokenFor({ role: "viewer" }) });
    // No tick comes in these tests. The first calls look for one, and do its work beside their answers.
    const tick = expect.objectContaining({ stood_in: expect.any(Number) });
    expect(before.body).toEqual({
      jobs: {
        total: 0,
        by_state: { active: 0, paused: 0, finished: 0 },
        by_scope: { system: 0, user: 0, all_users: 0 },
      },
      users: { total: 0, active: 0 },
      mode: "normal",
      user_jobs: true,
      tick,
      sweep: { found_overdue: 0 },
    });
    expect(after.body).toEqual({
      ...before.body,
      tick,
      jobs: {
        total: 3,
        by_state: { active: 2, paused: 1, finished: 0 },
        by_scope: { system: 1, user: 1, all_users: 1 },
      },
      users: { total: 3, active: 2 },
    });
  });
});
