/** An Idempotency-Key creates at most one job in 24 hours. A dry run and an unknown id store nothing. */
import { evictAllDurableObjects, listDurableObjectIds } from "cloudflare:test";
import { describe, expect, it } from "vitest";
import { call, env, expectProblem, fresh, jobInput, later, makeJob, TOKEN_SECRET, tokenFor } from "../http-fixture.ts";

const post = (key: string, fields: Record<string, unknown> = {}, token?: string) =>
  call("POST", "/v1/jobs", {
    json: jobInput(fields),
    headers: { "idempotency-key": key },
    ...(token === undefined ? {} : { token }),
  });

const named = async (name: string): Promise<string[]> => {
  const got = await call("GET", `/v1/jobs?name=${name}&state=active,paused,finished`);
  return (got.body.items as { id: string }[]).map(({ id }) => id);
};

const HOUR_MS = 3_600_000;

describe("an Idempotency-Key", () => {
  it("gives a repeat the same job and marks it as a repeat, also after the object has lost its memory", async () => {
    const [key, name] = [fresh("key"), fresh("name")];
    const first = await post(key, { name });
    expect([first.status, first.headers.get("idempotency-replayed")]).toEqual([201, null]);
    await evictAllDurableObjects();
    const again = await post(key, { name });
    expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([200, "true"]);
    expect(again.body).toEqual({ ...first.body, now: again.body.now });
    expect(again.headers.get("etag")).toBe(first.headers.get("etag"));
    expect(again.headers.get("location")).toBe(`/v1/jobs/${first.body.id}`);
    expect(await named(name)).toEqual([first.body.id]);
  });

  it("compares calls by meaning, not by the order of fields or by written-out defaults", async () => {
    const key = fresh("key");
    const first = await post(key, { labels: { a: "1", b: "2" } });
    const again = await post(key, { labels: { b: "2", a: "1" }, enabled: true, timeout: "5m" });
    expect([again.status, again.body.id]).toEqual([200, first.body.id]);
  });

  it("is refused with another body, and no list shows a job of that call", async () => {
    const [key, name] = [fresh("key"), fresh("name")];
    await post(key, { name });
    const other = fresh("name");
    expectProblem(await post(key, { name: other, user_id: "u7" }), 422, "idempotency_key_reused");
    expect(await named(other)).toEqual([]);
  });

  it("belongs to its caller: the same key of another caller creates another job", async () => {
    const key = fresh("key");
    const one = await post(key, {}, await tokenFor({ role: "agent", agent_id: "a1" }));
    const two = await post(key, {}, await tokenFor({ role: "agent", agent_id: "a2" }));
    const three = await post(key);
    expect([one.status, two.status, three.status]).toEqual([201, 201, 201]);
    expect(new Set([one.body.id, two.body.id, three.body.id]).size).toBe(3);
  });

  it("creates one job when it is sent many times at once", async () => {
    const [key, name] = [fresh("key"), fresh("name")];
    const all = await Promise.all(Array.from({ length: 12 }, () => post(key, { name })));
    expect(all.map(({ status }) => status).sort()).toEqual([...Array.from({ length: 11 }, () => 200), 201]);
    expect(new Set(all.map(({ body }) => body.id)).size).toBe(1);
    expect(await named(name)).toEqual([all[0]?.body.id]);
  });

  it("creates one job, listed once, when it is sent at once with bodies of different owners", async () => {
    const key = fresh("key");
    const name = fresh("name");
    const all = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        post(key, { name, ...(index % 2 === 0 ? { user_id: `u${index}` } : {}) }),
      ),
    );
    const made = all.filter(({ status }) => status === 201);
    expect(made).toHaveLength(1);
    for (const got of all)
      if (got.status !== 201 && got.status !== 200) expectProblem(got, 422, "idempotency_key_reused");
    expect(await named(name)).toEqual([made[0]?.body.id]);
  });

  it("is kept for 24 hours, and can then be used for another job", async () => {
    const key = fresh("key");
    const first = await post(key);
    const within = await later(23 * HOUR_MS, () => post(key));
    expect([within.status, within.body.id]).toEqual([200, first.body.id]);
    const after = await later(25 * HOUR_MS, () => post(key, { name: "another" }));
    expect(after.status).toBe(201);
    expect(after.body.id).not.toBe(first.body.id);
    const repeat = await later(26 * HOUR_MS, () => post(key, { name: "another" }));
    expect([repeat.status, repeat.body.id]).toEqual([200, after.body.id]);
  });

  it("answers with a one-time job also after its time, while a new call with that time is refused", async () => {
    const key = fresh("key");
    const schedule = { at: new Date(Date.now() + HOUR_MS).toISOString() };
    const first = await post(key, { schedule });
    const [again, other, unkeyed] = await later(2 * HOUR_MS, async () => [
      await post(key, { schedule }),
      await post(fresh("key"), { schedule }),
      await call("POST", "/v1/jobs", { json: jobInput({ schedule }) }),
    ]);
    expect([first.status, again?.status, again?.body.id]).toEqual([201, 200, first.body.id]);
    for (const refused of [other, unkeyed]) if (refused) expectProblem(refused, 422, "validation_failed");
  });

  it("finds its job also if an older job of the same key is gone", async () => {
    const key = fresh("key");
    const first = await post(key);
    const second = await later(25 * HOUR_MS, () => post(key, { name: "second" }));
    expect((await call("DELETE", `/v1/jobs/${first.body.id}`)).status).toBe(204);
    const repeat = await later(26 * HOUR_MS, () => post(key, { name: "second" }));
    expect([repeat.status, repeat.body.id]).toEqual([200, second.body.id]);
  });

  it("finds its job also if the name has been reserved since", async () => {
    const [key, name] = [fresh("key"), fresh("name")];
    const first = await post(key, { name });
    const ensured = await call("PUT", "/v1/jobs/ensure", { json: { name, message: "x", schedule: { every: "1h" } } });
    expect(ensured.status).toBe(201);
    const repeat = await post(key, { name });
    expect([repeat.status, repeat.body.id]).toEqual([200, first.body.id]);
    expectProblem(await post(fresh("key"), { name }), 409, "name_reserved");
  });

  it("is refused, without any field of the job, if the caller may no longer see the job", async () => {
    const [key, user] = [fresh("key"), fresh("user")];
    const token = await tokenFor({ role: "user", user_id: user });
    const first = await post(key, {}, token);
    const moved = await call("PATCH", `/v1/jobs/${first.body.id}`, {
      json: { user_id: fresh("other"), message: "SECRET" },
    });
    expect(moved.status).toBe(200);
    const repeat = await post(key, {}, token);
    expectProblem(repeat, 422, "idempotency_key_reused");
    expect(JSON.stringify(repeat.body)).not.toContain("SECRET");
  });

  it("is not used up by a refused call", async () => {
    const key = fresh("key");
    expectProblem(await post(key, { name: "" }), 422, "validation_failed");
    expect((await post(key)).status).toBe(201);
  });

  it("is 1 to 255 printable characters", async () => {
    expect((await post("k".repeat(255))).status).toBe(201);
    for (const key of ["k".repeat(256), "tab\there", " "]) expectProblem(await post(key), 422, "validation_failed");
    expect(TOKEN_SECRET).not.toBe("");
  });
});

