/** Run now, retry of a run, and pauses that end by themselves, over HTTP (docs/contract.md §13). */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { setRoster, usersNamed } from "../../fan-out-fixture.ts";
import { call, env, expectProblem, later, makeJob } from "../../http-fixture.ts";

type Item = Record<string, unknown>;
const ECHO = '{"echo": true}';
const run = (id: string, json?: unknown) => call("POST", `/v1/jobs/${id}/run`, json === undefined ? {} : { json });
const ended = (id: string, runId: unknown): Promise<Item> =>
  vi.waitFor(async () => {
    const { body } = await call("GET", `/v1/jobs/${id}/runs/${runId}`);
    if (body.status === "running") throw new Error(JSON.stringify(body));
    return body;
  }, 5_000);
const told = (body: Item): Item => JSON.parse(String(body.output));

describe("run now", () => {
  it("takes a message and a payload for this run only", async () => {
    const id = await makeJob({ message: ECHO, payload: { own: 1 } });
    const message = '{"echo": true, "and": "this"}';
    const first = await ended(id, (await run(id, { message, payload: { other: 2 } })).body.run_id);
    expect(told(first)).toMatchObject({ message, payload: { other: 2 }, job: { payload: { own: 1 } } });
    const second = await ended(id, (await run(id)).body.run_id);
    expect(told(second)).toMatchObject({ message: ECHO, payload: { own: 1 } });
  });

  it("waits for the end of the run: 200 and the run, or 202 if it has not ended in time", async () => {
    const quick = await makeJob({ message: ECHO });
    const done = await run(quick, { wait: "10s" });
    expect([done.status, done.body.status, done.body.trigger]).toEqual([200, "success", "manual"]);
    const slow = await makeJob({ message: '{"status": 202}' });
    const before = Date.now();
    const still = await run(slow, { wait: "1s" });
    expect([still.status, Object.keys(still.body)]).toEqual([202, ["run_id"]]);
    expect(Date.now() - before).toBeGreaterThan(900);
    expect(Date.now() - before).toBeLessThan(5_000);
  });

  it("is shown by the job: the number of runs under way", async () => {
    const id = await makeJob({ message: '{"status": 202}', overlap: "allow_all", schedule: { manual: true } });
    expect((await call("GET", `/v1/jobs/${id}`)).body).not.toHaveProperty("running");
    const runs = [await call("POST", `/v1/jobs/${id}/trigger`), await call("POST", `/v1/jobs/${id}/trigger`)];
    expect((await call("GET", `/v1/jobs/${id}`)).body.running).toBe(2);
    for (const { body } of runs) {
      await call("POST", `/v1/jobs/${id}/runs/${String(body.run_id)}/complete`, { json: { status: "success" } });
    }
    expect((await call("GET", `/v1/jobs/${id}`)).body).not.toHaveProperty("running");
    expectProblem(await call("PATCH", `/v1/jobs/${id}`, { json: { running: 1 } }), 422, "validation_failed");
  });

  it.each(["500ms", "51s", "soon", 5])("refuses to wait %s", async (wait) => {
    const id = await makeJob();
    const got = await run(id, { wait });
    expectProblem(got, 422, "validation_failed");
    expect((got.body.errors as Item[])[0]?.path).toBe("wait");
    expect((await call("GET", `/v1/jobs/${id}/runs`)).body.items).toEqual([]);
  });
});

