/** The bundled example agent, called as Reveille calls it (docs/contract.md §4, §8). */
import { randomBytes } from "node:crypto";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type ExampleAgent, startExampleAgent } from "../../../local/example-agent.ts";
import { signedHeaders } from "../../../src/outbound/signature.ts";
import { atEnd } from "../harness/index.ts";

const secret = `whsec_${randomBytes(32).toString("base64")}`;
const printed: string[] = [];
let agent: ExampleAgent;

beforeAll(async () => {
  agent = await startExampleAgent(secret, (line) => printed.push(line));
  atEnd(agent.stop);
});
beforeEach(() => void printed.splice(0));

async function call(body: string, key = secret): Promise<{ status: number; answer: unknown }> {
  const headers = await signedHeaders({
    secret: key,
    id: "run_1",
    timestampSeconds: Math.floor(Date.now() / 1_000),
    body,
  });
  if (!headers.ok) throw new Error(headers.error);
  const response = await fetch(agent.url, { method: "POST", headers: headers.value, body });
  return { status: response.status, answer: await response.json() };
}

const chat = (session_id: string) =>
  JSON.stringify({ type: "chat", data: { session_id, message: "Anything?", model: "m" } });

describe("the example agent", () => {
  it("answers a job's run and prints its session and message on one line", async () => {
    const data = { run: { id: "run_1", session_id: "scheduler:j1:u7" }, job: {}, message: "line one\nline two" };
    expect(await call(JSON.stringify({ type: "job.run", timestamp: "2026-11-23T09:00:00.000Z", data }))).toEqual({
      status: 200,
      answer: { text: "The example agent was asked: line one\nline two" },
    });
    expect(printed).toEqual(["agent: asked in session scheduler:j1:u7: line one line two"]);
  });

  it("prints no control characters of a message, which could control the operator's terminal", async () => {
    const data = { run: { session_id: "s\u001b[2J" }, message: "\u001b]0;title\u0007\u001b[2Jhello\u009b31m" };
    await call(JSON.stringify({ type: "job.run", data }));
    expect(printed).toEqual(["agent: asked in session s [2J: ]0;title [2Jhello 31m"]);
  });

  it("runs a job without a message, like some plugin jobs", async () => {
    const data = { run: { session_id: "scheduler:j2" }, job: {} };
    expect(await call(JSON.stringify({ type: "job.run", data }))).toMatchObject({ status: 200 });
    expect(printed).toEqual(["agent: asked in session scheduler:j2: (no message)"]);
  });

  it("cuts a long message in its output line, but not in its answer", async () => {
    const message = "m".repeat(5_000);
    const { answer } = await call(JSON.stringify({ type: "job.run", data: { run: { session_id: "s" }, message } }));
    expect(answer).toEqual({ text: `The example agent was asked: ${message}` });
    expect(printed[0]?.length).toBeLessThan(300);
  });

  it.each(["heartbeat:decision", "heartbeat:news:decision"])("decides to skip in session %s", async (session) => {
    const reason = "The example agent has nothing to do.";
    expect(await call(chat(session))).toEqual({
      status: 200,
      answer: { text: JSON.stringify({ action: "skip", reason }) },
    });
  });

  it("answers a chat in any other session with text", async () => {
    expect(await call(chat("heartbeat:main"))).toEqual({
      status: 200,
      answer: { text: "The example agent was asked: Anything?" },
    });
  });

  it("accepts a notification and prints it", async () => {
    const data = { text: "*Heartbeat*\n\nAll is well", source: "main" };
    expect(await call(JSON.stringify({ type: "notification", data }))).toMatchObject({ status: 200 });
    expect(printed).toEqual(["agent: notified: *Heartbeat* All is well"]);
  });

  it.each([
    ["signed with another secret", 401, chat("s"), `whsec_${randomBytes(32).toString("base64")}`],
    ["that is not JSON", 400, "{", secret],
    ["of a type it does not know", 400, '{"type":"job.stop","data":{}}', secret],
  ])("refuses a call %s with %i, and says so", async (_what, status, body, key) => {
    expect(await call(body, key)).toEqual({ status, answer: { error: expect.any(String) } });
    expect(printed).toEqual([expect.stringMatching(/^agent: refused a call: /)]);
  });

  it("refuses a call that is not signed", async () => {
    expect((await fetch(agent.url, { method: "POST", body: chat("s") })).status).toBe(401);
    expect((await fetch(agent.url)).status).toBe(401);
  });
});
