/** Claims over HTTP (docs/contract.md §14): which token may claim which runs, their order, their leases and their ends. */
import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { describe, expect, it, vi } from "vitest";
import { mintToken } from "../../../../src/agent/token.ts";
import { agentToken, call, env, expectProblem, fresh, TOKEN_SECRET, tokenFor } from "../../http-fixture.ts";
import { claim, itemsOf, makeAgent, makeJobOf, offer, ringJob, runIds, runOf } from "../../mailbox-fixture.ts";

describe("an agent without an address", () => {
  it("may be registered by its own token, which may make no other change", async () => {
    const id = fresh("own");
    const token = await agentToken({ agent_id: id });
    const put = (json: object) => call("PUT", `/v1/agents/${id}`, { token, json });
    expect(await put({ delivery: "pull" })).toMatchObject({ status: 201, body: { delivery: "pull" } });
    expectProblem(await put({ url: "https://evil.example/" }), 403, "forbidden");
    const ofUser = await agentToken({ agent_id: id, user_id: "u" });
    expectProblem(
      await call("PUT", `/v1/agents/${id}`, { token: ofUser, json: { delivery: "pull" } }),
      403,
      "forbidden",
    );
    expectProblem(await call("PUT", "/v1/agents/other", { token, json: { delivery: "pull" } }), 403, "forbidden");
    await call("PUT", `/v1/agents/${id}`, { json: { url: "https://agent.example/" } });
    expectProblem(await put({ delivery: "pull" }), 409, "agent_has_url");
    expectProblem(await claim(id), 409, "agent_has_url");
  });

  it.each([
    [{ delivery: "pull", url: "https://agent.example/" }, "url"],
    [{ delivery: "pull", secret: "whsec_dGhlIHNlY3JldCBvZiB0aGUgYWdlbnQgaW4gdGVzdHM=" }, "secret"],
    [{ delivery: "push" }, "url"],
    [{}, "url"],
  ])("is not registered by %j", async (json, path) => {
    const put = await call("PUT", `/v1/agents/${fresh("bad")}`, { json });
    expectProblem(put, 422, "validation_failed");
    expect(put.body.errors).toMatchObject([{ path }]);
  });

  it("gets its runs, oldest first and each once, with the fields of a call", async () => {
    const agent = await makeAgent();
    const jobs = await Promise.all([1, 2, 3].map(() => makeJobOf(agent)));
    const runs: string[] = [];
    for (const job of jobs) runs.push(await offer(job));
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ waiting: 3 });
    const first = await claim(agent, { limit: 2, lease: "30s" });
    expect(runIds(first)).toEqual(runs.slice(0, 2));
    const [item] = itemsOf(first);
    expect(item).toMatchObject({ type: "job.run", data: { message: "hello", job: { agent_id: agent } } });
    const { claimed_at, lease_expires_at } = item?.data.run ?? {};
    expect(Date.parse(String(lease_expires_at)) - Date.parse(String(claimed_at))).toBe(30_000);
    expect(runIds(await claim(agent, { limit: 2 }))).toEqual(runs.slice(2));
    expect(runIds(await claim(agent))).toEqual([]);
    expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ waiting: 0 });
  });

  it("completes a run with the run's own token, claimed or not", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const run = await offer(job);
    const token = itemsOf(await claim(agent))[0]?.data.complete.token;
    const done = { token, json: { status: "success", output: "done" } };
    expect(await call("POST", `/v1/jobs/${job}/runs/${run}/complete`, done)).toMatchObject({ status: 200 });
    const next = await offer(job);
    await call("POST", `/v1/jobs/${job}/runs/${next}/complete`, { json: { status: "success" } });
    expect(await runOf(job, next)).toMatchObject({ status: "success" });
    expect(runIds(await claim(agent))).toEqual([]);
  });

  it("gets its answer during the wait, as soon as a run is offered", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const waiting = claim(agent, { wait: "20s" });
    await new Promise((resolve) => setTimeout(resolve, 100));
    const run = await offer(job);
    const offeredAt = Date.now();
    expect(runIds(await waiting)).toEqual([run]);
    expect(Date.now() - offeredAt).toBeLessThan(1_000);
  });

  it("gets an empty answer when the wait is over", async () => {
    const agent = await makeAgent();
    expect(runIds(await claim(agent, { wait: "300ms" }))).toEqual([]);
  });

  it("is refused during the wait, once its agent is deleted or has a URL, or its token is revoked or has expired", async () => {
    const [deleted, moved, kept] = [await makeAgent(), await makeAgent(), await makeAgent()];
    const role = { role: "agent", agent_id: kept } as const;
    const made = await call("POST", "/v1/tokens", { json: { ...role, expires_in: "1h" } });
    const short = await mintToken(role, TOKEN_SECRET, Date.now(), Date.now() + 1_500);
    const wait = { wait: "20s" };
    const waiting = [
      claim(deleted, wait),
      claim(moved, wait),
      claim(kept, wait, { token: String(made.body.token) }),
      claim(kept, wait, { token: short }),
    ];
    await new Promise((resolve) => setTimeout(resolve, 200));
    await call("DELETE", `/v1/agents/${deleted}`);
    await call("PUT", `/v1/agents/${moved}`, { json: { url: "https://agent.test/hook" } });
    await call("DELETE", `/v1/tokens/${made.body.id}`);
    expect((await Promise.all(waiting)).map(({ status, body }) => [status, body.code])).toEqual([
      [404, "not_found"],
      [409, "agent_has_url"],
      [401, "unauthorized"],
      [401, "unauthorized"],
    ]);
  });

  it("is refused during the wait if its token is revoked while its mailbox restarts", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const made = await call("POST", "/v1/tokens", { json: { role: "agent", agent_id: agent, expires_in: "1h" } });
    const waiting = claim(agent, { wait: "5s" }, { token: String(made.body.token) });
    const mailbox = env.MAILBOX.getByName(agent);
    await vi.waitFor(() => runInDurableObject(mailbox, (_, ctx) => expect(ctx.getWebSockets()).toHaveLength(1)));
    await runInDurableObject(mailbox, (_instance, ctx) => ctx.abort("restarted")).catch(() => undefined);
    const run = call("POST", `/v1/jobs/${job}/run`);
    await call("DELETE", `/v1/tokens/${made.body.id}`);
    expectProblem(await waiting, 401, "unauthorized");
    expect(runIds(await claim(agent, { wait: "5s" }))).toEqual([(await run).body.run_id]);
  });

  it("gives each run to one of 20 waiting calls", async () => {
    const agent = await makeAgent();
    const jobs = await Promise.all(Array.from({ length: 10 }, () => makeJobOf(agent)));
    const waiting = Array.from({ length: 20 }, () => claim(agent, { wait: "3s" }));
    await new Promise((resolve) => setTimeout(resolve, 100));
    const runs = await Promise.all(jobs.map(offer));
    const claimed = (await Promise.all(waiting)).flatMap(runIds);
    expect(claimed.toSorted()).toEqual(runs.toSorted());
  });

  it.each([
    { wait: "51s" },
    { wait: "-1s" },
    { wait: "soon" },
    { limit: 0 },
    { limit: 11 },
    { lease: "9s" },
    { lease: "61m" },
    { more: 1 },
  ])("is told the mistake in %j", async (json) => {
    expectProblem(await claim(await makeAgent(), json), 422, "validation_failed");
  });
});

