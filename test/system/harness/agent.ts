/** An agent over real HTTP that records every call, checks its signature independently, and answers by the test's script. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import * as z from "zod";
import { atEnd } from "./cleanup.ts";
import { eventually } from "./eventually.ts";

const TOLERANCE_SECONDS = 300;

const callBody = z.looseObject({
  type: z.string(),
  timestamp: z.string().optional(),
  data: z.looseObject({
    run: z
      .looseObject({
        id: z.string(),
        job_id: z.string(),
        session_id: z.string(),
        user_id: z.string().optional(),
        trigger: z.string(),
        scheduled_at: z.string(),
        started_at: z.string(),
        attempt: z.number(),
      })
      .optional(),
    job: z.record(z.string(), z.unknown()).optional(),
    message: z.string().optional(),
    payload: z.record(z.string(), z.unknown()).optional(),
    complete: z.object({ url: z.string(), token: z.string() }).optional(),
    session_id: z.string().optional(),
    model: z.string().optional(),
    text: z.string().optional(),
    source: z.string().optional(),
  }),
});

export type AgentCall = {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: z.infer<typeof callBody>;
  /** The body as it arrived. */
  readonly text: string;
  /** Epoch ms. */
  readonly receivedAt: number;
  /** Whether the call was signed by Standard Webhooks with this agent's secret, within five minutes of now. */
  readonly signed: boolean;
};

export type Answer = {
  /** 200 by default. */
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** Text is sent as text/plain, anything else as JSON. */
  readonly body?: unknown;
  /** The delay before the answer. */
  readonly delayMs?: number;
  /** `reset` breaks the connection, `hang` never answers. */
  readonly instead?: "reset" | "hang";
};

/** Chooses the answer to one call; `index` counts calls from 0. */
export type Script = (call: AgentCall, index: number) => Answer | Promise<Answer>;

export type Agent = {
  readonly url: string;
  /** The secret `whsec_…`, for AGENT_SECRET. */
  readonly secret: string;
  /** Every call so far, oldest first. */
  readonly calls: readonly AgentCall[];
  /** Changes the script from the next call on. */
  answerWith(script: Script): void;
  /** Waits until at least `count` calls have come in and returns them. */
  waitForCalls(count: number, limitMs?: number): Promise<readonly AgentCall[]>;
  stop(): Promise<void>;
};

export type AgentOptions = {
  /** The secret of a stopped agent, so that this one can replace it. */
  readonly secret?: string;
  readonly port?: number;
};

/** Starts an agent on a loopback port. Without a script it answers 200 `{"ok": true}`. */
export async function startAgent(script?: Script, options: AgentOptions = {}): Promise<Agent> {
  const secret = options.secret ?? `whsec_${randomBytes(32).toString("base64")}`;
  const calls: AgentCall[] = [];
  let answer: Script = script ?? (() => ({ body: { ok: true } }));

  const server = createServer(async (request, response) => {
    const call = await readCall(request, secret);
    if (call === undefined) return void response.writeHead(400).end("not a call of Reveille");
    calls.push(call);
    await respond(response, await answer(call, calls.length - 1));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port ?? 0, "127.0.0.1", resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address and a port");
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  atEnd(stop);

  return {
    url: `http://127.0.0.1:${address.port}/agent`,
    secret,
    calls,
    answerWith(next) {
      answer = next;
    },
    waitForCalls: (count, limitMs) =>
      eventually(
        () => `${count} calls of the agent; there were ${calls.length}`,
        () => calls.length >= count && calls,
        limitMs,
      ),
    stop,
  };
}

async function readCall(request: IncomingMessage, secret: string): Promise<AgentCall | undefined> {
  const receivedAt = Date.now();
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const text = Buffer.concat(chunks).toString("utf8");
  const body = parse(text);
  if (body === undefined) return undefined;
  const signed = isSigned(secret, request.headers, text, receivedAt);
  return {
    method: request.method ?? "",
    path: request.url ?? "",
    headers: request.headers,
    body,
    text,
    receivedAt,
    signed,
  };
}

function parse(text: string): AgentCall["body"] | undefined {
  try {
    return callBody.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** Checks the signature by the specification, independently of the code under test. */
function isSigned(secret: string, headers: IncomingHttpHeaders, text: string, now: number): boolean {
  const { "webhook-id": id, "webhook-timestamp": timestamp, "webhook-signature": signatures } = headers;
  if (typeof id !== "string" || typeof timestamp !== "string" || typeof signatures !== "string") return false;
  if (Math.abs(now / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false;
  const key = Buffer.from(secret.slice("whsec_".length), "base64");
  const expected = Buffer.from(`v1,${createHmac("sha256", key).update(`${id}.${timestamp}.${text}`).digest("base64")}`);
  return signatures.split(" ").some((signature) => {
    const given = Buffer.from(signature);
    return given.length === expected.length && timingSafeEqual(given, expected);
  });
}

async function respond(
  response: ServerResponse,
  { status = 200, headers, body, delayMs, instead }: Answer,
): Promise<void> {
  if (delayMs !== undefined) await sleep(delayMs);
  if (instead === "hang") return;
  if (instead === "reset") return void response.socket?.resetAndDestroy();
  const text = typeof body === "string" ? body : body === undefined ? "" : JSON.stringify(body);
  const type = typeof body === "string" ? "text/plain" : "application/json";
  response.writeHead(status, { "content-type": type, ...headers }).end(text);
}