describe("nothing is stored by", () => {
  const objects = async () => (await listDurableObjectIds(env.JOB)).length;

  it("a dry run, which shows the job and its next five fires", async () => {
    const before = await objects();
    const name = fresh("dry");
    const got = await call("POST", "/v1/jobs?dry_run=true", {
      json: jobInput({ name, schedule: { cron: "0 9 * * *", timezone: "Europe/Berlin" } }),
      headers: { "idempotency-key": fresh("key") },
    });
    expect(got.status).toBe(200);
    const { job, next } = got.body as { job: Record<string, unknown>; next: { at: string; local: string }[] };
    expect(job).toMatchObject({
      name,
      state: "active",
      owner_kind: "user",
      exec_scope: "system",
      next_run_at: next[0]?.at,
    });
    expect(Object.keys(job)).not.toContain("id");
    expect(next).toHaveLength(5);
    for (const { at, local } of next) {
      expect(local).toMatch(/T09:00:00\+0[12]:00$/);
      expect(Date.parse(local)).toBe(Date.parse(at));
    }
    expect(await named(name)).toEqual([]);
    expect(await objects()).toBe(before);
  });

  it("a dry run of an invalid job, which is refused as the real call", async () => {
    const dry = (fields: Record<string, unknown>) => call("POST", "/v1/jobs?dry_run=true", { json: jobInput(fields) });
    expectProblem(await dry({ schedule: { cron: "0 0 30 2 *" } }), 422, "validation_failed");
    const agent = await tokenFor({ role: "agent", agent_id: "a1" });
    const foreign = await call("POST", "/v1/jobs?dry_run=true", { token: agent, json: jobInput({ agent_id: "a2" }) });
    expectProblem(foreign, 403, "forbidden");
    expect((await dry({ schedule: { every: "1h", max_runs: 2 } })).body.next).toHaveLength(2);
    expect((await call("POST", "/v1/jobs?dry_run=false", { json: jobInput() })).status).toBe(201);
  });

  it("a call that is refused for its time, which calls no object, also under a key", async () => {
    const before = await objects();
    const at = new Date(Date.now() - HOUR_MS).toISOString();
    const got = await call("POST", "/v1/jobs", {
      json: jobInput({ schedule: { at } }),
      headers: { "idempotency-key": fresh("key") },
    });
    expectProblem(got, 422, "validation_failed");
    expect(await objects()).toBe(before);
  });

  it("calls with ids of no job, which call no object", async () => {
    await makeJob();
    const before = await objects();
    for (const id of ["imported-1", "jaaaaaaaaaaaaaaaaaaaaaaab", "x", "a".repeat(64), "a".repeat(65), "..x"]) {
      for (const path of [`/v1/jobs/${id}`, `/v1/jobs/${id}/runs`, `/v1/jobs/${id}/runs/r`]) {
        expectProblem(await call("GET", path), 404, "not_found");
      }
      expectProblem(await call("DELETE", `/v1/jobs/${id}`), 404, "not_found");
      expectProblem(await call("POST", `/v1/jobs/${id}/run`), 404, "not_found");
    }
    expect(await objects()).toBe(before);
  });
});
