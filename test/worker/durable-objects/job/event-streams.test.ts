/** Event streams are bounded, and end when their readers may no longer listen (docs/contract.md §16, §17). */
import { runInDurableObject } from "cloudflare:test";
import { exports } from "cloudflare:workers";
import { describe, expect, it, vi } from "vitest";
import type { JobObject } from "../../../../durable-objects/job/object.ts";
import { ADMIN } from "../../../../src/domain/job/access.ts";
import { env } from "../../bindings.ts";
import { ADMIN_TOKEN, agentToken, call, expectProblem, fresh, makeJob, ORIGIN } from "../../http-fixture.ts";
import { connected, makeAgent } from "../../mailbox-fixture.ts";

const mint = async (user: string, expires_in = "1h"): Promise<{ id: string; token: string }> => {
  const got = await call("POST", "/v1/tokens", { json: { role: "user", user_id: user, expires_in } });
  return got.body as { id: string; token: string };
};

const open = (id: string, token = ADMIN_TOKEN): Promise<Response> =>
  exports.default.fetch(
    new Request(`${ORIGIN}/v1/jobs/${id}/events`, { headers: { authorization: `Bearer ${token}` } }),
  );

/** The events that a stream has sent, and whether it has ended. */
function listen(response: Response) {
  const heard = { text: "", ended: false };
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  void (async () => {
    for (;;) {
      const part = await reader?.read().catch(() => undefined);
      if (part === undefined || part.done) break;
      heard.text += decoder.decode(part.value);
    }
    heard.ended = true;
  })();
  return { heard, stop: () => reader?.cancel() };
}

const eventually = (probe: () => void): Promise<void> => vi.waitFor(probe, { timeout: 9_000, interval: 50 });