describe("tokens", () => {
  it("may claim runs only if they are the operator's, or of an agent with this id or none", async () => {
    const agent = await makeAgent();
    for (const token of [await agentToken({ agent_id: agent }), await agentToken({}), undefined]) {
      expect((await claim(agent, {}, token === undefined ? {} : { token })).status).toBe(200);
    }
    const others = [
      await agentToken({ agent_id: "another" }),
      await tokenFor({ role: "viewer" }),
      await tokenFor({ role: "user", user_id: "u" }),
      await tokenFor({ role: "agent", agent_id: agent, access: "read" }),
      await tokenFor({ role: "run", job_id: "j", run_id: "r" }),
    ];
    for (const token of others) expectProblem(await claim(agent, {}, { token }), 403, "forbidden");
    expectProblem(await claim(fresh("none")), 404, "not_found");
  });

  it("get only the runs of jobs that they may see", async () => {
    const agent = await makeAgent();
    const mine = await makeJobOf(agent, { user_id: "u1" });
    const foreign = await makeJobOf(agent, { user_id: "u2" });
    const foreignRun = await offer(foreign);
    const run = await offer(mine);
    const token = await agentToken({ agent_id: agent, user_id: "u1" });
    expect(runIds(await claim(agent, { limit: 10 }, { token }))).toEqual([run]);
    expect(runIds(await claim(agent, { limit: 10 }))).toEqual([foreignRun]);
  });
});

