/**
 * One delivery over real HTTP, by Node's and by workerd's fetch, the only two that deliver. The agent is a Node server
 * that misbehaves on request, with one path for each way, and sees whether its connections are closed.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { build } from "esbuild";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Delivery, deliver } from "../../../src/agent/push.ts";
import type { AttemptOutcome } from "../../../src/domain/run/attempt-outcome.ts";
import { TimedDeadline } from "../../../src/outbound/deadline.ts";
import { verify } from "../../../src/outbound/signature.ts";
import { closedPort } from "../harness/index.ts";

const secret = `whsec_${btoa("the key of the agent under test")}`;

type Seen = {
  readonly path: string;
  readonly headers: Headers;
  readonly body: string;
  readonly released: Promise<void>;
};
type Behaviour = (request: IncomingMessage, response: ServerResponse) => void;

const text = (status: number, body: string, headers: Record<string, string> = {}): Behaviour => {
  return (_request, response) => response.writeHead(status, { "content-type": "text/plain", ...headers }).end(body);
};

/** Writes as fast as the other side reads, until it closes the connection. */
const endless = (
  status: number,
  piece: string | Buffer,
  headers: Record<string, string> = { "content-type": "text/plain" },
): Behaviour => {
  return (_request, response) => {
    response.writeHead(status, headers);
    const write = (): void => {
      while (!response.destroyed && response.write(piece));
    };
    response.on("drain", write);
    write();
  };
};

const behaviours: Record<string, Behaviour> = {
  "/text": text(200, "Good morning"),
  "/json": text(201, '{"done":true}', { "content-type": "application/json" }),
  "/empty": text(200, ""),
  "/no-content": (_request, response) => response.writeHead(204).end(),
  "/untyped-text": (_request, response) => response.writeHead(200).end("plain"),
  "/untyped-bytes": (_request, response) => response.writeHead(200).end(Buffer.from([0xff, 0xfe, 0x00, 0x80])),
  "/image": endless(200, Buffer.alloc(65_536), { "content-type": "image/png" }),
  "/latin-1": (_request, response) =>
    response.writeHead(200, { "content-type": "text/plain; charset=iso-8859-1" }).end(Buffer.from("Grüße", "latin1")),
  "/exact": text(200, "x".repeat(16_384)),
  "/one-more": text(200, "x".repeat(16_385)),
  "/split": text(200, `x${"é".repeat(9_000)}`),
  "/huge": endless(200, "é".repeat(10_000)),
  "/accepted": endless(202, "working on it "),
  "/gone": text(410, "unsubscribed"),
  "/gone-endless": endless(410, "unsubscribed "),
  "/retry-seconds": text(429, "slow down", { "retry-after": "120" }),
  "/retry-date": (_request, response) => {
    const at = new Date(Date.now() + 90_000).toUTCString();
    response.writeHead(503, { "content-type": "text/html", "retry-after": at }).end("<h1>Maintenance</h1>");
  },
  "/redirect": text(302, "over there", { location: "/text" }),
  "/redirect-permanent": text(308, "over there", { location: "/text" }),
  "/silent": () => undefined,
  "/slow-body": (_request, response) => response.writeHead(200, { "content-type": "text/plain" }).write("begun"),
  "/slow-error": (_request, response) => response.writeHead(500, { "content-type": "text/plain" }).write("begun"),
  "/reset": (request) => request.socket.resetAndDestroy(),
  "/closed": (request) => request.socket.end(),
  "/no-http": (request) => request.socket.end("this is no HTTP\r\n\r\n"),
  "/broken-length": (_request, response) => {
    response
      .writeHead(200, { "content-type": "text/plain", "content-length": "100" })
      .write("half an ans", () => response.destroy());
  },
  "/broken-chunks": (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).write("half an ans", () => response.destroy());
  },
  "/broken-late": (_request, response) => {
    response.writeHead(200, { "content-type": "text/plain" }).write("x".repeat(20_000), () => response.destroy());
  },
  "/broken-error": (_request, response) => {
    response
      .writeHead(400, { "content-type": "text/plain", "content-length": "100" })
      .write("bad", () => response.destroy());
  },
};

let agent: Server;
let agentUrl: string;
let closedUrl: string;
let workerd: Miniflare;
let workerdUrl: URL;
let seen: Seen[] = [];

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