describe("an event stream", () => {
  it("ends with its token, and sends no later event", async () => {
    const user = fresh("user");
    const id = await makeJob({ user_id: user });
    const { token } = await mint(user, "2s");
    const { heard } = listen(await open(id, token));
    await eventually(() => expect(heard.text).toContain("event: job"));
    await eventually(() => expect(heard.ended).toBe(true));
    await call("PATCH", `/v1/jobs/${id}`, { json: { description: "written after expiry" } });
    expect(heard.text).not.toContain("written after expiry");
  });

  it("ends when its token is revoked, within ten seconds", async () => {
    const user = fresh("user");
    const id = await makeJob({ user_id: user });
    const { id: tokenId, token } = await mint(user);
    const { heard } = listen(await open(id, token));
    await eventually(() => expect(heard.text).toContain("event: job"));
    await call("DELETE", `/v1/tokens/${tokenId}`);
    await eventually(() => expect(heard.ended).toBe(true));
  });

  it("hides a user's run of a job for all users from an agent, and so do events and explanations", async () => {
    const [agent, user] = [fresh("agent"), fresh("user")];
    await call("PUT", `/v1/users/${user}`, { json: {} });
    const answer = JSON.stringify({ body: "the user's secret" });
    const fields = { exec_scope: "all_users", agent_id: agent, report: "all", message: answer };
    await call("PUT", `/v1/agents/${agent}`, { json: { url: "https://agent.test/hook" } });
    const id = await makeJob({ ...fields, schedule: { manual: true } });
    const token = await agentToken({ agent_id: agent });
    const [theirs, operators] = [listen(await open(id, token)), listen(await open(id))];
    const { body } = await call("POST", `/v1/jobs/${id}/run`);
    const runOf = async () => {
      const got = await call("GET", `/v1/jobs/${id}/runs?fan_out_id=${body.fan_out_id}&user_id=${user}`);
      return (got.body.items as { id: string; status: string }[]).find(({ status }) => status === "success");
    };
    const fanOut = async () => (await call("GET", `/v1/jobs/${id}/fan-outs/${body.fan_out_id}`)).body.status;
    await vi.waitFor(async () => expect(await fanOut()).toBe("success"), { timeout: 20_000, interval: 200 });
    const again = await call("POST", `/v1/jobs/${id}/runs/${(await runOf())?.id}/retry`);
    const runId = String(again.body.run_id);
    await eventually(() => expect(operators.heard.text).toContain("the user's secret"));
    const asOperator = (path: string) => call("GET", path).then(({ text }) => text);
    await vi.waitFor(async () => expect(await asOperator(`/v1/events?job_id=${id}`)).toContain(runId), 9_000);
    for (const path of [`/v1/events?job_id=${id}`, `/v1/runs`, `/v1/jobs/${id}/explain`]) {
      const got = await call("GET", path, { token });
      expect(got.status).toBe(200);
      expect(got.text, path).not.toContain(runId);
    }
    expectProblem(await call("GET", `/v1/jobs/${id}/runs/${runId}`, { token }), 403, "forbidden");
    expect(theirs.heard.text).toContain("event: job");
    expect(theirs.heard.text).not.toContain(runId);
    for (const { stop } of [theirs, operators]) await stop();
    await call("DELETE", `/v1/users/${user}`);
    await call("DELETE", `/v1/jobs/${id}`);
  });

  it("ends when the job moves to another owner, without showing its new content", async () => {
    const [user, other] = [fresh("user"), fresh("user")];
    const id = await makeJob({ user_id: user });
    const { token } = await mint(user);
    const { heard } = listen(await open(id, token));
    await eventually(() => expect(heard.text).toContain("event: job"));
    await call("PATCH", `/v1/jobs/${id}`, { json: { user_id: other, message: "a secret of the other" } });
    await eventually(() => expect(heard.ended).toBe(true));
    expect(heard.text).not.toContain("a secret of the other");
    expect(heard.text).not.toContain(other);
  });

  it("is one of at most ten of a job; an ended one frees its place", async () => {
    const id = await makeJob();
    const streams = await Promise.all(Array.from({ length: 10 }, async () => listen(await open(id))));
    const refused = await call("GET", `/v1/jobs/${id}/events`);
    expectProblem(refused, 429, "rate_limited");
    expect(refused.headers.get("retry-after")).toBe("30");
    const comments = () => streams[0]?.heard.text.split("\n").filter((line) => line.startsWith(":")).length ?? 0;
    const before = comments();
    const crowd = await Promise.all(Array.from({ length: 5 }, () => call("GET", `/v1/jobs/${id}/events`)));
    for (const one of crowd) expectProblem(one, 429, "rate_limited");
    // A crowd causes as many comments as one.
    expect(before).toBeGreaterThan(0);
    expect(comments() - before).toBeLessThan(2 * before + 5);
    await streams[0]?.stop();
    await vi.waitFor(async () => {
      const again = await open(id);
      expect(again.status).toBe(200);
      await again.body?.cancel();
    });
    for (const { stop } of streams) await stop();
  });

  it("is one of at most fifty of a token, over all jobs", async () => {
    const user = fresh("user");
    const { token } = await mint(user);
    const ids = await Promise.all(Array.from({ length: 6 }, () => makeJob({ user_id: user })));
    const opened = await Promise.all(
      ids.slice(0, 5).flatMap((id) => Array.from({ length: 10 }, async () => listen(await open(id, token)))),
    );
    expectProblem(await call("GET", `/v1/jobs/${ids[5]}/events`, { token }), 429, "rate_limited");
    const operator = listen(await open(ids[5] ?? ""));
    await eventually(() => expect(operator.heard.text).toContain("event: job"));
    for (const { stop } of [...opened, operator]) await stop();
  });

  it("counts together with the sockets of its token, which may have fifty of both", async () => {
    const agent = await makeAgent();
    const token = await agentToken({ agent_id: agent });
    const sockets = await Promise.all(Array.from({ length: 10 }, () => connected(agent, token)));
    const ids = await Promise.all(Array.from({ length: 5 }, () => makeJob({ agent_id: agent })));
    const opened = await Promise.all(
      ids.slice(0, 4).flatMap((id) => Array.from({ length: 10 }, async () => listen(await open(id, token)))),
    );
    const refused = await call("GET", `/v1/jobs/${ids[4]}/events`, { token });
    expectProblem(refused, 429, "rate_limited");
    expect(refused.body.detail).toContain("sockets");
    sockets[0]?.close();
    await vi.waitFor(async () => {
      const again = await open(ids[4] ?? "", token);
      await again.body?.cancel();
      expect(again.status).toBe(200);
    });
    for (const { stop } of opened) await stop();
    for (const socket of sockets.slice(1)) socket.close();
  });

  it("is cut off when its reader is a mebibyte behind, without stopping the change", async () => {
    const id = await makeJob();
    await runInDurableObject(env.JOB.getByName(id), async (object: JobObject) => {
      const opened = await object.events(ADMIN);
      if (!opened.ok) throw new Error("no stream");
      const message = "x".repeat(60_000);
      let sent = 0;
      const reader = opened.value.getReader();
      for (; sent < 40; sent++) await object.patch(ADMIN, { message, description: `change ${sent}` });
      let got = 0;
      const read = async () => {
        for (;;) {
          const { done, value } = await reader.read();
          if (done) return;
          got += value.byteLength;
        }
      };
      await expect(read()).rejects.toThrow("too far behind");
      expect(got).toBeLessThanOrEqual(1024 * 1024);
      const seen = await object.read(ADMIN);
      expect(seen).toMatchObject({ ok: true, value: { description: "change 39" } });
    });
  });
});
