/**
 * Agents that were not made for Reveille, registered as in docs/other-agents.md. The stand-in checks the requirements of each one's own
 * documentation: path, headers and body.
 */

import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { join, resolve } from "node:path";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { verify } from "../../../src/outbound/signature.ts";
import { atEnd, eventually, type Reveille, startReveille, temporaryFolder } from "../harness/index.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const PAGE = readFileSync(join(ROOT, "docs/other-agents.md"), "utf8");

const Template = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()).optional(),
  body: z.record(z.string(), z.unknown()),
});

/** The registration that the page shows under this name. */
function templateOf(name: string) {
  const [, code = ""] = new RegExp(`^\`\`\`json ${name}\n([\\s\\S]*?)^\`\`\`$`, "m").exec(PAGE) ?? [];
  return Template.parse(JSON.parse(code));
}

type Seen = {
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};
type Answer = { readonly status: number; readonly body: unknown };
const seen: Seen[] = [];
const hermesSecret = `whsec_${Buffer.from("the secret of the route of Hermes").toString("base64")}`;
let base = "";
let reveille: Reveille;

/** The rules of docs.openclaw.ai: the bearer token, no token in the query, `message` a text, the session's key a text. */
function openclaw({ path, headers, body }: Seen): Answer {
  if (path.includes("token=")) return { status: 400, body: { error: "token in the query" } };
  if (headers.get("authorization") !== "Bearer HOOK_TOKEN") return { status: 401, body: { error: "unauthorized" } };
  const known = [
    "message",
    "name",
    "agentId",
    "sessionKey",
    "wakeMode",
    "deliver",
    "channel",
    "to",
    "model",
    "thinking",
  ];
  const wrong = Object.keys(body).filter((field) => ![...known, "timeoutSeconds"].includes(field));
  if (typeof body.message !== "string" || body.message === "" || wrong.length > 0) {
    return { status: 400, body: { error: `message is required; unknown: ${wrong.join()}` } };
  }
  return { status: 200, body: { ok: true, runId: "run-1" } };
}

/** The rules of platform.claude.com: POST, the routine's token, the beta header, `text` a text. */
function claudeRoutine({ headers, body }: Seen): Answer {
  if (headers.get("anthropic-beta") !== "experimental-cc-routine-2026-04-01") {
    return { status: 400, body: { type: "error", error: { type: "invalid_request_error" } } };
  }
  if (headers.get("authorization") !== "Bearer ROUTINE_TOKEN") return { status: 401, body: { type: "error" } };
  if (Object.keys(body).join() !== "text" || typeof body.text !== "string")
    return { status: 400, body: { type: "error" } };
  return { status: 200, body: { type: "routine_fire", claude_code_session_url: "https://claude.ai/code/s1" } };
}

/** The rules of hermes-agent's page: Standard Webhooks over the raw body, and repeats recognised by `webhook-id`. */
const hermesKnown = new Set<string>();
async function hermes({ headers, text }: Seen): Promise<Answer> {
  const verified = await verify({ secret: hermesSecret, headers, body: text, nowSeconds: Date.now() / 1_000 });
  if (!verified.ok) return { status: 401, body: { error: verified.error } };
  if (hermesKnown.has(verified.value.id)) return { status: 200, body: { status: "duplicate" } };
  hermesKnown.add(verified.value.id);
  return { status: 202, body: { status: "accepted" } };
}

async function answerTo(request: Seen): Promise<Answer> {
  if (request.path.startsWith("/hooks/agent")) return openclaw(request);
  if (/^\/v1\/claude_code\/routines\/[^/]+\/fire$/.test(request.path)) return claudeRoutine(request);
  if (request.path === "/webhooks/reveille") return hermes(request);
  if (request.path === "/echo") {
    return { status: 400, body: { error: `no such token: ${request.headers.get("authorization")}` } };
  }
  return { status: 404, body: { error: "unknown path" } };
}

