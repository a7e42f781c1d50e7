/**
 * The agent that every system under test calls, in a process of its own. It records the time of each call and answers at once, or as
 * the path says (`/ok`, `/after/50`, `/202`). The recorded calls are read only on request, so that recording costs almost nothing.
 */
import { createServer } from "node:http";
import { performance } from "node:perf_hooks";

let calls: { readonly at: number; readonly body: string }[] = [];
let count = 0;
const now = (): number => performance.timeOrigin + performance.now();

const server = createServer((request, response) => {
  const at = now();
  const path = request.url ?? "/";
  if (request.method === "GET") {
    const text = path === "/count" ? String(count) : JSON.stringify(calls.map(({ at, body }) => ({ at, body })));
    response.end(text);
    return;
  }
  const chunks: Buffer[] = [];
  request.on("data", (chunk: Buffer) => chunks.push(chunk));
  request.on("end", () => {
    if (path === "/reset") {
      calls = [];
      count = 0;
      response.end();
      return;
    }
    count++;
    // Fan-outs are only counted, without reading ten thousand bodies.
    if (path !== "/quiet") calls.push({ at, body: Buffer.concat(chunks).toString("utf8") });
    const delayMs = Number(/^\/after\/(\d+)/.exec(path)?.[1] ?? 0);
    const answer = (): void => {
      response.writeHead(path === "/202" ? 202 : 200, ANSWER_HEADERS).end(ANSWER);
    };
    if (delayMs > 0) setTimeout(answer, delayMs);
    else answer();
  });
});

const ANSWER = '{"ok":true}';
const ANSWER_HEADERS = { "content-type": "application/json", "content-length": ANSWER.length };

// A burst of 5,000 calls opens as many connections at once.
server.listen({ port: 0, host: "127.0.0.1", backlog: 8_192 }, () => {
  const address = server.address();
  if (address !== null && typeof address === "object") console.log(`Ready on ${address.port}`);
});
server.keepAliveTimeout = 60_000;
process.once("SIGTERM", () => process.exit(0));
