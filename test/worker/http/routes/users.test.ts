/** The roster of users over HTTP (docs/contract.md §6). */
import { describe, expect, it } from "vitest";
import { call, expectProblem, fresh, type Got, tokenFor } from "../../http-fixture.ts";

const path = (id: string): string => `/v1/users/${encodeURIComponent(id)}`;
const put = (id: string, json?: unknown): Promise<Got> => call("PUT", path(id), json === undefined ? {} : { json });
const take = (users: unknown): Promise<Got> => call("POST", "/v1/users/import", { json: { users } });
const read = async (id: string) => (await call("GET", path(id))).body;

/** All ids of the list, page by page. */
async function listed(query: string, limit = 100): Promise<string[]> {
  const ids: string[] = [];
  let cursor = "";
  do {
    const { body } = await call("GET", `/v1/users?limit=${limit}${query}${cursor}`);
    ids.push(...(body.items as { id: string }[]).map(({ id }) => id));
    cursor = body.next_cursor === undefined ? "" : `&cursor=${encodeURIComponent(String(body.next_cursor))}`;
  } while (cursor !== "");
  return ids;
}

describe("PUT /v1/users/{id}", () => {
  it("adds a user, active by default, and changes the mark of one that exists", async () => {
    const id = fresh("user");
    const made = await put(id);
    expect([made.status, made.body, made.headers.get("location")]).toEqual([201, { id, active: true }, path(id)]);
    expect(await put(id, { active: false })).toMatchObject({ status: 200, body: { id, active: false } });
    expect(await read(id)).toEqual({ id, active: false });
    expect(await put(id, {})).toMatchObject({ status: 200, body: { active: true } });
    expect(await put(fresh("user"), { active: false })).toMatchObject({ status: 201, body: { active: false } });
  });

  it.each(["1", "0", "a b", "ä/ö?#%", "..x", "import", "seen", "用户", "100%", "u".repeat(128), "ü".repeat(64)])(
    "accepts any string of 1 to 128 bytes as an id: %s",
    async (id) => {
      const made = await put(id);
      expect(made, made.text).toMatchObject({ status: 201, body: { id } });
      expect(await call("GET", made.headers.get("location") ?? "")).toMatchObject({ status: 200, body: { id } });
      expect((await call("POST", `${path(id)}/seen`)).body).toMatchObject({ id, active: true });
      expect((await call("DELETE", path(id))).status).toBe(204);
      expectProblem(await call("GET", path(id)), 404, "not_found");
    },
  );

  it("refuses a longer id, and fields that a user does not have", async () => {
    for (const id of ["u".repeat(129), "ü".repeat(65)]) {
      const refused = await put(id);
      expectProblem(refused, 422, "validation_failed");
      expect(refused.body.errors).toMatchObject([{ path: "id" }]);
      for (const method of ["GET", "DELETE"]) expectProblem(await call(method, path(id)), 404, "not_found");
    }
    for (const json of [{ id: "x" }, { active: "yes" }, { last_seen_at: "2026-01-01T00:00:00Z" }, []]) {
      expectProblem(await put(fresh("user"), json), 422, "validation_failed");
    }
  });
});

describe("a user that does not exist", () => {
  it("is 404 with a hint on where to look, and is in no list", async () => {
    const id = fresh("nobody");
    for (const method of ["GET", "DELETE"]) {
      const got = await call(method, path(id));
      expectProblem(got, 404, "not_found");
      expect(got.body.hint).toContain("/v1/users");
    }
    expect(await listed("")).not.toContain(id);
  });
});

describe("POST /v1/users/{id}/seen", () => {
  it("records the time, adds a new user, and leaves an inactive one inactive", async () => {
    const id = fresh("user");
    const before = Date.now();
    const joined = await call("POST", `${path(id)}/seen`);
    expect(joined).toMatchObject({ status: 200, body: { id, active: true } });
    expect(Date.parse(String(joined.body.last_seen_at))).toBeGreaterThanOrEqual(before);
    await put(id, { active: false });
    expect((await call("POST", `${path(id)}/seen`, { json: {} })).body).toMatchObject({ active: false });
    expect(await read(id)).toHaveProperty("last_seen_at");
  });

  it("accepts the user's own token, and no other user's", async () => {
    const id = `${fresh("user")}/ü`;
    const seen = (token: string) => call("POST", `${path(id)}/seen`, { token });
    expect((await seen(await tokenFor({ role: "user", user_id: id }))).status).toBe(200);
    for (const caller of [
      { role: "user", user_id: "another" },
      { role: "agent", agent_id: "a1", user_id: id },
      { role: "viewer" },
    ] as const) {
      expectProblem(await seen(await tokenFor(caller)), 403, "forbidden");
    }
    expectProblem(
      await call("GET", path(id), { token: await tokenFor({ role: "user", user_id: id }) }),
      403,
      "forbidden",
    );
  });
});

describe("POST /v1/users/import", () => {
  it("makes each user active, turns numbers into decimal strings, and counts each user once", async () => {
    const [old, text] = [fresh("user"), fresh("user")];
    await put(old, { active: false });
    expect((await take([old, text, 9_007_199_254_740_991, text, "9007199254740991"])).body).toEqual({ imported: 3 });
    for (const id of [old, text, "9007199254740991"]) expect(await read(id)).toEqual({ id, active: true });
    expect((await take([old, text])).body).toEqual({ imported: 2 });
    expect((await take([])).body).toEqual({ imported: 0 });
  });

  it("accepts at most a thousand ids, and refuses the whole call if one of them is invalid", async () => {
    const prefix = fresh("bulk");
    const users = Array.from({ length: 1_000 }, (_, index) => `${prefix}-${index}`);
    expect((await take(users)).body).toEqual({ imported: 1_000 });
    expectProblem(await take([...users, "one-more"]), 422, "validation_failed");
    const innocent = fresh("user");
    for (const wrong of ["", 0, -1, 1.5, 2 ** 53, null, true, "u".repeat(129)]) {
      const refused = await take([innocent, wrong]);
      expectProblem(refused, 422, "validation_failed");
      for (const { path } of refused.body.errors as { path: string }[]) expect(path).toBe("users.1");
    }
    for (const json of [{}, { users: "u1" }, { users: [], more: 1 }, []]) {
      expectProblem(await call("POST", "/v1/users/import", { json }), 422, "validation_failed");
    }
    expectProblem(await call("GET", path(innocent)), 404, "not_found");
  });
});

describe("GET /v1/users", () => {
  it("pages through all users once, by id, and filters by active", async () => {
    const prefix = fresh("page");
    const ids = Array.from({ length: 25 }, (_, index) => `${prefix}-${String(index).padStart(2, "0")}`);
    await take(ids);
    const idle = ids.filter((_, index) => index % 5 === 0);
    for (const id of idle) await put(id, { active: false });
    const mine = (all: string[]) => all.filter((id) => id.startsWith(`${prefix}-`));
    expect(mine(await listed("", 7))).toEqual(ids);
    expect(mine(await listed("&active=true", 7))).toEqual(ids.filter((id) => !idle.includes(id)));
    expect(mine(await listed("&active=false", 2))).toEqual(idle);
  });

  it.each(["limit=0", "limit=101", "active=yes", "cursor=x", "state=active"])("refuses ?%s", async (query) => {
    expectProblem(await call("GET", `/v1/users?${query}`), 422, "validation_failed");
  });
});
