/**
 * The agent that `npm start` starts if no AGENT_URL is set. It checks each call's signature, prints the call and answers,
 * so that a first job can be seen to run. Your own agent has the same steps: verify, read `type`, answer.
 */
import { createServer, type IncomingMessage } from "node:http";
import * as z from "zod";
import { verify } from "../src/outbound/signature.ts";
import { LOOPBACK } from "./port.ts";

const MAX_BODY_BYTES = 1_048_576;
const MAX_SHOWN_CHARS = 200;

const call = z.discriminatedUnion("type", [
  z.object({
    type: z.literal("job.run"),
    data: z.object({ run: z.object({ session_id: z.string() }), message: z.string().optional() }),
  }),
  z.object({ type: z.literal("chat"), data: z.object({ session_id: z.string(), message: z.string() }) }),
  z.object({ type: z.literal("notification"), data: z.object({ text: z.string() }) }),
]);

export type ExampleAgent = { readonly url: string; stop(): Promise<void> };

/** Starts the agent on a free loopback port. `print` gets one line for each call. */
export async function startExampleAgent(secret: string, print: (line: string) => void): Promise<ExampleAgent> {
  const server = createServer(async (request, response) => {
    const { status, body } = await answer(secret, request, print);
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, LOOPBACK, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has an address and a port");
  return {
    url: `http://${LOOPBACK}:${address.port}/`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

type Answer = { readonly status: number; readonly body: Readonly<Record<string, string>> };

async function answer(secret: string, request: IncomingMessage, print: (line: string) => void): Promise<Answer> {
  const refuse = (status: number, error: string): Answer => {
    print(`agent: refused a call: ${error}`);
    return { status, body: { error } };
  };
  const body = await readBody(request);
  if (body === undefined) return refuse(413, `the body is over ${MAX_BODY_BYTES} bytes`);
  const headers = new Headers();
  for (const [name, value] of Object.entries(request.headers)) if (typeof value === "string") headers.set(name, value);
  const verified = await verify({ secret, headers, body, nowSeconds: Math.floor(Date.now() / 1_000) });
  if (!verified.ok) return refuse(401, verified.error);

  const parsed = parseCall(body);
  if (parsed === undefined) return refuse(400, "the body is not a job.run, chat or notification call");
  switch (parsed.type) {
    case "job.run": {
      const message = parsed.data.message ?? "(no message)";
      print(`agent: asked in session ${oneLine(parsed.data.run.session_id)}: ${oneLine(message)}`);
      return { status: 200, body: { text: `The example agent was asked: ${message}` } };
    }
    case "chat":
      print(`agent: chat in session ${oneLine(parsed.data.session_id)}: ${oneLine(parsed.data.message)}`);
      return { status: 200, body: { text: reply(parsed.data) } };
    case "notification":
      print(`agent: notified: ${oneLine(parsed.data.text)}`);
      return { status: 200, body: {} };
  }
}

/** A heartbeat's decision must be a JSON action (docs/contract.md §8); this agent has nothing to do, so it skips. */
function reply({ session_id, message }: { session_id: string; message: string }): string {
  if (!session_id.endsWith(":decision")) return `The example agent was asked: ${message}`;
  return JSON.stringify({ action: "skip", reason: "The example agent has nothing to do." });
}

function parseCall(body: string): z.infer<typeof call> | undefined {
  try {
    return call.safeParse(JSON.parse(body)).data;
  } catch {
    return undefined;
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/**
 * The beginning of a text in a form that a terminal may show. Control characters of a foreign message could control the
 * terminal.
 */
function oneLine(text: string): string {
  const line = text
    .slice(0, 4 * MAX_SHOWN_CHARS)
    .replace(/[\s\p{Cc}\p{Cf}]+/gu, " ")
    .trim();
  return line.length > MAX_SHOWN_CHARS ? `${line.slice(0, MAX_SHOWN_CHARS)}…` : line;
}