beforeAll(async () => {
  agent = createServer((request, response) => {
    const path = request.url ?? "";
    const { promise: released, resolve } = Promise.withResolvers<void>();
    response.on("close", resolve);
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const headers = new Headers(
        Object.entries(request.headersDistinct).map(([name, values]) => [name, values?.join() ?? ""]),
      );
      seen.push({ path, headers, body: Buffer.concat(chunks).toString(), released });
      const status = /^\/status\/(\d{3})$/.exec(path)?.[1];
      const behave = status === undefined ? behaviours[path] : text(Number(status), "");
      if (behave === undefined) throw new Error(`the agent knows no ${path}`);
      behave(request, response);
    });
  });
  agentUrl = await listen(agent);

  closedUrl = `http://127.0.0.1:${await closedPort()}`;

  const bundle = await build({
    entryPoints: [new URL("push-worker.ts", import.meta.url).pathname],
    bundle: true,
    format: "esm",
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
  agent.closeAllConnections();
  await new Promise((resolve) => agent.close(resolve));
});

const runtimes = {
  "Node's fetch": async (call: Delivery, timeoutMs: number, hangUpAfterMs?: number): Promise<AttemptOutcome> => {
    const signal = hangUpAfterMs === undefined ? undefined : AbortSignal.timeout(hangUpAfterMs);
    const deadline = new TimedDeadline(timeoutMs, signal);
    const answer = await deliver(call, { fetch, now: Date.now, deadline });
    deadline.close();
    return answer;
  },
  "workerd's fetch": async (call: Delivery, timeoutMs: number, hangUpAfterMs?: number): Promise<AttemptOutcome> => {
    const body = JSON.stringify({ call, timeoutMs, hangUpAfterMs });
    const response = await fetch(workerdUrl, { method: "POST", body });
    return (await response.json()) as AttemptOutcome;
  },
};

