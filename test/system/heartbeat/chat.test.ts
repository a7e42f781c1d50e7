/**
 * The calls of a heartbeat over real HTTP, by Node's and by workerd's fetch, the only two that make them. The other side is a
 * Node server that acts as chat endpoint, chat-completions API, Slack, Discord and Telegram, and misbehaves on request.
 */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { verify } from "../../../src/outbound/signature.ts";
import type { Notifier } from "../../../src/schema/heartbeat.ts";
import { closedPort } from "../harness/index.ts";
import { answer, apiKey, behaviours, botToken, emptySeen, type Seen, secret } from "./calls-server.ts";
import { type HeartbeatCall, makeCall } from "./calls-worker.ts";

let seen: Seen[] = [];
let server: Server;
let url = "";
let closedUrl = "";
let workerd: Miniflare;
let workerdUrl: URL;

async function listen(one: Server): Promise<string> {
  await new Promise<void>((resolve) => one.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(one.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const piece of request) chunks.push(piece);
    const text = Buffer.concat(chunks).toString("utf8");
    const headers = new Headers();
    for (const [name, value] of Object.entries(request.headers))
      if (typeof value === "string") headers.set(name, value);
    const one = { path: request.url ?? "", headers, text, body: JSON.parse(text) };
    seen.push(one);
    await (behaviours[one.path] ?? answer(404, "text/plain", "no such path"))(request, response, one);
  });
  url = await listen(server);
  closedUrl = `http://127.0.0.1:${await closedPort()}`;

  const bundle = await build({
    entryPoints: [new URL("calls-worker.ts", import.meta.url).pathname],
    bundle: true,
    format: "esm",
    external: ["cloudflare:*"],
    write: false,
  });
  workerd = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: "ESModule", path: "worker.mjs", contents: bundle.outputFiles[0]?.text ?? "" }],
      modulesRoot: ".",
      compatibilityDate: "2026-10-23",
      cf: false,
    }),
  );
  workerdUrl = await workerd.ready;
});

