/** Events from outside, over HTTP (docs/contract.md §19). */
import { describe, expect, it, vi } from "vitest";
import { makeTriggerToken, readTriggerToken } from "../../../../src/agent/trigger-token.ts";
import { setRoster, usersNamed } from "../../fan-out-fixture.ts";
import { ADMIN_TOKEN, agentToken, call, env, expectProblem, fresh, makeJob, ORIGIN } from "../../http-fixture.ts";

type Item = Record<string, unknown>;
const ECHO = '{"echo": true}';
const WAITS = '{"status": 202}';
const manual = (fields: Item = {}): Promise<string> =>
  makeJob({ schedule: { manual: true }, message: ECHO, ...fields });

const trigger = (id: string, json: unknown = {}, token?: string) =>
  call("POST", `/v1/jobs/${id}/trigger`, token === undefined ? { json } : { json, token });

const runOf = (id: string, runId: unknown, until = (run: Item): boolean => run.status !== "running"): Promise<Item> =>
  vi.waitFor(async () => {
    const { body } = await call("GET", `/v1/jobs/${id}/runs/${runId}`);
    if (!until(body)) throw new Error(JSON.stringify(body));
    return body;
  }, 5_000);
const isWaiting = (run: Item): boolean => run.completion_due_at !== undefined;
const complete = (id: string, runId: unknown) =>
  call("POST", `/v1/jobs/${id}/runs/${runId}/complete`, { json: { status: "success" } });

describe("POST /v1/jobs/{id}/trigger", () => {
  it("runs the job with trigger event and merges its payload over the job's own, for this run only", async () => {
    const id = await manual({ payload: { keep: 1, change: { a: 1, b: 2 }, drop: true } });
    const got = await trigger(id, { payload: { change: { b: 3 }, drop: null, add: [null] } });
    expect([got.status, got.body]).toEqual([202, { run_id: expect.any(String), status: "running" }]);
    const run = await runOf(id, got.body.run_id);
    expect(run).toMatchObject({ status: "success", trigger: "event" });
    expect(JSON.parse(String(run.output)).payload).toEqual({ keep: 1, change: { a: 1, b: 3 }, add: [null] });
    expect((await call("GET", `/v1/jobs/${id}`)).body.payload).toEqual({ keep: 1, change: { a: 1, b: 2 }, drop: true });
  });

  it("gives a repeated key the same answer for 24 hours, without another run", async () => {
    const id = await manual();
    const first = await trigger(id, { key: "order 1" });
    const again = await trigger(id, { key: "order 1", payload: { other: true } });
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(again.body).toEqual(first.body);
    const other = await trigger(id, { key: "order 2" });
    expect(other.body.run_id).not.toBe(first.body.run_id);
    const sameElsewhere = await manual();
    expect((await trigger(sameElsewhere, { key: "order 1" })).status).toBe(202);
  });

  it("runs the job once when one key is sent ten times at once", async () => {
    const id = await manual({ overlap: "allow_all" });
    const all = await Promise.all(Array.from({ length: 10 }, () => trigger(id, { key: "burst" })));
    expect(new Set(all.map(({ body }) => body.run_id)).size).toBe(1);
    expect(all.filter(({ status }) => status === 202)).toHaveLength(1);
    expect((await call("GET", `/v1/jobs/${id}/runs`)).body.items).toHaveLength(1);
  });

  it.each([
    ["skip", "skipped", "skipped"],
    ["buffer_one", "buffered", "running"],
    ["cancel_other", "running", "running"],
    ["allow_all", "running", "running"],
  ])("obeys overlap %s: %s while a run is active", async (overlap, status, then) => {
    const id = await manual({ message: WAITS, overlap });
    const first = await trigger(id);
    await runOf(id, first.body.run_id, isWaiting);
    const second = await trigger(id, { payload: { second: true } });
    expect(second.body.status).toBe(status);
    if (overlap === "buffer_one") {
      expect((await trigger(id)).body.status).toBe("skipped");
      await complete(id, first.body.run_id);
    }
    const run = await runOf(id, second.body.run_id, (it) => then === "skipped" || isWaiting(it));
    expect(run).toMatchObject({ status: then, trigger: "event" });
    if (overlap === "cancel_other") expect(await runOf(id, first.body.run_id)).toMatchObject({ status: "error" });
  });

  it("is refused for a job that is paused, finished, or out of budget", async () => {
    const paused = await manual();
    await call("POST", `/v1/jobs/${paused}/pause`);
    expectProblem(await trigger(paused), 409, "job_paused");
    const finished = await manual({ message: JSON.stringify({ body: '{"reveille":{"done":true}}' }) });
    await runOf(finished, (await trigger(finished)).body.run_id);
    expectProblem(await trigger(finished), 409, "job_finished");
    const spent = await manual({ budget: { runs_per_day: 1 } });
    await runOf(spent, (await trigger(spent)).body.run_id);
    expectProblem(await trigger(spent), 409, "budget_exceeded");
  });

  it.each<[string, unknown, string]>([
    ["a payload that is no object", { payload: [1] }, "payload"],
    ["an empty key", { key: "" }, "key"],
    ["a field that is none", { event: {} }, "event"],
    ["a payload that grows too large", { payload: { x: "x".repeat(60_000) } }, "payload"],
  ])("refuses %s", async (_, json, path) => {
    const id = await manual({ payload: { y: "y".repeat(60_000) } });
    const got = await trigger(id, json);
    expectProblem(got, 422, "validation_failed");
    expect((got.body.errors as Item[])[0]?.path).toBe(path);
  });

  it("opens the fan-out of an all_users job, and is skipped while one is active", async () => {
    await setRoster(usersNamed("trigger", 2));
    const id = await manual({ exec_scope: "all_users", message: WAITS });
    const got = await trigger(id, { payload: { sale: true } });
    expect(got.body).toEqual({ fan_out_id: expect.any(String), status: "running" });
    const path = `/v1/jobs/${id}/fan-outs/${got.body.fan_out_id}`;
    expect((await call("GET", path)).body).toMatchObject({ trigger: "event", status: "running" });
    expect((await trigger(id)).body).toMatchObject({ fan_out_id: expect.any(String), status: "skipped" });
  });

  it("needs a token that may change the job", async () => {
    const agent = fresh("agent");
    const id = await manual({ agent_id: agent });
    expect((await trigger(id, {}, await agentToken({ agent_id: agent }))).status).toBe(202);
    expectProblem(await trigger(id, {}, await agentToken({ agent_id: fresh("agent") })), 404, "not_found");
  });
});