describe.each(Object.entries(runtimes))("a delivery by %s", (_runtime, make) => {
  /** Calls `path` of the agent, and waits until the agent's connection is closed or its answer is sent. */
  async function callAgent(
    path: string,
    { timeoutMs = 5_000, hangUpAfterMs }: { timeoutMs?: number; hangUpAfterMs?: number } = {},
  ) {
    seen = [];
    const call: Delivery = {
      url: agentUrl + path,
      secret,
      id: "job-s1795424400000",
      sessionId: "main:scheduler:job:uJürgen",
      body: { type: "job.run", data: { message: "Grüße 😀" } },
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    };
    const begunAt = performance.now();
    const answer = await make(call, timeoutMs, hangUpAfterMs);
    const tookMs = performance.now() - begunAt;
    await Promise.all(seen.map(({ released }) => released));
    return { answer, tookMs };
  }

  it("arrives once, signed over the sent bytes, with the run's id, session and trace", async () => {
    await callAgent("/text");
    expect(seen).toHaveLength(1);
    const [{ headers, body } = { headers: new Headers(), body: "" }] = seen;
    expect(JSON.parse(body)).toEqual({ type: "job.run", data: { message: "Grüße 😀" } });
    expect(await verify({ secret, headers, body, nowSeconds: Date.now() / 1_000 })).toMatchObject({
      ok: true,
      value: { id: "job-s1795424400000" },
    });
    expect(headers.get("content-type")).toBe("application/json");
    expect(headers.get("reveille-session-id")).toBe("main:scheduler:job:uJ%C3%BCrgen");
    expect(headers.get("traceparent")).toBe("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  });

  it.each<[string, string, AttemptOutcome]>([
    ["text", "/text", { kind: "success", httpStatus: 200, output: "Good morning" }],
    ["JSON, as its text", "/json", { kind: "success", httpStatus: 201, output: '{"done":true}' }],
    ["nothing of an empty body", "/empty", { kind: "success", httpStatus: 200 }],
    ["nothing without content", "/no-content", { kind: "success", httpStatus: 204 }],
    ["text of no type", "/untyped-text", { kind: "success", httpStatus: 200, output: "plain" }],
    ["nothing of bytes of no type", "/untyped-bytes", { kind: "success", httpStatus: 200 }],
    ["nothing of an image, however long", "/image", { kind: "success", httpStatus: 200 }],
    ["text in another charset", "/latin-1", { kind: "success", httpStatus: 200, output: "Grüße" }],
    ["all of 16 KiB", "/exact", { kind: "success", httpStatus: 200, output: "x".repeat(16_384) }],
    [
      "16 KiB of one byte more",
      "/one-more",
      { kind: "success", httpStatus: 200, output: "x".repeat(16_384), outputTruncated: true },
    ],
    [
      "no half character",
      "/split",
      { kind: "success", httpStatus: 200, output: `x${"é".repeat(8_191)}`, outputTruncated: true },
    ],
    [
      "the beginning of what never ends",
      "/huge",
      { kind: "success", httpStatus: 200, output: "é".repeat(8_192), outputTruncated: true },
    ],
    [
      "what came before the connection broke, if that is all that is kept",
      "/broken-late",
      { kind: "success", httpStatus: 200, output: "x".repeat(16_384), outputTruncated: true },
    ],
  ])("that succeeds keeps %s", async (_case, path, expected) => {
    expect((await callAgent(path)).answer).toEqual(expected);
  });

  it("answered with 202 is accepted, without waiting for the body", async () => {
    expect((await callAgent("/accepted")).answer).toEqual({ kind: "accepted", httpStatus: 202 });
  });

  it("answered with 410 is gone, and quotes the agent", async () => {
    expect((await callAgent("/gone")).answer).toEqual({
      kind: "gone",
      httpStatus: 410,
      reason: "the agent answered 410 (gone): it takes no more calls for this job: unsubscribed",
    });
    const { answer } = await callAgent("/gone-endless");
    expect(answer).toMatchObject({ kind: "gone", httpStatus: 410 });
    expect(JSON.stringify(answer).length).toBeLessThan(500);
  });

  it.each([408, 429, 500, 502, 503, 504, 599])("answered with %i is retried", async (status) => {
    const { answer } = await callAgent(`/status/${status}`);
    expect(answer).toEqual({ kind: "retryable", httpStatus: status, reason: `the agent answered ${status}` });
  });

  it("is retried at the time of Retry-After, in seconds or as a date", async () => {
    expect((await callAgent("/retry-seconds")).answer).toEqual({
      kind: "retryable",
      httpStatus: 429,
      reason: "the agent answered 429: slow down",
      retryAfterMs: 120_000,
    });
    const { answer } = await callAgent("/retry-date");
    expect(answer).toMatchObject({ kind: "retryable", httpStatus: 503, reason: "the agent answered 503" });
    if (answer.kind !== "retryable") throw new Error(answer.kind);
    // The date has whole seconds and the answer took its time.
    expect(answer.retryAfterMs).toBeGreaterThan(80_000);
    expect(answer.retryAfterMs).toBeLessThanOrEqual(90_000);
  });

  it.each([400, 401, 403, 404, 409, 413, 422, 451])("answered with %i is refused", async (status) => {
    const { answer } = await callAgent(`/status/${status}`);
    expect(answer).toMatchObject({ kind: "refused", httpStatus: status, reason: expect.stringContaining(`${status}`) });
  });

  it.each([
    [302, "/redirect"],
    [308, "/redirect-permanent"],
  ])("answered with %i is refused, and the redirect is not followed", async (status, path) => {
    const { answer } = await callAgent(path);
    expect(answer).toMatchObject({
      kind: "refused",
      httpStatus: status,
      reason: expect.stringContaining("not followed"),
    });
    expect(seen.map((request) => request.path)).toEqual([path]);
  });

  it("without an answer in time is retried", async () => {
    const { answer } = await callAgent("/silent", { timeoutMs: 150 });
    expect(answer).toEqual({ kind: "retryable", reason: "timed out after 150ms: no answer" });
  });

  it("whose answer does not end in time is retried", async () => {
    const { answer } = await callAgent("/slow-body", { timeoutMs: 150 });
    expect(answer).toEqual({
      kind: "retryable",
      httpStatus: 200,
      reason: "timed out after 150ms: the agent answered 200, but its answer did not end",
    });
  });

  it.each(["/broken-length", "/broken-chunks"])("whose answer breaks off is retried: %s", async (path) => {
    expect((await callAgent(path)).answer).toEqual({
      kind: "retryable",
      httpStatus: 200,
      reason: "the agent answered 200, but the connection broke before the end of its answer",
    });
  });

  it.each(["/reset", "/closed", "/no-http"])("that gets no HTTP back is retried: %s", async (path) => {
    const { answer } = await callAgent(path);
    expect(answer).toEqual({ kind: "retryable", reason: expect.stringMatching(/^could not connect to the agent\W/) });
  });

  it("to a port without a listener is retried", async () => {
    seen = [];
    const call = { url: closedUrl, secret, id: "job-s1", sessionId: "s", body: {}, traceparent: "" };
    expect(await make(call, 5_000)).toEqual({
      kind: "retryable",
      reason: expect.stringMatching(/^could not connect to the agent.*; check that it runs and that its URL/),
    });
  });

  it("that fails is judged by its status, even if its body breaks off or does not end", async () => {
    expect((await callAgent("/broken-error")).answer).toEqual({
      kind: "refused",
      httpStatus: 400,
      reason: "the agent answered 400",
    });
    const { answer, tookMs } = await callAgent("/slow-error");
    expect(answer).toEqual({ kind: "retryable", httpStatus: 500, reason: "the agent answered 500" });
    expect(tookMs).toBeLessThan(4_000);
  });

  it.each(["/silent", "/slow-body"])("that is aborted closes the connection to the agent at once: %s", async (path) => {
    const { answer, tookMs } = await callAgent(path, { hangUpAfterMs: 100 });
    expect(answer).toEqual({ kind: "aborted" });
    expect(tookMs).toBeLessThan(4_000);
  });
});