describe("retry of a run", () => {
  it("is a new manual run with the old one's time, message and payload, and names the old one", async () => {
    const id = await makeJob({ message: ECHO });
    const old = await ended(id, (await run(id, { payload: { n: 1 } })).body.run_id);
    await call("PATCH", `/v1/jobs/${id}`, { json: { message: '{"status": 400}' } });
    const retry = await call("POST", `/v1/jobs/${id}/runs/${old.id}/retry`);
    expect(retry.status, retry.text).toBe(202);
    const again = await ended(id, retry.body.run_id);
    expect(again).toMatchObject({
      status: "success",
      trigger: "manual",
      retry_of: old.id,
      scheduled_at: old.scheduled_at,
    });
    expect(again.id).not.toBe(old.id);
    expect(told(again)).toMatchObject({ message: ECHO, payload: { n: 1 } });
  });

  it("is refused in the same cases as run now, and for a missing run", async () => {
    const id = await makeJob({ message: '{"status": 202}' });
    const old = (await run(id)).body.run_id;
    expectProblem(await call("POST", `/v1/jobs/${id}/runs/${old}/retry`), 409, "job_already_running");
    expectProblem(await call("POST", `/v1/jobs/${id}/runs/${id}-s1/retry`), 404, "not_found");
  });

  it("of a user's run of a fan-out runs for that user", async () => {
    const [user = ""] = usersNamed("retry", 1);
    await setRoster([user]);
    const id = await makeJob({ exec_scope: "all_users", message: ECHO, payload: { n: 1 } });
    const fanOut = (await run(id, { payload: { n: 2 } })).body.fan_out_id;
    const [old] = await vi.waitFor(async () => {
      const state = (await call("GET", `/v1/jobs/${id}/fan-outs/${fanOut}`)).body.status;
      if (state === "running") throw new Error("running");
      return (await call("GET", `/v1/jobs/${id}/runs?fan_out_id=${fanOut}`)).body.items as Item[];
    }, 5_000);
    const retry = await call("POST", `/v1/jobs/${id}/runs/${old?.id}/retry`);
    const again = await ended(id, retry.body.run_id);
    expect(again).toMatchObject({ user_id: user, retry_of: old?.id, session_id: old?.session_id });
    expect(told(again).payload).toEqual({ n: 2 });
  });
});

describe("a pause", () => {
  const pause = (id: string, json?: unknown) =>
    call("POST", `/v1/jobs/${id}/pause`, json === undefined ? {} : { json });

  it("shows its reason and its end, resumes by itself then, and continues in its phase", async () => {
    const id = await makeJob({ schedule: { every: "1h" } });
    const before = (await call("GET", `/v1/jobs/${id}`)).body;
    const paused = await pause(id, { reason: "holidays", until: "2h" });
    expect(paused.body).toMatchObject({ state: "paused", paused_reason: "holidays" });
    expect(Math.abs(Date.parse(String(paused.body.paused_until)) - Date.now() - 7_200_000)).toBeLessThan(5_000);
    expect(paused.body).not.toHaveProperty("next_run_at");
    const stub = env.JOB.getByName(id);
    const resumed = await later(7_201_000, async () => {
      await runDurableObjectAlarm(stub);
      return (await call("GET", `/v1/jobs/${id}`)).body;
    });
    expect(resumed).toMatchObject({ state: "active", enabled: true });
    expect(resumed).not.toHaveProperty("paused_reason");
    expect(Date.parse(String(resumed.next_run_at))).toBe(Date.parse(String(before.next_run_at)) + 2 * 3_600_000);
  });

  it("replaces the previous pause with its end and its reason, and ends with resume", async () => {
    const id = await makeJob();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const paused = await pause(id, { until });
    expect((await pause(id, { until })).body.etag).toBe(paused.body.etag);
    const later = await pause(id, { reason: "later" });
    expect(later.body).toMatchObject({ state: "paused", paused_reason: "later" });
    expect(later.body).not.toHaveProperty("paused_until");
    expect((await pause(id, { until })).body).toMatchObject({ paused_until: until });
    expect((await pause(id, { until })).body).not.toHaveProperty("paused_reason");
    const resumed = await call("POST", `/v1/jobs/${id}/resume`);
    expect(resumed.body).toMatchObject({ state: "active" });
    expect(resumed.body).not.toHaveProperty("paused_until");
  });

  it.each([{ until: "yesterday" }, { until: "2020-01-01T00:00:00Z" }, { until: "-2h" }, { reason: 7 }, { why: "x" }])(
    "is refused for %j",
    async (json) => {
      const got = await pause(await makeJob(), json);
      expectProblem(got, 422, "validation_failed");
    },
  );

  it("and resume of a finished job are refused", async () => {
    const id = await makeJob({ message: JSON.stringify({ body: '{"reveille":{"done":true}}' }) });
    await ended(id, (await run(id)).body.run_id);
    expectProblem(await pause(id), 409, "job_finished");
    expectProblem(await call("POST", `/v1/jobs/${id}/resume`), 409, "job_finished");
  });
});
