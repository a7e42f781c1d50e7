/** PUT /v1/jobs/ensure: a system job by its name (docs/contract.md §6). */
import { expect, it } from "vitest";
import { call, expectProblem, fresh, jobInput, later } from "../../http-fixture.ts";

const ensure = (fields: Record<string, unknown>) => call("PUT", "/v1/jobs/ensure", { json: jobInput(fields) });

it("creates the job, then finds it by its name and changes nothing, not even updated_at", async () => {
  const name = fresh("nightly");
  const made = await ensure({ name, labels: { b: "1", a: "2" } });
  expect([made.status, made.headers.get("location")]).toEqual([201, `/v1/jobs/${String(made.body.id)}`]);
  expect(made.body).toMatchObject({ owner_kind: "system", exec_scope: "system", name });
  const again = await ensure({ owner_kind: "system", labels: { a: "2", b: "1" }, name, timeout: "5m" });
  expect([again.status, again.body]).toEqual([200, { ...made.body, now: again.body.now }]);
});

it("updates a field that differs, and moves the next fire only with the schedule", async () => {
  const name = fresh("update");
  const made = await ensure({ name });
  const changed = await ensure({ name, message: "other" });
  expect(changed.body).toMatchObject({ message: "other", next_run_at: made.body.next_run_at });
  expect(changed.body.etag).not.toBe(made.body.etag);
  const moved = await ensure({ name, message: "other", schedule: { every: "2h" } });
  expect(moved.body.next_run_at).not.toBe(made.body.next_run_at);
});

it("leaves a paused job paused, unless it says otherwise", async () => {
  const name = fresh("paused");
  const { id } = (await ensure({ name })).body;
  await call("POST", `/v1/jobs/${String(id)}/pause`);
  expect((await ensure({ name, message: "other" })).body.state).toBe("paused");
  expect((await ensure({ name, message: "other", enabled: true })).body.state).toBe("active");
});

it("keeps the mark of a builtin, so that the next start does not undo the change", async () => {
  const name = fresh("builtin");
  const mark = { "reveille.builtin": "message:0123456789abcdef" };
  const made = await ensure({ name, labels: { ...mark, team: "ops" } });
  const changed = await ensure({ name, message: "other", labels: { team: "dev" } });
  expect(changed.body.labels).toEqual({ ...mark, team: "dev" });
  expect((await ensure({ name, message: "other" })).body.labels).toEqual(mark);
  const patched = await call("PATCH", `/v1/jobs/${String(made.body.id)}`, { json: { labels: null } });
  expect(patched.body.labels).toEqual(mark);
  const again = await ensure({ name, message: "other" });
  expect(again.body.updated_at).toBe(patched.body.updated_at);
});

it("creates one job for concurrent calls", async () => {
  const name = fresh("race");
  const all = await Promise.all(Array.from({ length: 8 }, () => ensure({ name })));
  expect(all.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
  const { body } = await call("GET", `/v1/jobs?name=${name}`);
  expect(body.items).toHaveLength(1);
});

it("accepts an `at` in the past only as long as nothing changes", async () => {
  const name = fresh("once");
  const schedule = { at: new Date(Date.now() + 60_000).toISOString() };
  const made = await ensure({ name, schedule });
  expect(made.status).toBe(201);
  const again = await later(120_000, () => ensure({ name, schedule }));
  expect([again.status, again.body.id]).toEqual([200, made.body.id]);
  expectProblem(await ensure({ name, schedule: { at: "2020-01-01T00:00:00Z" } }), 422, "validation_failed");
  expectProblem(
    await ensure({ name: fresh("late"), schedule: { at: "2020-01-01T00:00:00Z" } }),
    422,
    "validation_failed",
  );
});

it("creates no job of another kind", async () => {
  expectProblem(await ensure({ name: fresh("kind"), owner_kind: "user" }), 422, "validation_failed");
});

it("reserves its name, which no other job gets and the job itself cannot lose", async () => {
  const name = fresh("reserved");
  const { id } = (await ensure({ name })).body;
  expectProblem(await call("POST", "/v1/jobs", { json: jobInput({ name }) }), 409, "name_reserved");
  expectProblem(
    await call("POST", "/v1/jobs?dry_run=true", { json: jobInput({ name, user_id: "u1" }) }),
    409,
    "name_reserved",
  );
  const other = await call("POST", "/v1/jobs", { json: jobInput({ name: fresh("other") }) });
  expectProblem(await call("PATCH", `/v1/jobs/${String(other.body.id)}`, { json: { name } }), 409, "name_reserved");
  expect((await call("PATCH", `/v1/jobs/${String(id)}`, { json: { name, message: "new" } })).status).toBe(200);
  expectProblem(
    await call("PATCH", `/v1/jobs/${String(id)}`, { json: { name: fresh("new") } }),
    422,
    "validation_failed",
  );
});

it("a deleted system job frees its name", async () => {
  const name = fresh("freed");
  const { id } = (await ensure({ name })).body;
  expect((await call("DELETE", `/v1/jobs/${String(id)}`)).status).toBe(204);
  expect((await call("POST", "/v1/jobs", { json: jobInput({ name }) })).status).toBe(201);
});