describe("a run in a mailbox", () => {
  it("stays offered after its job and its mailbox have lost their memory, and while its job is paused", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const run = await offer(job);
    await call("POST", `/v1/jobs/${job}/pause`);
    await evictDurableObject(env.JOB.getByName(job));
    await evictDurableObject(env.MAILBOX.getByName(agent));
    expect(runIds(await claim(agent))).toEqual([run]);
  });

  it("ends as an error if nobody claims it within claim_timeout, and is not handed out afterwards", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent, { claim_timeout: "2s" });
    const run = await offer(job);
    await ringJob(job);
    expect(await runOf(job, run)).toMatchObject({ status: "error", error: "not claimed within 2s", attempt: 1 });
    expect(runIds(await claim(agent))).toEqual([]);
  });

  it("is delivered again when its agent gets an address, and ends as an error when its agent is deleted", async () => {
    const [moved, gone] = [await makeAgent(), await makeAgent()];
    const jobs = [await makeJobOf(moved), await makeJobOf(gone)] as const;
    const runs = [await offer(jobs[0]), await offer(jobs[1])] as const;
    await call("PUT", `/v1/agents/${moved}`, { json: { url: "https://agent.test/hook" } });
    await call("DELETE", `/v1/agents/${gone}`);
    await vi.waitFor(async () => {
      expect(await runOf(jobs[0], runs[0])).toMatchObject({ status: "success", attempt: 1, http_status: 200 });
      expect(await runOf(jobs[1], runs[1])).toMatchObject({
        status: "error",
        attempt: 1,
        error: expect.stringContaining("is not registered"),
      });
    });
  });

  it("moves to the agent that its job names next, as the same attempt, and leaves the previous agent's mailbox", async () => {
    const [before, after] = [await makeAgent(), await makeAgent()];
    const job = await makeJobOf(before);
    const run = await offer(job);
    expect((await call("PATCH", `/v1/jobs/${job}`, { json: { agent_id: after } })).status).toBe(200);
    await vi.waitFor(async () => {
      expect((await call("GET", `/v1/agents/${before}`)).body).toMatchObject({ waiting: 0 });
      expect((await call("GET", `/v1/agents/${after}`)).body).toMatchObject({ waiting: 1 });
    });
    // A pointer that stayed behind in the previous mailbox gives access to nothing.
    await env.MAILBOX.getByName(before).offer({ jobId: job, runId: run, expiresAt: Date.now() + 600_000 });
    expect(runIds(await claim(before))).toEqual([]);
    expect(itemsOf(await claim(after))).toMatchObject([{ data: { run: { id: run, attempt: 1 } } }]);
    await call("PATCH", `/v1/jobs/${job}`, { json: { agent_id: before } });
    expect(await runOf(job, run)).toMatchObject({ status: "running", claimed_at: expect.any(String) });
  });

  it("is the next user's when its job names another user, and no longer the previous user's", async () => {
    const agent = await makeAgent();
    const [before, after] = [fresh("user"), fresh("user")];
    const [first, second] = await Promise.all(
      [before, after].map((user_id) => agentToken({ agent_id: agent, user_id })),
    );
    const job = await makeJobOf(agent, { user_id: before });
    const run = await offer(job);
    const { offered_at } = await runOf(job, run);
    expect((await call("PATCH", `/v1/jobs/${job}`, { json: { user_id: after } })).status).toBe(200);
    expect(runIds(await claim(agent, {}, { token: first }))).toEqual([]);
    const [item] = itemsOf(await claim(agent, { wait: "5s" }, { token: second }));
    expect(item).toMatchObject({ data: { run: { id: run, attempt: 1 } } });
    expect(String(item?.data.run.offered_at) > String(offered_at)).toBe(true);
  });

  it("is not handed out and waits no more once it is cancelled or its job is deleted", async () => {
    const agent = await makeAgent();
    const [cancelled, deleted] = [await makeJobOf(agent), await makeJobOf(agent)];
    const run = await offer(cancelled);
    await offer(deleted);
    await call("POST", `/v1/jobs/${cancelled}/runs/${run}/cancel`);
    await call("DELETE", `/v1/jobs/${deleted}`);
    await vi.waitFor(async () => expect((await call("GET", `/v1/agents/${agent}`)).body).toMatchObject({ waiting: 0 }));
    expect(runIds(await claim(agent, { limit: 10 }))).toEqual([]);
  });

  it("waits no more if it is cancelled or completed while its offer is on its way", async () => {
    const agent = await makeAgent();
    const [cancelled, completed] = [await makeJobOf(agent), await makeJobOf(agent)];
    const mailbox = env.MAILBOX.getByName(agent);
    const { promise: held, resolve: letGo } = Promise.withResolvers<void>();
    const holding = runInDurableObject(mailbox, (_instance, ctx) => ctx.blockConcurrencyWhile(() => held));
    const runs: string[] = [];
    for (const job of [cancelled, completed])
      runs.push(String((await call("POST", `/v1/jobs/${job}/run`)).body.run_id));
    for (const [n, job] of [cancelled, completed].entries()) {
      await vi.waitFor(async () =>
        expect(await runOf(job, runs[n] ?? "")).toMatchObject({ attempts: [{ attempt: 1 }] }),
      );
    }
    expect((await call("POST", `/v1/jobs/${cancelled}/runs/${runs[0]}/cancel`)).status).toBe(200);
    const done = await call("POST", `/v1/jobs/${completed}/runs/${runs[1]}/complete`, { json: { status: "success" } });
    expect(done.status).toBe(200);
    letGo();
    await holding;
    await vi.waitFor(async () => expect(await mailbox.status()).toEqual({ connected: 0, waiting: 0 }));
    expect(runIds(await claim(agent, { limit: 10 }))).toEqual([]);
  });

  it("is offered again after the backoff when its lease runs out, until its attempts are used up and it is an error", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent, { retry: { max_attempts: 2, min_backoff: "1s", max_backoff: "1s" } });
    const run = await offer(job);
    const first = itemsOf(await claim(agent))[0]?.data.run;
    expect(first).toMatchObject({ id: run, attempt: 1 });
    await ringJob(job);
    expect(await runOf(job, run)).toMatchObject({ status: "running", attempt: 2 });
    expect(runIds(await claim(agent))).toEqual([]);
    await ringJob(job);
    const second = itemsOf(await claim(agent))[0]?.data.run;
    expect(second).toMatchObject({ id: run, attempt: 2 });
    await ringJob(job);
    expect(await runOf(job, run)).toMatchObject({ status: "error", error: expect.stringMatching(/^interrupted: /) });
  });

  it("keeps its lease while progress comes", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const run = await offer(job);
    const before = itemsOf(await claim(agent, { lease: "10s" }))[0]?.data.run;
    await new Promise((resolve) => setTimeout(resolve, 20));
    const after = await call("POST", `/v1/jobs/${job}/runs/${run}/progress`, { json: { percent: 1 } });
    expect(Date.parse(String(after.body.lease_expires_at))).toBeGreaterThan(
      Date.parse(String(before?.lease_expires_at)),
    );
  });

  it("can be given back over HTTP while it is claimed, and is offered again at once as the same attempt", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    const run = await offer(job);
    const release = () => call("POST", `/v1/jobs/${job}/runs/${run}/release`);
    expectProblem(await release(), 422, "validation_failed");
    await claim(agent);
    expect(await release()).toMatchObject({ status: 200, body: { status: "running" } });
    await vi.waitFor(async () => expect(runIds(await claim(agent))).toEqual([run]));
    expect(await runOf(job, run)).toMatchObject({ attempt: 1 });
    await call("POST", `/v1/jobs/${job}/runs/${run}/complete`, { json: { status: "success" } });
    expectProblem(await release(), 409, "run_already_finished");
  });

  it("is explained with the time since which it waits, and with whether an agent is connected", async () => {
    const agent = await makeAgent();
    const job = await makeJobOf(agent);
    await offer(job);
    const { body } = await call("GET", `/v1/jobs/${job}/explain`);
    expect(body.explanation).toMatch(/waiting to be claimed since .*; nobody is connected/);
  });
});

