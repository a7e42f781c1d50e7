/** Subscriptions from the event to the target (docs/contract.md §18): signatures, independent targets, retries, pauses and test messages. */
import { runDurableObjectAlarm } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { MAX_SUBSCRIPTIONS } from "../../../src/directory/subscriptions.ts";
import { shardAt } from "../../../src/objects/directory.ts";
import { verify } from "../../../src/outbound/signature.ts";
import { env } from "../bindings.ts";
import { countCalls } from "../calls-counted.ts";
import { agentToken, call, expectProblem, fresh, makeJob } from "../http-fixture.ts";
import type { SeenCall } from "../scripted-chat.ts";

const FAILS = { message: JSON.stringify({ status: 404 }), retry: { max_attempts: 1 } };
const eventually = <T>(act: () => Promise<T>): Promise<T> => vi.waitFor(act, { timeout: 10_000, interval: 20 });

type Fields = Record<string, unknown>;

/** The messages that a target of that name has received so far. */
async function heard(name: string): Promise<SeenCall[]> {
  const response = await fetch(`https://notify.test/?of=${encodeURIComponent(`/${name}`)}`);
  return response.json();
}
const hook = (name: string, more: Fields = {}) => ({ type: "webhook", url: `https://notify.test/${name}`, ...more });

async function subscribe(fields: Fields, id = fresh("sub")): Promise<{ id: string; body: Fields }> {
  const got = await call("PUT", `/v1/subscriptions/${id}`, { json: { events: ["run.failed"], ...fields } });
  expect([200, 201], got.text).toContain(got.status);
  return { id, body: got.body };
}

async function run(jobId: string): Promise<void> {
  const begun = await call("POST", `/v1/jobs/${jobId}/run`);
  await eventually(async () => {
    const got = await call("GET", `/v1/jobs/${jobId}/runs/${String(begun.body.run_id)}`);
    expect(got.body.finished_at).toBeDefined();
  });
}

const deliveriesOf = async (id: string): Promise<Fields[]> =>
  (await call("GET", `/v1/subscriptions/${id}/deliveries?limit=100`)).body.items as Fields[];

describe("a webhook", () => {
  it("gets a failure and the recovery, signed with its own secret, which is shown once", async () => {
    const name = fresh("hook");
    const job = await makeJob(FAILS);
    const { id, body } = await subscribe({ match: { q: "Water" }, to: [hook(name)] });
    const [made] = body.to as { secret: string }[];
    expect(made?.secret).toMatch(/^whsec_/);
    const read = await call("GET", `/v1/subscriptions/${id}`);
    expect(read.body).toMatchObject({ id, after: 1, cooldown: "0s", enabled: true });
    expect(read.text).not.toContain(made?.secret);

    await run(job);
    const [failed] = await eventually(async () => {
      const calls = (await heard(name)).filter((each) => JSON.stringify(each).includes(job));
      expect(calls).toHaveLength(1);
      return calls;
    });
    const [event] = (await call("GET", `/v1/events?job_id=${job}`)).body.items as Fields[];
    expect(failed?.headers["webhook-id"]).toBe(event?.id);
    const { run: itsRun, ...view } = event as Fields & { run: Fields };
    expect(failed?.body).toMatchObject({
      type: "run.failed",
      timestamp: event?.at,
      data: { event: view, job: { id: job }, run: { id: itsRun.id, status: "error" }, count: 1 },
    });
    const text = JSON.stringify(failed?.body);
    const now = Number(failed?.headers["webhook-timestamp"]);
    const verified = await verify({
      secret: made?.secret ?? "",
      headers: new Headers(failed?.headers),
      body: text,
      nowSeconds: now,
    });
    expect(verified).toMatchObject({ ok: true });

    await call("PATCH", `/v1/jobs/${job}`, { json: { message: "hello" } });
    await run(job);
    await eventually(async () => {
      const types = (await heard(name))
        .filter((each) => JSON.stringify(each).includes(job))
        .map((each) => (each.body as Fields).type);
      expect(types).toEqual(["run.failed", "run.recovered"]);
    });
    await run(job);
    await eventually(async () => {
      const deliveries = await deliveriesOf(id);
      expect(deliveries.every(({ status }) => status === "delivered")).toBe(true);
    });
  });

  it("keeps its secret when the subscription is written again, as it was read or without a secret", async () => {
    const name = fresh("hook");
    const { id, body } = await subscribe({ to: [hook(name)] });
    const secret = (body.to as { secret: string }[])[0]?.secret;
    const read = await call("GET", `/v1/subscriptions/${id}`);
    const { created_at: _c, updated_at: _u, id: _i, ...config } = read.body;
    const again = await call("PUT", `/v1/subscriptions/${id}`, { json: config });
    expect([again.status, again.text]).toEqual([200, expect.not.stringContaining(secret ?? "?")]);
    const bare = await call("PUT", `/v1/subscriptions/${id}`, { json: { events: ["run.failed"], to: [hook(name)] } });
    expect([bare.status, bare.text]).toEqual([200, expect.not.stringContaining(secret ?? "?")]);
  });
});

