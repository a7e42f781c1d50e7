import { describe, expect, it } from "vitest";
import * as z from "zod";
import { createAgent } from "../../../src/agent-kit/agent-kit.ts";
import type { AgentOptions } from "../../../src/agent-kit/create-agent.ts";
import { sign } from "../../../src/outbound/signature.ts";

const OLD = "whsec_b2xkIHNlY3JldCBvZiB0aGUgYWdlbnQ=";
const NEW = "whsec_bmV3IHNlY3JldCBvZiB0aGUgYWdlbnQ=";
const COMPLETE = "https://reveille.test/v1/jobs/j/runs/r/complete";

type CallOptions = { readonly id?: string; readonly secret?: string; readonly data?: object; readonly job?: object };

const bodyOf = ({ id = "r1", data = {}, job = {} }: CallOptions): string =>
  JSON.stringify({
    type: "job.run",
    timestamp: "2026-11-28T12:00:00.000Z",
    data: {
      run: {
        id,
        job_id: "j",
        session_id: "scheduler:j",
        trigger: "schedule",
        scheduled_at: "",
        started_at: "",
        attempt: 1,
      },
      job: { id: "j", name: "hello", timeout: "5m", completion_timeout: "1h", ...job },
      message: "Say hello.",
      payload: { n: 1 },
      complete: { url: COMPLETE, token: "run-token" },
      ...data,
    },
  });

async function signed(
  body: string,
  id = "r1",
  secret = NEW,
  atSeconds = Math.floor(Date.now() / 1_000),
): Promise<Request> {
  const signature = await sign({ secret, id, timestampSeconds: atSeconds, body });
  if (!signature.ok) throw new Error(signature.error);
  const headers = { "webhook-id": id, "webhook-timestamp": String(atSeconds), "webhook-signature": signature.value };
  return new Request("https://agent.test/hook", { method: "POST", headers, body });
}

const call = async (options: CallOptions = {}): Promise<Request> => signed(bodyOf(options), options.id, options.secret);

type Report = { readonly url: string; readonly token: string | null; readonly body: unknown };

/** An agent, with what it reported; each report is answered with the next status, the last one from then on. */
function agentOf(options: Partial<AgentOptions>, statuses: readonly number[] = [200]) {
  const reports: Report[] = [];
  const agent = createAgent({
    secret: NEW,
    onRun: () => "done",
    ...options,
    fetch: async (url, init) => {
      const token = new Headers(init.headers).get("authorization");
      reports.push({ url, token, body: JSON.parse(z.string().parse(init.body)) });
      return new Response(null, { status: statuses[Math.min(reports.length, statuses.length) - 1] ?? 200 });
    },
  });
  return { agent, reports };
}

describe("an agent's signature", () => {
  it.each([
    ["the new secret", NEW],
    ["the old one", OLD],
  ])("is made with %s while there are two", async (_, secret) => {
    const { agent } = agentOf({ secret: [NEW, OLD] });
    expect((await agent(await call({ secret }))).status).toBe(200);
  });

  it.each([
    ["another secret", async () => call({ secret: OLD })],
    ["no signature", async () => new Request("https://agent.test/", { method: "POST", body: bodyOf({}) })],
    [
      "a body that was changed",
      async () => {
        const request = await call();
        return new Request(request, { body: (await request.clone().text()).replace("hello", "hallo") });
      },
    ],
    ["an old timestamp", async () => signed(bodyOf({}), "r1", NEW, Math.floor(Date.now() / 1_000) - 301)],
    [
      "the id of another run",
      async () => {
        const request = await call();
        const headers = new Headers(request.headers);
        headers.set("webhook-id", "r2");
        return new Request(request, { headers });
      },
    ],
  ])("is refused with %s", async (_, request) => {
    const { agent } = agentOf({
      onRun: () => {
        throw new Error("not to be called");
      },
    });
    expect((await agent(await request())).status).toBe(401);
  });

  it.each(["", "secret", "whsec_", "whsec_***"])("refuses an invalid secret: %s", (secret) => {
    expect(() => createAgent({ secret, onRun: () => "" })).toThrow(/whsec_/);
  });

  it("refuses a body that is not a call of a run", async () => {
    const { agent } = agentOf({});
    expect((await agent(new Request("https://agent.test/"))).status).toBe(405);
    expect((await agent(await signed("{"))).status).toBe(400);
    expect((await agent(await signed(JSON.stringify({ type: "chat", data: {} })))).status).toBe(400);
  });
});