describe("a job's own trigger token", () => {
  const tokenOf = async (id: string) =>
    (await call("POST", `/v1/jobs/${id}/trigger-token`)).body as Record<"url" | "token", string>;

  it("is accepted at its url, as bearer or in the query, and any JSON becomes the payload's event", async () => {
    const id = await manual({ payload: { own: 1 } });
    const made = await call("POST", `/v1/jobs/${id}/trigger-token`);
    expect(made.status).toBe(201);
    const { url, token } = made.body as Record<"url" | "token", string>;
    expect(url.startsWith(ORIGIN)).toBe(true);
    const path = url.slice(ORIGIN.length);
    for (const event of [{ action: "opened", nested: { n: null } }, ["a"], "text", 7, null]) {
      const got = await call("POST", path, { token, json: event });
      expect(got.status, got.text).toBe(202);
      const run = await runOf(id, got.body.run_id);
      expect(JSON.parse(String(run.output)).payload).toEqual({ own: 1, event });
    }
    const query = await call("POST", `${path}?token=${token}`, { token: undefined, json: { q: 1 } });
    expect(query.status, query.text).toBe(202);
    expect((await trigger(id, { payload: { a: 1 } }, token)).status).toBe(202);
  });

  it("accepts 64 KiB beside a job's own payload of 64 KiB, and the agent gets both", async () => {
    const filled = (bytes: number) => ({ x: "y".repeat(bytes - '{"x":""}'.length) });
    const [own, event] = [filled(65_536), filled(65_536)];
    const id = await makeJob({ message: '{"status": 200}', payload: { big: own.x.slice(0, 65_000) } });
    const { url, token } = await tokenOf(id);
    const path = url.slice(ORIGIN.length);
    const got = await call("POST", path, { token, json: event });
    expect(got.status, got.text).toBe(202);
    expect((await runOf(id, got.body.run_id)).status).toBe("success");
    expectProblem(await call("POST", path, { token, json: filled(65_537) }), 413, "payload_too_large");
  });

  it("accepts the header Idempotency-Key as the key", async () => {
    const id = await manual();
    const { url, token } = await tokenOf(id);
    const send = (key: string) =>
      call("POST", url.slice(ORIGIN.length), { token, json: {}, headers: { "idempotency-key": key } });
    const [first, again] = [await send("delivery-1"), await send("delivery-1")];
    expect([first.status, again.status]).toEqual([202, 200]);
    expect(again.body).toEqual(first.body);
    expect((await trigger(id, { key: "delivery-1" })).status).toBe(200);
  });

  it("ends when it is replaced or deleted, and gives access to no other call and no other job", async () => {
    const id = await manual();
    const other = await manual();
    const { url, token } = await tokenOf(id);
    const path = url.slice(ORIGIN.length);
    expectProblem(await call("GET", `/v1/jobs/${id}`, { token }), 403, "forbidden");
    expectProblem(await call("POST", `/v1/jobs/${id}/run`, { token }), 403, "forbidden");
    expectProblem(await call("GET", "/v1/jobs", { token }), 403, "forbidden");
    expectProblem(await trigger(other, {}, token), 403, "forbidden");
    expectProblem(await call("GET", `/v1/jobs/${id}?token=${token}`, { token: undefined }), 401, "unauthorized");
    const next = await tokenOf(id);
    expectProblem(await call("POST", path, { token, json: {} }), 401, "unauthorized");
    expect((await call("POST", path, { token: next.token, json: {} })).status).toBe(202);
    expect((await call("DELETE", `/v1/jobs/${id}/trigger-token`)).status).toBe(204);
    expectProblem(await call("POST", path, { token: next.token, json: {} }), 401, "unauthorized");
    expect((await call("DELETE", `/v1/jobs/${id}/trigger-token`)).status).toBe(204);
    await call("DELETE", `/v1/jobs/${id}`);
    const ended = await call("POST", path, { token: next.token, json: {} });
    expectProblem(ended, 401, "unauthorized");
    // The hint says how to send the trigger token, since a webhook's sender has no other token.
    for (const { body } of [ended, await call("POST", path, { token: undefined, json: {} })]) {
      expect(body.hint).toMatch(/trigger-token.*Authorization: Bearer.*\?token=/);
    }
  });

  it("is refused before any job is called if its signature is wrong", async () => {
    const id = await manual();
    const { token } = await tokenOf(id);
    for (const text of [`rvt_${id}_${"a".repeat(32)}`, `rvt_${id}_${"a".repeat(46)}`, `${token.slice(0, -1)}0`]) {
      if (text !== token) expect(await readTriggerToken(env, text)).toBeUndefined();
    }
    expect(await readTriggerToken(env, token)).toMatchObject({ role: "trigger", job_id: id });
  });

  it("has no rate limit of its own: tokens of a subject's jobs count together, and the operator's count by job", async () => {
    const [one, other] = [await manual(), await manual()];
    const bucketOf = async (jobId: string, subject: string) =>
      (await readTriggerToken(env, (await makeTriggerToken(env, jobId, subject)).token))?.bucket;
    expect(await bucketOf(one, "user:u")).toBe(await bucketOf(other, "user:u"));
    expect(await bucketOf(one, "user:u")).not.toBe(await bucketOf(one, "user:v"));
    expect(await bucketOf(one, "admin")).toBe(await bucketOf(one, "admin"));
    expect(await bucketOf(one, "admin")).not.toBe(await bucketOf(other, "admin"));
  });

  it("is the only token that is taken from a URL", async () => {
    const agent = fresh("agent");
    const id = await manual({ agent_id: agent });
    for (const token of [ADMIN_TOKEN, await agentToken({ agent_id: agent })]) {
      const got = await call("POST", `/v1/jobs/${id}/trigger?token=${token}`, { token: undefined, json: {} });
      expectProblem(got, 401, "unauthorized");
    }
  });

  it("has audit entries when it is issued and deleted, and does not change the job's ETag", async () => {
    const agent = fresh("agent");
    const id = await manual({ agent_id: agent });
    const etag = (await call("GET", `/v1/jobs/${id}`)).body.etag;
    const token = await agentToken({ agent_id: agent });
    expect((await call("POST", `/v1/jobs/${id}/trigger-token`, { token })).status).toBe(201);
    for (let n = 0; n < 2; n++) await call("DELETE", `/v1/jobs/${id}/trigger-token`);
    const { items } = (await call("GET", `/v1/audit?job_id=${id}`)).body;
    const common = { target: id, job_id: id, owner: `agent:${agent}` };
    expect(items).toMatchObject([
      { ...common, action: "trigger_token.delete", actor: "admin" },
      { ...common, action: "trigger_token.create", actor: `agent:${agent}` },
      { action: "job.create" },
    ]);
    expect((await call("GET", `/v1/jobs/${id}`)).body.etag).toBe(etag);
  });

  it("refuses a body that is not JSON, is too large, or holds a number that would be changed", async () => {
    const { url, token } = await tokenOf(await manual());
    const send = (body: string, type = "application/json") =>
      call("POST", url.slice(ORIGIN.length), { token, body, headers: { "content-type": type } });
    expectProblem(await send("{"), 400, "invalid_json");
    expectProblem(await send("a=b", "application/x-www-form-urlencoded"), 415, "unsupported_media_type");
    expectProblem(await send(`"${"x".repeat(65_536)}"`), 413, "payload_too_large");
    const lossy = await send('{"id": 1234567890123456789}');
    expectProblem(lossy, 422, "validation_failed");
    expect(lossy.text).toContain("1234567890123456789");
  });
});