describe("targets", () => {
  it("get messages independently: a target that is down is retried, and the others get theirs", async () => {
    const [good, bad] = [fresh("good"), fresh("broken")];
    const job = await makeJob({ ...FAILS, labels: { only: good } });
    const match = { label: `only:${good}` };
    const { id } = await subscribe({
      match,
      to: [hook(bad), hook(good), { type: "slack", url: `https://notify.test/${good}-slack` }],
    });
    await run(job);
    const deliveries = await eventually(async () => {
      const found = await deliveriesOf(id);
      expect(found.map(({ status, attempts }) => [status, attempts])).toEqual([
        ["delivered", 1],
        ["delivered", 1],
        ["retrying", 1],
      ]);
      expect(found.at(-1)?.error).toContain("500");
      return found;
    });
    const [slack] = await heard(`${good}-slack`);
    expect(JSON.stringify(slack?.body)).toMatch(/failed/);
    const retrying = deliveries.at(-1);
    expect(Date.parse(String(retrying?.next_attempt_at)) - Date.now()).toBeLessThan(60_000);

    const again = await call("POST", `/v1/subscriptions/${id}/deliveries/${String(retrying?.id)}/retry`);
    expect(again.status, again.text).toBe(202);
    await eventually(async () => {
      const calls = await heard(bad);
      expect(calls).toHaveLength(2);
      expect(calls[0]?.headers["webhook-id"]).toBe(calls[1]?.headers["webhook-id"]);
    });
  });

  it("that are slow delay no other target", async () => {
    const [good, slow] = [fresh("good"), fresh("slow")];
    const jobs = await Promise.all(Array.from({ length: 8 }, () => makeJob({ ...FAILS, labels: { only: good } })));
    const { id } = await subscribe({ enabled: false, match: { label: `only:${good}` }, to: [hook(slow), hook(good)] });
    await Promise.all(jobs.map(run));
    await eventually(async () => expect(await deliveriesOf(id)).toHaveLength(16));
    await subscribe({ match: { label: `only:${good}` }, to: [hook(slow), hook(good)] }, id);
    await vi.waitFor(async () => expect(await heard(good)).toHaveLength(8), { timeout: 2_500, interval: 20 });
    const delivered = (await deliveriesOf(id)).filter(({ status }) => status === "delivered");
    expect(delivered.length).toBeLessThanOrEqual(8);
  });

  it("get new events at once while another target hangs", async () => {
    const [good, slow] = [fresh("good"), fresh("slow")];
    const job = await makeJob({ ...FAILS, labels: { only: good } });
    await subscribe({ match: { label: `only:${good}` }, to: [hook(slow), hook(good)] });
    await run(job);
    await eventually(async () => expect(await heard(slow)).toHaveLength(1));
    await run(job);
    await vi.waitFor(async () => expect(await heard(good)).toHaveLength(2), { timeout: 2_000, interval: 20 });
    expect(await heard(slow)).toHaveLength(1);
    await vi.waitFor(async () => expect(await heard(slow)).toHaveLength(2), 8_000);
  });

  it("are not checked again and again while a slow target gets another message", async () => {
    const [first, second] = [fresh("late-1"), fresh("late-2")];
    const job = await makeJob({ ...FAILS, labels: { only: first } });
    const { id } = await subscribe({ match: { label: `only:${first}` }, to: [hook(first), hook(second)] });
    const calls = await countCalls(env.SUBSCRIPTION.getByName(id));
    for (const event of [1, 2]) {
      await run(job);
      await eventually(async () => expect(await heard(second)).toHaveLength(event));
    }
    // The first target answers, and the second is still busy with the message before this one.
    await run(job);
    await eventually(async () => expect(await heard(second)).toHaveLength(3));
    expect(await heard(first)).toHaveLength(3);
    expect(calls.get("alarm")).toBeLessThan(10);
  });

  it("get a message for a fan-out with failed users, and for the next one without any", async () => {
    const [name, bad] = [fresh("hook"), fresh("u")];
    for (const user of [bad, fresh("u")]) await call("PUT", `/v1/users/${user}`, { json: {} });
    const message = JSON.stringify({ users: { [bad]: { status: 404 } } });
    const job = await makeJob({ ...FAILS, message, exec_scope: "all_users", labels: { only: name } });
    await subscribe({ events: ["fan_out.failed"], match: { label: `only:${name}` }, to: [hook(name)] });
    await call("POST", `/v1/jobs/${job}/run`);
    await eventually(async () => expect(await heard(name)).toHaveLength(1));
    await call("PATCH", `/v1/jobs/${job}`, { json: { message: "hello" } });
    await call("POST", `/v1/jobs/${job}/run`);
    await eventually(async () => {
      const bodies = (await heard(name)).map(
        ({ body }) => body as unknown as { type: string; data: { count: number } },
      );
      expect(bodies.map(({ type, data }) => [type, data.count])).toEqual([
        ["fan_out.failed", 1],
        ["run.recovered", 1],
      ]);
    });
  });

  it("that are removed during a delivery get no more messages, and the pending ones have failed", async () => {
    const [good, bad] = [fresh("good"), fresh("broken")];
    const job = await makeJob({ ...FAILS, labels: { only: good } });
    const match = { label: `only:${good}` };
    const { id } = await subscribe({ match, to: [hook(bad)] });
    await run(job);
    const [retrying] = await eventually(async () => {
      const found = await deliveriesOf(id);
      expect(found).toMatchObject([{ status: "retrying", attempts: 1 }]);
      return found;
    });
    await subscribe({ match, to: [hook(good)] }, id);
    expect(await deliveriesOf(id)).toMatchObject([{ status: "failed", error: "the target was removed" }]);
    const again = await call("POST", `/v1/subscriptions/${id}/deliveries/${String(retrying?.id)}/retry`);
    expectProblem(again, 422, "validation_failed");
  });

  it("of a subscription that is deleted during a delivery get no more messages, and its id is free", async () => {
    const slow = fresh("slow");
    const job = await makeJob({ ...FAILS, labels: { only: slow } });
    const match = { label: `only:${slow}` };
    const { id } = await subscribe({ match, to: [hook(slow)] });
    await run(job);
    await eventually(async () => expect(await heard(slow)).toHaveLength(1));
    expect((await call("DELETE", `/v1/subscriptions/${id}`)).status).toBe(204);
    await subscribe({ match, to: [hook(slow)] }, id);
    await run(job);
    await eventually(async () => expect(await heard(slow)).toHaveLength(2));
    await vi.waitFor(async () => expect(await deliveriesOf(id)).toMatchObject([{ status: "delivered" }]), 8_000);
  });

  it("get a test message on request", async () => {
    const [good, bad] = [fresh("good"), fresh("broken")];
    const { id } = await subscribe({ enabled: false, to: [hook(good), hook(bad)] });
    const got = await call("POST", `/v1/subscriptions/${id}/test`);
    expect(got.status, got.text).toBe(200);
    expect(got.body.results).toMatchObject([
      { ok: true, status: 200 },
      { ok: false, status: 500, error: expect.stringContaining("500") },
    ]);
    expect(await heard(good)).toHaveLength(1);
  });

  it("of a subscription that is disabled get their messages when it is enabled again", async () => {
    const name = fresh("hook");
    const job = await makeJob({ ...FAILS, labels: { only: name } });
    const config = { match: { label: `only:${name}` }, to: [hook(name)] };
    const { id } = await subscribe({ ...config, enabled: false });
    await run(job);
    await eventually(async () => expect((await deliveriesOf(id)).map(({ status }) => status)).toEqual(["held"]));
    expect(await heard(name)).toEqual([]);
    await subscribe({ ...config, enabled: true }, id);
    await eventually(async () => expect(await heard(name)).toHaveLength(1));
  });

  it("that are down for an hour get the message when they are back, once, under the same id", async () => {
    // Pauses begin at 20 s and double. The eighth attempt comes 42 minutes after the first, the ninth after more than an hour.
    const name = fresh("fails-8-hook");
    const job = await makeJob({ ...FAILS, labels: { only: name } });
    const { id } = await subscribe({ match: { label: `only:${name}` }, to: [hook(name)] });
    await run(job);
    const newest = async () => (await deliveriesOf(id))[0] ?? {};
    await eventually(async () => expect((await newest()).attempts).toBe(1));
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const start = Date.now();
      await eventually(async () => expect((await newest()).error).toContain("503"));
      while ((await newest()).status === "retrying") {
        vi.setSystemTime(Date.parse(String((await newest()).next_attempt_at)));
        await runDurableObjectAlarm(env.SUBSCRIPTION.getByName(id));
      }
      expect(Date.now() - start).toBeGreaterThan(3_600_000);
      expect(await newest()).toMatchObject({ status: "delivered", attempts: 9 });
      const calls = await heard(name);
      expect(new Set(calls.map((each) => each.headers["webhook-id"])).size).toBe(1);
      expect(new Set(calls.map((each) => each.headers["webhook-signature"])).size).toBe(calls.length);
    } finally {
      vi.useRealTimers();
    }
  });

  it("that are down for an hour are tried again with growing pauses, under one id", async () => {
    const name = fresh("broken");
    const job = await makeJob({ ...FAILS, labels: { only: name } });
    const { id } = await subscribe({ match: { label: `only:${name}` }, to: [hook(name)] });
    await run(job);
    const stub = env.SUBSCRIPTION.getByName(id);
    const newest = async () => (await deliveriesOf(id))[0] ?? {};
    await eventually(async () => expect((await newest()).error).toContain("500"));
    vi.useFakeTimers({ toFake: ["Date"] });
    try {
      const start = Date.now();
      for (let tries = 0; tries < 20 && Date.now() - start < 3_600_000; tries++) {
        vi.setSystemTime(Date.parse(String((await newest()).next_attempt_at)));
        await runDurableObjectAlarm(stub);
      }
      const delivery = await newest();
      expect(delivery).toMatchObject({ status: "retrying", error: expect.stringContaining("500") });
      expect(Number(delivery.attempts)).toBeLessThan(12);
      const calls = await heard(name);
      expect(calls).toHaveLength(Number(delivery.attempts));
      expect(new Set(calls.map((each) => each.headers["webhook-id"])).size).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("after and cooldown", () => {
  it("hold messages back, but never the recovery of a reported failure", async () => {
    const name = fresh("hook");
    const job = await makeJob({ ...FAILS, labels: { only: name } });
    await subscribe({ match: { label: `only:${name}` }, to: [hook(name)], after: 2, cooldown: "1h" });
    for (let i = 0; i < 4; i++) await run(job);
    await call("PATCH", `/v1/jobs/${job}`, { json: { message: "hello" } });
    await run(job);
    await eventually(async () => {
      const bodies = (await heard(name)).map(
        ({ body }) => body as unknown as { type: string; data: { count: number } },
      );
      expect(bodies.map(({ type, data }) => [type, data.count])).toEqual([
        ["run.failed", 2],
        ["run.recovered", 1],
      ]);
    });
  });
});

describe("a subscription", () => {
  it.each([
    [{ to: [{ type: "webhook", url: "http://example.com/" }] }, "to.0.url"],
    [{ to: [{ type: "webhook", url: "https://example.com/", secret: "short" }] }, "to.0.secret"],
    [{ to: [] }, "to"],
    [{ to: [{ type: "email", to: "ops@example.com" }] }, "to.0.type"],
    [{ to: [hook("a"), hook("a")] }, "to.1"],
    [{ to: [hook("a")], events: ["run.exploded"] }, "events.0"],
    [{ to: [hook("a")], events: [] }, "events"],
    [{ to: [hook("a")], after: 0 }, "after"],
    [{ to: [hook("a")], cooldown: "soon" }, "cooldown"],
    [{ to: [hook("a")], cooldown: "-5m" }, "cooldown"],
    [{ to: [hook("a")], cooldown: "366d" }, "cooldown"],
    [{ to: [hook("a")], match: { colour: "red" } }, "match"],
    [{ to: [hook("a")], match: { label: "team" } }, "match.label"],
    [{ to: [hook("a")], match: { state: "active,gone" } }, "match.state"],
  ])("that is %j is refused on %s", async (fields, path) => {
    const got = await call("PUT", `/v1/subscriptions/${fresh("bad")}`, { json: { events: ["run.failed"], ...fields } });
    expectProblem(got, 422, "validation_failed");
    expect(got.text).toContain(`"path":"${path}`);
  });

  it("that was deleted is gone, also if a shard was not reachable, and a new one of its id gets no earlier event", async () => {
    const name = fresh("hook");
    const job = await makeJob({ ...FAILS, labels: { only: name } });
    const config = { match: { label: `only:${name}` }, to: [hook(name)] };
    const { id } = await subscribe(config);
    await env.SUBSCRIPTION.getByName(id).erase();
    expectProblem(await call("GET", `/v1/subscriptions/${id}`), 404, "not_found");
    expectProblem(await call("DELETE", `/v1/subscriptions/${id}`), 404, "not_found");
    const listed = (await call("GET", "/v1/subscriptions")).body.items as Fields[];
    expect(listed.map((each) => each.id)).not.toContain(id);
    await run(job);
    await subscribe(config, id);
    await run(job);
    await eventually(async () => expect(await heard(name)).toHaveLength(1));
    expect(await deliveriesOf(id)).toHaveLength(1);
  });

  it("is refused at the limit, also if two calls want the last place, while an existing one can be changed", async () => {
    const first = shardAt(env, 0);
    const known = new Set(await first.subscriptionIds());
    for (let n = known.size; n < MAX_SUBSCRIPTIONS - 1; n++) {
      await first.putSubscription(`full-${n}`, { events: ["tick.late"] }, true);
    }
    const ids = [fresh("last"), fresh("last")];
    const put = (id: string) =>
      call("PUT", `/v1/subscriptions/${id}`, { json: { events: ["run.failed"], to: [hook(id)] } });
    const answers = await Promise.all(ids.map(put));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
    const refused = answers.findIndex(({ status }) => status === 422);
    expect(answers[refused]?.text).toContain("there are 100, which is the most");
    expectProblem(await call("GET", `/v1/subscriptions/${ids[refused]}`), 404, "not_found");
    expect((await put(String(ids[1 - refused]))).status).toBe(200);
    for (const id of await first.subscriptionIds()) if (id.startsWith("full-")) await first.removeSubscription(id);
    expect((await put(String(ids[refused]))).status).toBe(201);
  });

  it("is listed until it is deleted, and is visible to the operator only", async () => {
    const { id } = await subscribe({ to: [hook(fresh("hook"))] });
    const listed = await call("GET", "/v1/subscriptions");
    expect((listed.body.items as Fields[]).map((each) => each.id)).toContain(id);
    expectProblem(
      await call("GET", "/v1/subscriptions", { token: await agentToken({ agent_id: "a" }) }),
      403,
      "forbidden",
    );
    expect((await call("DELETE", `/v1/subscriptions/${id}`)).status).toBe(204);
    for (const [method, path] of [
      ["GET", ""],
      ["DELETE", ""],
      ["GET", "/deliveries"],
      ["POST", "/test"],
      ["POST", "/deliveries/x/retry"],
    ] as const) {
      expectProblem(await call(method, `/v1/subscriptions/${id}${path}`), 404, "not_found");
    }
    expectProblem(
      await call("PUT", "/v1/subscriptions/bad%20id", { json: { events: ["run.failed"], to: [hook("a")] } }),
      422,
      "validation_failed",
    );
  });
});