describe("an answer in time", () => {
  it.each([
    ["text", "hi", 200, "hi"],
    ["JSON", { text: "hi" }, 200, '{"text":"hi"}'],
    ["a number", 7, 200, "7"],
    ["nothing", undefined, 204, ""],
    ["a response", new Response("enough", { status: 410 }), 410, "enough"],
  ])("is %s as onRun returns it", async (_, value, status, text) => {
    const { agent } = agentOf({ onRun: () => value });
    const answer = await agent(await call());
    expect([answer.status, await answer.text()]).toEqual([status, text]);
  });

  it("is 500 with what onRun throws, so that it is tried again, and the next attempt runs once more", async () => {
    let attempts = 0;
    const { agent } = agentOf({
      onRun: () => {
        attempts++;
        if (attempts === 1) throw new Error("no model");
        return "now";
      },
    });
    const first = await agent(await call());
    expect([first.status, await first.json()]).toEqual([500, { error: "no model" }]);
    expect(await (await agent(await call())).text()).toBe("now");
  });

  it("carries the control of the job at the top of its JSON", async () => {
    const { agent } = agentOf({
      onRun: (run) => {
        run.control({ next_in: "45m" });
        run.control({ unchanged: true });
        return run.id === "r1" ? { text: "hi" } : "hi";
      },
    });
    const reveille = { next_in: "45m", unchanged: true };
    expect(await (await agent(await call())).json()).toEqual({ text: "hi", reveille });
    expect(await (await agent(await call({ id: "r2" }))).json()).toEqual({ output: "hi", reveille });
  });

  it("is made with the run's fields at hand", async () => {
    const { agent } = agentOf({
      onRun: ({ id, session_id, message, payload, job, attempt }) => ({
        id,
        session_id,
        message,
        payload,
        name: job.name,
        attempt,
      }),
    });
    expect(await (await agent(await call())).json()).toEqual({
      id: "r1",
      session_id: "scheduler:j",
      message: "Say hello.",
      payload: { n: 1 },
      name: "hello",
      attempt: 1,
    });
  });
});

describe("a repeat", () => {
  it("gets the first call's answer, and the work is done once", async () => {
    let calls = 0;
    const { agent } = agentOf({ onRun: async () => ({ calls: ++calls }) });
    const answers = await Promise.all([agent(await call()), agent(await call())]);
    const later = await agent(await call());
    expect(await Promise.all([...answers, later].map((answer) => answer.json()))).toEqual([
      { calls: 1 },
      { calls: 1 },
      { calls: 1 },
    ]);
    await agent(await call({ id: "r2" }));
    expect(calls).toBe(2);
  });

  it.each([408, 429, 500, 503])("after an answer of %i, which is retried, does the work again", async (status) => {
    let calls = 0;
    const { agent } = agentOf({ onRun: () => (++calls === 1 ? new Response("busy", { status }) : "done") });
    expect((await agent(await call())).status).toBe(status);
    expect(await (await agent(await call())).text()).toBe("done");
  });

  it("after an answer of 410 gets 410 again", async () => {
    let calls = 0;
    const { agent } = agentOf({ onRun: () => (++calls === 1 ? new Response("enough", { status: 410 }) : "done") });
    expect((await agent(await call())).status).toBe(410);
    expect((await agent(await call())).status).toBe(410);
  });
});

/** Work that ends when it is told to. */
function gate() {
  let open: (value: unknown) => void = () => undefined;
  const passed = new Promise<unknown>((resolve) => {
    open = resolve;
  });
  return { open, passed };
}

