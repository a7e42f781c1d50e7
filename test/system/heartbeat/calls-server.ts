/** The answers of the endpoints that a heartbeat calls, by path. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

export const secret = `whsec_${btoa("the key of the agent under test")}`;
export const apiKey = "sk-a-key-that-nobody-may-see";
export const botToken = "123456789:AAbbccddeeffgghhiijj";

export type Seen = {
  readonly path: string;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};
export type Behaviour = (request: IncomingMessage, response: ServerResponse, seen: Seen) => void | Promise<void>;

export const answer = (status: number, type: string, body: string): Behaviour => {
  return (_request, response) => void response.writeHead(status, { "content-type": type }).end(body);
};
export const inPieces = (
  type: string,
  pieces: readonly (string | Buffer)[],
  after: "end" | "hang" | "break" = "end",
): Behaviour => {
  return async (_request, response) => {
    response.writeHead(200, { "content-type": type });
    for (const piece of pieces) {
      response.write(piece);
      await sleep(10);
    }
    if (after === "end") response.end();
    if (after === "break") response.socket?.resetAndDestroy();
  };
};
export const chunk = (delta: unknown): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;
export const grin = Buffer.from('data: {"text":"Grüße 😀"}\n\n');

export const behaviours: Record<string, Behaviour> = {
  "/json": answer(200, "application/json", '{"text":"Good morning"}'),
  "/sse": inPieces("text/event-stream", ['data: {"te', 'xt":"Good "}\n', '\ndata: {"text":"morning"}\n\n']),
  "/ndjson": inPieces("application/x-ndjson", ['{"text":"Good "}\n{"te', 'xt":"morning"}\n']),
  "/split-character": inPieces("text/event-stream", [grin.subarray(0, 20), grin.subarray(20, 25), grin.subarray(25)]),
  "/tool": inPieces("text/event-stream", ['data: {"tool_use":{"name":"search"}}\n\n', 'data: {"text":"x"}\n\n']),
  "/error-event": inPieces(
    "text/event-stream",
    ['data: {"text":"a"}\n\n', 'data: {"error":"out of credit"}\n\n'],
    "hang",
  ),
  "/prose": answer(200, "text/plain", "Good morning"),
  "/accepted": answer(202, "application/json", "{}"),
  "/redirect": (_request, response) => void response.writeHead(307, { location: "/json" }).end(),
  "/busy": answer(503, "text/plain", "come back later"),
  "/wrong": answer(400, "application/json", `{"error":"no such model, key ${apiKey}, secret ${secret}"}`),
  "/page": answer(502, "text/html", "<h1>Bad gateway</h1>"),
  "/silent": () => undefined,
  "/stuck": inPieces("text/event-stream", ['data: {"text":"Good "}\n\n'], "hang"),
  "/broken": inPieces("text/event-stream", ['data: {"text":"Good "}\n\n'], "break"),
  "/endless": (_request, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const piece = `data: {"text":"${"x".repeat(60_000)}"}\n\n`;
    const write = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", write);
    write();
  },
  // A server that does not close after [DONE].
  "/openai/v1/chat/completions": inPieces(
    "text/event-stream",
    [
      chunk({ role: "assistant" }),
      chunk({ content: "Good " }),
      chunk({ content: "morning" }),
      'data: {"choices":[],"usage":{"prompt_tokens":20,"completion_tokens":2}}\n\n',
      "data: [DONE]\n\n",
    ],
    "hang",
  ),
  "/whole/v1/chat/completions": answer(200, "application/json", '{"choices":[{"message":{"content":"Good morning"}}]}'),
  "/strict/v1/chat/completions": (request, response, { body }) =>
    "stream_options" in body
      ? answer(422, "application/json", '{"message":"extra field stream_options"}')(request, response, emptySeen)
      : answer(200, "text/event-stream", chunk({ content: "Good morning" }))(request, response, emptySeen),
  "/hook": answer(200, "text/plain", "ok"),
  "/hook-500": answer(500, "text/plain", "out of order"),
  "/hook-redirect": (_request, response) => void response.writeHead(302, { location: "/hook" }).end(),
  "/slack/T0/B0/hush-hush": answer(200, "text/plain", "ok"),
  "/slack/T0/B0/gone-hush": answer(404, "text/plain", "no_service"),
  "/discord/1/hush-hush": answer(204, "application/json", ""),
  [`/bot${botToken}/sendMessage`]: answer(200, "application/json", '{"ok":true}'),
  [`/down/bot${botToken}/sendMessage`]: answer(
    403,
    "application/json",
    `{"ok":false,"description":"bot ${botToken} was blocked"}`,
  ),
};
export const emptySeen: Seen = { path: "", headers: new Headers(), text: "", body: {} };