describe("the users of a fan-out", () => {
  it("are offered too, each as a run of its own, and the fan-out ends when all are completed", async () => {
    const agent = await makeAgent();
    const users = Array.from({ length: 12 }, () => fresh("user"));
    await call("POST", "/v1/users/import", { json: { users } });
    const job = await makeJobOf(agent, { exec_scope: "all_users", fan_out: { concurrency: 12 } });
    const fanOut = (await call("POST", `/v1/jobs/${job}/run`)).body.fan_out_id;
    const seen = new Set<unknown>();
    const token = await agentToken({ agent_id: agent });
    await vi.waitFor(
      async () => {
        for (const { data } of itemsOf(await claim(agent, { limit: 10 }, { token }))) {
          const { id, user_id, session_id } = data.run;
          expect(session_id).toBe(`${agent}:scheduler:${job}:u${user_id}`);
          expect(seen.has(id)).toBe(false);
          seen.add(id);
          const done = { token: data.complete.token, json: { status: "success", output: `for ${user_id}` } };
          expect((await call("POST", `/v1/jobs/${job}/runs/${id}/complete`, done)).status).toBe(200);
        }
        const { body } = await call("GET", `/v1/jobs/${job}/fan-outs/${fanOut}`);
        expect(body).toMatchObject({ status: "success", failed: 0 });
        expect(body.total).toBe(body.succeeded);
      },
      { timeout: 25_000, interval: 100 },
    );
    expect(seen.size).toBeGreaterThanOrEqual(users.length);
    await call("POST", "/v1/users/import", { json: { users: [] } });
  });

  it("are tried again when their lease runs out, and are not handed out when cancelled", async () => {
    const agent = await makeAgent();
    const user = fresh("user");
    await call("PUT", `/v1/users/${user}`, { json: {} });
    // The users of the previous test are called too. All are claimed at once, so that this one is among them.
    const job = await makeJobOf(agent, { exec_scope: "all_users", fan_out: { concurrency: 50 } });
    await call("POST", `/v1/jobs/${job}/run`);
    await vi.waitFor(async () => {
      const { body } = await call("GET", `/v1/jobs/${job}/runs?user_id=${user}`);
      expect(body.items).toMatchObject([{ status: "running", offered_at: expect.any(String) }]);
    });
    const [run] = (await call("GET", `/v1/jobs/${job}/runs?user_id=${user}`)).body.items as { id: string }[];
    await call("POST", `/v1/jobs/${job}/runs/${run?.id}/cancel`);
    const claimed = await claim(agent, { limit: 10 });
    expect(runIds(claimed)).not.toContain(run?.id);
  });
});