describe("work that takes longer than defer", () => {
  it("is answered 202 and completed later with the run's token", async () => {
    const { open, passed } = gate();
    const { agent, reports } = agentOf({ defer: "5ms", onRun: () => passed });
    const kept: Promise<unknown>[] = [];
    const answer = await agent(await call(), {}, { waitUntil: (work: Promise<unknown>) => void kept.push(work) });
    expect(answer.status).toBe(202);
    open({ text: "late" });
    await Promise.all(kept);
    expect(reports).toEqual([
      { url: COMPLETE, token: "Bearer run-token", body: { status: "success", output: { text: "late" } } },
    ]);
  });

  it.each([
    ["an error", new Error("broke"), { status: "error", error: "broke" }],
    ["a refusal", new Response("no such user", { status: 422 }), { status: "error", error: "422: no such user" }],
    [
      "a wish to be left alone",
      new Response("gone", { status: 410 }),
      { status: "error", error: "410: gone", control: { pause: "410: gone" } },
    ],
    [
      "an object with the key reveille, which steers as in an answer",
      { found: 3, reveille: { next_in: "2h" } },
      {
        status: "success",
        output: { found: 3, reveille: { next_in: "2h" } },
        control: { next_in: "2h" },
      },
    ],
    [
      "a response with that key",
      new Response('{"reveille": {"done": true}}'),
      { status: "success", output: '{"reveille": {"done": true}}', control: { done: true } },
    ],
    [
      "a response with that key and an output",
      new Response('{"reveille": {"done": true}, "output": "all quiet"}'),
      { status: "success", output: "all quiet", control: { done: true } },
    ],
    [
      "an object with that key and an output",
      { reveille: { done: true }, output: "all quiet" },
      { status: "success", output: "all quiet", control: { done: true } },
    ],
  ])("is completed as %s", async (_, value, body) => {
    const { open, passed } = gate();
    const { agent, reports } = agentOf({
      defer: "5ms",
      onRun: async () => {
        const result = await passed;
        if (result instanceof Error) throw result;
        return result;
      },
    });
    const kept: Promise<unknown>[] = [];
    await agent(await call(), {}, { waitUntil: (work: Promise<unknown>) => void kept.push(work) });
    open(value);
    await Promise.all(kept);
    expect(reports.map((report) => report.body)).toEqual([body]);
  });

  it("is reported until the report arrives or the run has ended", async () => {
    const { open, passed } = gate();
    const { agent, reports } = agentOf({ defer: "1ms", onRun: () => passed }, [503, 409]);
    const kept: Promise<unknown>[] = [];
    await agent(await call(), {}, { waitUntil: (work: Promise<unknown>) => void kept.push(work) });
    open("late");
    await Promise.all(kept);
    expect(reports).toHaveLength(2);
  });
});

describe("progress", () => {
  it("is reported when the run reports it, together with the earlier parts", async () => {
    const { agent, reports } = agentOf({
      onRun: async (run) => {
        await run.progress({ percent: 40 });
        await run.progress({ message: "reading" });
        return run.signal.aborted;
      },
    });
    expect(await (await agent(await call())).text()).toBe("false");
    expect(reports.map(({ url, body }) => [url, body])).toEqual([
      [COMPLETE.replace("complete", "progress"), { percent: 40 }],
      [COMPLETE.replace("complete", "progress"), { percent: 40, message: "reading" }],
    ]);
  });

  it("aborts the run's signal when it is answered 409, and nothing is completed then", async () => {
    const { agent, reports } = agentOf(
      {
        defer: "1ms",
        onRun: async (run) => {
          await new Promise((resolve) => setTimeout(resolve, 20));
          await run.progress({ percent: 1 });
          return run.signal.aborted;
        },
      },
      [409],
    );
    const kept: Promise<unknown>[] = [];
    await agent(await call(), {}, { waitUntil: (work: Promise<unknown>) => void kept.push(work) });
    await Promise.all(kept);
    expect(reports).toHaveLength(1);
  });

  it("never rejects, even if the network fails", async () => {
    const agent = createAgent({
      secret: NEW,
      onRun: async (run) => {
        await run.progress({ percent: 1 });
        return "went on";
      },
      fetch: async () => {
        throw new TypeError("no network");
      },
    });
    expect(await (await agent(await call())).text()).toBe("went on");
  });
});

it("aborts the signal at the deadline", async () => {
  const { agent } = agentOf({
    onRun: (run) =>
      new Promise((resolve) => run.signal.addEventListener("abort", () => resolve(String(run.signal.reason?.name)))),
    defer: "1h",
  });
  // It is answered before the attempt's own limit, for any `defer`.
  const answer = await agent(await call({ job: { timeout: "40ms", completion_timeout: "30ms" } }));
  expect(answer.status).toBe(202);
});