async function read(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

beforeAll(async () => {
  const server = createServer(async (request, response) => {
    const text = await read(request);
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === "string") headers.set(name, value);
    const one: Seen = {
      path: request.url ?? "",
      headers,
      text,
      body: z.record(z.string(), z.unknown()).parse(JSON.parse(text)),
    };
    seen.push(one);
    const { status, body } = await answerTo(one);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  atEnd(async () => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has a port");
  base = `http://127.0.0.1:${address.port}`;
  reveille = await startReveille({ dataDir: await temporaryFolder() });
});
beforeEach(() => void seen.splice(0));

/** Registers the page's agent, with the stand-in's host. */
async function register(id: string, more: Record<string, unknown> = {}): Promise<void> {
  const template = templateOf(id);
  const { pathname } = new URL(template.url);
  const put = await reveille.api(`/v1/agents/${id}`, {
    method: "PUT",
    json: { ...template, url: base + pathname, ...more },
  });
  expect(put.status).toBe(201);
}

async function runOnce(
  agent: string,
  payload: Record<string, unknown> = {},
): Promise<{ status: string; error?: string }> {
  const made = await reveille.api("/v1/jobs", {
    json: {
      name: `a "quoted" job`,
      message: 'Say "hello"\n{{run_id}}',
      payload,
      agent_id: agent,
      schedule: { every: "1d" },
    },
  });
  const { id }: { id: string } = await made.json();
  await reveille.api(`/v1/jobs/${id}/run`, { method: "POST" });
  return eventually("the run's answer", async () => {
    const answer = await reveille.api(`/v1/jobs/${id}/runs`);
    const { items }: { items: { status: string; error?: string; http_status?: number }[] } = await answer.json();
    const [run] = items;
    return run !== undefined && (run.status !== "running" || run.http_status === 202) ? run : undefined;
  });
}

describe("the templates of docs/other-agents.md", () => {
  it("call OpenClaw's hook by the rules of its page, in the session of the job", async () => {
    await register("openclaw");
    expect(await runOnce("openclaw")).toMatchObject({ status: "success" });
    const [{ body } = { body: {} }] = seen;
    expect(body).toMatchObject({
      message: 'Say "hello"\n{{run_id}}',
      name: 'a "quoted" job',
      sessionKey: expect.stringMatching(/^hook:openclaw:scheduler:j/),
    });
  });

  it("fire a Claude Code routine by the rules of its page", async () => {
    await register("claude-routine");
    expect(await runOnce("claude-routine")).toMatchObject({ status: "success" });
    expect(seen[0]?.body).toEqual({ text: 'Say "hello"\n{{run_id}}' });
  });

  it("post to a Hermes webhook, which verifies the signature, with the payload as JSON", async () => {
    await register("hermes", { secret: hermesSecret });
    expect(await runOnce("hermes", { n: [1, { deep: true }] })).toMatchObject({ status: "running" });
    expect(seen[0]?.body).toMatchObject({ event_type: "job.run", payload: { n: [1, { deep: true }] } });
  });

  it("each answer a test call with ok", async () => {
    for (const id of ["openclaw", "claude-routine", "hermes"]) {
      const tested = await reveille.api(`/v1/agents/${id}/test`, { method: "POST" });
      expect([tested.status, await tested.json()]).toEqual([
        200,
        { ok: true, status: expect.any(Number), took: expect.stringMatching(/^\d/) },
      ]);
    }
  });
});

it("a test call reports the fault, and the reason hides a header's secret that the agent has echoed", async () => {
  const put = (id: string, json: unknown) => reveille.api(`/v1/agents/${id}`, { method: "PUT", json });
  await put("echo", { url: `${base}/echo`, headers: { authorization: "Bearer very-secret-token" } });
  const tested = await reveille.api("/v1/agents/echo/test", { method: "POST" });
  const text = await tested.text();
  expect(JSON.parse(text)).toMatchObject({ ok: false, status: 400, error: expect.stringContaining("no such token") });
  expect(text).not.toContain("very-secret-token");
  expect(await runOnce("echo")).toMatchObject({ status: "error", error: expect.not.stringContaining("very-secret") });
  await put("nobody", { url: "http://127.0.0.1:9/" });
  const refused = await reveille.api("/v1/agents/nobody/test", { method: "POST" });
  expect(await refused.json()).toMatchObject({ ok: false, error: expect.stringContaining("could not connect") });
  expect((await reveille.api("/v1/agents/unknown/test", { method: "POST" })).status).toBe(404);
});