afterAll(async () => {
  await workerd.dispose();
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

const runtimes = {
  "Node's fetch": makeCall,
  "workerd's fetch": async (call: HeartbeatCall): Promise<unknown> => {
    const response = await fetch(workerdUrl, { method: "POST", body: JSON.stringify(call) });
    return response.json();
  },
};

describe.each(Object.entries(runtimes))("by %s", (_runtime, make) => {
  beforeEach(() => {
    seen = [];
  });

  const question = { id: "main-s1-decision", attempt: 1, sessionId: "heartbeat:decision", message: "Grüße 😀" };
  const ask = (settings: Record<string, string>, more: { model?: string; timeoutMs?: number } = {}) =>
    make({ kind: "chat", settings, request: { ...question, timeoutMs: 5_000, ...more } });
  const askAgent = (path: string, more: { model?: string; timeoutMs?: number } = {}) =>
    ask({ AGENT_URL: "http://127.0.0.1:9/never", CHAT_URL: url + path, CHAT_SECRET: secret }, more);
  const said = (text: string, toolUse = false) => ({ ok: true, value: { text, toolUse } });
  const trouble = (reason: string, passing: boolean) => ({
    ok: false,
    error: expect.objectContaining({ reason: expect.stringContaining(reason), passing }),
  });

  describe("the native protocol", () => {
    it("is one signed POST to CHAT_URL, with session, message and model, and without unset fields", async () => {
      expect(await askAgent("/json", { model: "small" })).toEqual(said("Good morning"));
      const [{ headers, text, body } = emptySeen] = seen;
      expect(body).toEqual({
        type: "chat",
        data: { session_id: "heartbeat:decision", message: "Grüße 😀", model: "small" },
      });
      expect(await verify({ secret, headers, body: text, nowSeconds: Date.now() / 1_000 })).toMatchObject({
        ok: true,
        value: { id: "main-s1-decision" },
      });
      expect(headers.get("reveille-session-id")).toBe("heartbeat:decision");
      expect(headers.get("content-type")).toBe("application/json");
      await askAgent("/json");
      expect(seen[1]?.body).toEqual({ type: "chat", data: { session_id: "heartbeat:decision", message: "Grüße 😀" } });
    });

    it("goes to the agent if CHAT_URL is not set", async () => {
      expect(await ask({ AGENT_URL: `${url}/json`, AGENT_SECRET: secret })).toEqual(said("Good morning"));
    });

    it.each([
      ["JSON", "/json", said("Good morning")],
      ["server-sent events", "/sse", said("Good morning")],
      ["NDJSON", "/ndjson", said("Good morning")],
      ["events cut within a character", "/split-character", said("Grüße 😀")],
      ["a stream with tool use", "/tool", said("x", true)],
    ])("reads %s", async (_how, path, expected) => {
      expect(await askAgent(path)).toEqual(expected);
    });

    it.each([
      ["an error event, at once", "/error-event", trouble("out of credit", false)],
      ["prose", "/prose", trouble("Good morning", false)],
      ["a 202", "/accepted", trouble("202", false)],
      ["a redirect, which is not followed", "/redirect", trouble("redirects are not followed", false)],
      ["a 503", "/busy", trouble("503: come back later", true)],
      ["a 502 with a page", "/page", trouble("the chat endpoint answered 502", true)],
      ["a 400", "/wrong", trouble("no such model", false)],
      ["a stream that breaks off", "/broken", trouble("broke", true)],
      ["a stream without end", "/endless", trouble("more than 4194304 bytes", false)],
    ])("reports %s", async (_what, path, expected) => {
      expect(await askAgent(path)).toEqual(expected);
      expect(seen.map((one) => one.path)).toEqual([path]);
    });

    it.each(["/silent", "/stuck"])("gives up in time: %s", async (path) => {
      expect(await askAgent(path, { timeoutMs: 200 })).toEqual(trouble("timed out after 200ms", true));
    });

    it("treats a failed connection as a passing failure", async () => {
      expect(await ask({ CHAT_URL: closedUrl, AGENT_SECRET: secret })).toEqual(trouble("could not connect", true));
    });

    it("is signed with CHAT_SECRET, or with the agent's secret at the agent's own URL, and is unsigned otherwise", async () => {
      const CHAT_URL = `${url}/json`;
      const other = `whsec_${btoa("the key of somebody else at all")}`;
      const signedWith = async (settings: Record<string, string>): Promise<string[]> => {
        seen.length = 0;
        expect(await ask(settings)).toEqual(said("Good morning"));
        const [{ headers, text } = emptySeen] = seen;
        if (headers.get("webhook-signature") === null) return [];
        const checks = [secret, other].map(async (key) => ({
          key,
          ...(await verify({ secret: key, headers, body: text, nowSeconds: Date.now() / 1_000 })),
        }));
        return (await Promise.all(checks)).filter(({ ok }) => ok).map(({ key }) => key);
      };
      const agent = { AGENT_URL: "http://127.0.0.1:9/never", AGENT_SECRET: secret };
      expect(await signedWith({ ...agent, CHAT_URL, CHAT_SECRET: other })).toEqual([other]);
      expect(await signedWith({ ...agent, CHAT_URL })).toEqual([]);
      expect(await signedWith({ CHAT_URL })).toEqual([]);
      expect(await signedWith({ AGENT_URL: CHAT_URL, AGENT_SECRET: secret, CHAT_URL })).toEqual([secret]);
      const both = { AGENT_URL: CHAT_URL, AGENT_SECRET: other, AGENT_SECRET_PREVIOUS: secret };
      expect(await signedWith(both)).toEqual([secret, other]);
      expect(seen[0]?.headers.get("webhook-signature")?.split(" ")).toHaveLength(2);
    });

    it("makes no call without an agent, or over plain http to other machines", async () => {
      expect(await ask({})).toEqual(trouble("no agent is configured", false));
      expect(await ask({ CHAT_URL: "http://example.com/", AGENT_SECRET: secret })).toEqual(trouble("https://", false));
      expect(await ask({ CHAT_URL: `${url}/json`, AGENT_SECRET: secret, LOCAL: "false" })).toEqual(
        trouble("https://", false),
      );
      expect(seen).toEqual([]);
    });

    it("hides a secret that the other side echoes", async () => {
      expect(JSON.stringify(await askAgent("/wrong"))).not.toContain(secret);
    });
  });

  describe("a chat-completions API", () => {
    const openAi = (path: string, more: { model?: string } = {}) =>
      ask(
        { OPENAI_BASE_URL: `${url}${path}`, OPENAI_API_KEY: apiKey, CHAT_URL: `${url}/json`, AGENT_SECRET: secret },
        more,
      );

    it("is asked instead of the agent, as a stream, and ends at [DONE] even if the connection stays open", async () => {
      expect(await openAi("/openai/v1/", { model: "gpt" })).toEqual({
        ok: true,
        value: { text: "Good morning", toolUse: false, usage: { input: 20, output: 2 } },
      });
      const [{ path, headers, body } = emptySeen] = seen;
      expect(path).toBe("/openai/v1/chat/completions");
      expect(headers.get("authorization")).toBe(`Bearer ${apiKey}`);
      expect(body).toEqual({
        model: "gpt",
        messages: [{ role: "user", content: "Grüße 😀" }],
        stream: true,
        stream_options: { include_usage: true },
      });
    });

    it("may answer without a stream", async () => {
      expect(await openAi("/whole/v1")).toEqual(said("Good morning"));
    });

    it("that refuses stream_options is asked again without", async () => {
      expect(await openAi("/strict/v1")).toEqual(said("Good morning"));
      expect(seen).toHaveLength(2);
    });

    it("that cannot be reached is an error without the key in it", async () => {
      const answered = await openAi("/nowhere");
      expect(answered).toEqual(trouble("the chat-completions API answered 404", false));
      expect(JSON.stringify(answered)).not.toContain(apiKey);
    });
  });

  describe("notifiers", () => {
    const notify = (notifiers: readonly Notifier[], text = "*Heartbeat*\n\nHi") =>
      make({
        kind: "notify",
        notifiers,
        notification: { id: "main-s1-notification", text, source: "heartbeat" },
        agent: { url: `${url}/agent`, secret },
      });
    const slack = (path: string): Notifier => ({ type: "slack", url: `${url}/slack/T0/B0/${path}` });

    it("get the text, each in its service's format", async () => {
      const notified = await notify([
        { type: "webhook", url: `${url}/hook` },
        slack("hush-hush"),
        { type: "discord", url: `${url}/discord/1/hush-hush` },
        { type: "telegram", bot_token: botToken, chat_id: "-100", url },
      ]);
      expect(notified).toEqual(["webhook", "slack", "discord", "telegram"].map((type) => ({ type, ok: true })));
      const bodyOf = (path: string) => seen.find((one) => one.path === path)?.body;
      const text = "*Heartbeat*\n\nHi";
      expect(bodyOf("/hook")).toEqual({ type: "notification", data: { text, source: "heartbeat" } });
      expect(bodyOf("/slack/T0/B0/hush-hush")).toEqual({ text });
      expect(bodyOf("/discord/1/hush-hush")).toEqual({ content: text, allowed_mentions: { parse: [] } });
      expect(bodyOf(`/bot${botToken}/sendMessage`)).toEqual({ chat_id: "-100", text });
    });

    it("that are webhooks get it signed with their own secret, the agent's with its secret, others unsigned", async () => {
      const own = `whsec_${btoa("the key of this webhook alone")}`;
      await notify([{ type: "webhook", url: `${url}/hook`, secret: own }]);
      const signed = ({ headers, text } = emptySeen, key = own) =>
        verify({ secret: key, headers, body: text, nowSeconds: Date.now() / 1_000 });
      expect(await signed(seen[0])).toMatchObject({ ok: true, value: { id: "main-s1-notification" } });
      expect(await signed(seen[0], secret)).toMatchObject({ ok: false });
      await notify([{ type: "webhook", url: `${url}/hook` }]);
      expect(seen[1]?.headers.get("webhook-signature")).toBeNull();
      await make({
        kind: "notify",
        notifiers: [{ type: "webhook", url: `${url}/hook` }],
        notification: { id: "x", text: "Hi", source: "heartbeat" },
        agent: { url: `${url}/hook`, secret },
      });
      expect(await signed(seen[2], secret)).toMatchObject({ ok: true, value: { id: "x" } });
    });

    it("that fail are reported with the reason, and the others are still called", async () => {
      const notified = await notify([
        { type: "webhook", url: `${url}/hook-500` },
        { type: "webhook", url: `${url}/hook-redirect` },
        { type: "webhook", url: closedUrl },
        slack("gone-hush"),
        { type: "telegram", bot_token: botToken, chat_id: "1", url: `${url}/down` },
        { type: "webhook", url: `${url}/hook` },
      ]);
      const failure = (type: string, words: string) => ({ type, ok: false, error: expect.stringContaining(words) });
      expect(notified).toEqual([
        failure("webhook", "the webhook answered 500: out of order"),
        failure("webhook", "redirects are not followed"),
        failure("webhook", "could not connect to the webhook"),
        failure("slack", "Slack answered 404: no_service"),
        failure("telegram", "Telegram answered 403"),
        { type: "webhook", ok: true },
      ]);
      const told = JSON.stringify(notified);
      for (const hidden of [botToken, "gone-hush", closedUrl, "AAbbcc"]) expect(told).not.toContain(hidden);
    });

    it("get a long text complete and in order, in pieces that their service accepts", async () => {
      const long = Array.from({ length: 1_000 }, (_, line) => `Line ${line} 😀`).join("\n");
      await notify(
        [
          { type: "discord", url: `${url}/discord/1/hush-hush` },
          { type: "telegram", bot_token: botToken, chat_id: "1", url },
        ],
        long,
      );
      const pieces = (path: string, field: string) =>
        seen.filter((one) => one.path === path).map(({ body }) => String(body[field]));
      const discord = pieces("/discord/1/hush-hush", "content");
      const telegram = pieces(`/bot${botToken}/sendMessage`, "text");
      expect([discord.join(""), telegram.join("")]).toEqual([long, long]);
      expect(Math.max(...discord.map((piece) => piece.length))).toBeLessThanOrEqual(2_000);
      expect(Math.max(...telegram.map((piece) => piece.length))).toBeLessThanOrEqual(4_096);
    });

    it("mention nobody, for any text of the model", async () => {
      await notify([slack("hush-hush")], "<!channel> R&D");
      expect(seen[0]?.body).toEqual({ text: "&lt;!channel&gt; R&amp;D" });
    });
  });
});
