/** `POST /v1/jobs/bulk` (docs/contract.md §13). */
import { describe, expect, it } from "vitest";
import { call, expectProblem, fresh, makeJob, tokenFor } from "../../http-fixture.ts";

const bulk = (json: Record<string, unknown>, token?: string) =>
  call("POST", "/v1/jobs/bulk", token === undefined ? { json } : { json, token });

/** Jobs with a label for this test only, newest first. */
async function labelled(count: number, fields: Record<string, unknown> = {}) {
  const label = `of:${fresh("bulk")}`;
  const [key = "", value = ""] = label.split(":");
  const ids: string[] = [];
  for (let made = 0; made < count; made++) ids.unshift(await makeJob({ labels: { [key]: value }, ...fields }));
  return { label, ids };
}

const states = async (ids: readonly string[]) =>
  Promise.all(ids.map(async (id) => (await call("GET", `/v1/jobs/${id}`)).body.state));

describe("POST /v1/jobs/bulk", () => {
  it("pauses, resumes and deletes the matching jobs, and counts them", async () => {
    const { label, ids } = await labelled(3);
    const other = await makeJob();
    const paused = await bulk({ action: "pause", filter: { label } });
    expect(paused.body).toEqual({ matched: 3, done: 3, failed: [] });
    expect(await states(ids)).toEqual(["paused", "paused", "paused"]);
    expect(await states([other])).toEqual(["active"]);
    expect((await bulk({ action: "resume", filter: { label: [label], state: "paused" } })).body.done).toBe(3);
    expect(await states(ids)).toEqual(["active", "active", "active"]);
    expect((await bulk({ action: "delete", filter: { label } })).body).toMatchObject({ matched: 3, done: 3 });
    expect(await states(ids)).toEqual([undefined, undefined, undefined]);
  });

  it("names the jobs that fail with the code of their failure", async () => {
    const { label, ids } = await labelled(2, { message: '{"status": 202}' });
    await call("POST", `/v1/jobs/${ids[0]}/run`);
    const got = await bulk({ action: "run", filter: { label } });
    expect(got.body).toEqual({ matched: 2, done: 1, failed: [{ id: ids[0], code: "job_already_running" }] });
  });

  it("changes nothing in a dry run", async () => {
    const { label, ids } = await labelled(2);
    const got = await bulk({ action: "delete", filter: { label }, dry_run: true });
    expect(got.body).toEqual({ matched: 2, done: 0, failed: [] });
    expect(await states(ids)).toEqual(["active", "active"]);
  });

  it("accepts an empty filter only with all: true", async () => {
    const got = await bulk({ action: "pause", filter: {} });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path: "filter", message: expect.stringContaining('"all": true') }]);
    expect((await bulk({ action: "pause", filter: {}, all: true, dry_run: true })).status).toBe(200);
    expect((await bulk({ action: "pause", all: true, dry_run: true })).status).toBe(200);
    expectProblem(await bulk({ action: "pause" }), 422, "validation_failed");
  });

  it.each([
    ["a part of the name that is empty", { q: "" }],
    ["no label at all", { label: [] }],
    ["nothing but null", { q: null, name: null }],
  ])("treats %s as an empty filter", async (_what, filter) => {
    const kept = await makeJob();
    const got = await bulk({ action: "delete", filter });
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toMatchObject([{ path: "filter", message: expect.stringContaining('"all": true') }]);
    expect(await states([kept])).toEqual(["active"]);
  });

  it("pauses until a time", async () => {
    const { label, ids } = await labelled(1);
    expect((await bulk({ action: "pause", filter: { label }, until: "2d", reason: "r" })).body).toMatchObject({
      done: 1,
    });
    const job = (await call("GET", `/v1/jobs/${ids[0]}`)).body;
    expect(job).toMatchObject({ state: "paused", paused_reason: "r", paused_until: expect.any(String) });
    const over = await bulk({ action: "pause", filter: { label }, until: "2020-01-01T00:00:00Z", dry_run: true });
    expect(over.body.errors).toMatchObject([{ path: "until", message: expect.stringContaining("not in the future") }]);
    const misplaced = await bulk({ action: "run", filter: { label }, until: "2d" });
    expect(misplaced.body.errors).toMatchObject([{ path: "until" }]);
  });

  it("acts on a hundred jobs a call, newest first, and continues with the cursor", { timeout: 60_000 }, async () => {
    const { label, ids } = await labelled(103);
    const first = await bulk({ action: "pause", filter: { label } });
    expect(first.body).toMatchObject({ matched: 100, done: 100, next_cursor: expect.any(String) });
    expect(await states(ids.slice(98, 103))).toEqual(["paused", "paused", "active", "active", "active"]);
    const second = await bulk({ action: "pause", filter: { label }, cursor: first.body.next_cursor });
    expect(second.body).toEqual({ matched: 3, done: 3, failed: [] });
  });

  it("touches only the jobs that the token may change", async () => {
    const agent = fresh("agent");
    const token = await tokenFor({ role: "agent", agent_id: agent });
    const own = await makeJob({ agent_id: agent });
    const theirs = await makeJob({ agent_id: fresh("agent") });
    const system = await call("PUT", "/v1/jobs/ensure", {
      json: { name: fresh("system"), message: "m", schedule: { every: "1h" }, agent_id: agent },
    });
    expect((await bulk({ action: "pause", filter: {}, all: true }, token)).body).toEqual({
      matched: 1,
      done: 1,
      failed: [],
    });
    expect(await states([own, theirs, String(system.body.id)])).toEqual(["paused", "active", "active"]);
    expectProblem(
      await bulk({ action: "run", filter: {}, all: true }, await tokenFor({ role: "viewer" })),
      403,
      "forbidden",
    );
  });

  it.each([
    [{ action: "stop", filter: { q: "x" } }, "action", '"pause"'],
    [{ action: "pause", filters: { q: "x" } }, "filters", "`filter`"],
    [{ action: "pause", filter: { status: "active" } }, "filter.status", "`state`"],
    [{ action: "pause", q: "x" }, "q", '{"filter": {"q": "x"}}'],
    [{ action: "delete", filter: { q: "x" }, reason: "old" }, "reason", "pause"],
    [{ action: "pause", filter: { q: "x" }, cursor: "nonsense" }, "cursor", "next_cursor"],
  ])("refuses %o and says how to correct it", async (json, path, words) => {
    const got = await bulk(json);
    expectProblem(got, 422, "validation_failed");
    expect(got.body.errors).toContainEqual({ path, message: expect.any(String) });
    expect(got.text.replaceAll('\\"', '"')).toContain(words);
  });
});
