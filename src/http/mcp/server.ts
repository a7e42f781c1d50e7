/** The official MCP server around our tools. Only this file imports the SDK. */
import {
  createMcpHandler,
  isLegacyRequest,
  McpServer,
  ProtocolError,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Result } from "../../domain/result.ts";
import {
  EVENTS_CAPABILITY,
  EVENTS_EXTENSION,
  listEventTypes,
  type PollAnswer,
  type PollError,
  PollParams,
} from "./events.ts";
import type { Guides } from "./guides.ts";
import type { Tool } from "./tools.ts";

export type About = {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly instructions: string;
};

/** The answer of a tool. It is given once, as text, which every client shows its model. */
export type ToolResult = { readonly text: string; readonly isError: boolean };

/** The served parts: the tools, the function that calls one by its name, and the guides. */
export type Served = {
  readonly about: About;
  readonly tools: readonly Tool[];
  readonly call: (name: string, args: Readonly<Record<string, unknown>>) => Promise<ToolResult>;
  readonly guides: Guides;
  /** `events/poll` as the caller. */
  readonly poll: (params: z.infer<typeof PollParams>) => Promise<Result<PollAnswer, PollError>>;
};

/**
 * Answers one POST of `/mcp`. Its body has been read as `message`. Each POST has its own server, so nothing is kept between
 * calls.
 */
export async function serveMcp(request: Request, message: unknown, served: Served): Promise<Response> {
  const inner = withJsonAccepted(request);
  const options = { parsedBody: withParsedArguments(message) };
  if (!(await isLegacyRequest(inner, message))) {
    const modern = createMcpHandler(() => build(served), { legacy: "reject", maxSubscriptions: 0 });
    return modern.fetch(inner, options);
  }
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  await build(served).connect(transport);
  return transport.handleRequest(inner, options);
}

/**
 * Builds the server. The tools are listed and called without the SDK's registry. So the API checks a tool's arguments and
 * says how to correct them, and a call of an unknown tool is answered with the right name.
 */
function build({ about, tools, call, guides, poll }: Served): McpServer {
  const { instructions, ...info } = about;
  const server = new McpServer(info, {
    instructions,
    capabilities: { tools: { listChanged: false }, extensions: { [EVENTS_EXTENSION]: EVENTS_CAPABILITY } },
  });
  offerGuides(server, guides);
  const listed = tools.map(listedTool);
  server.server.setRequestHandler("tools/list", () => ({ tools: listed }));
  server.server.setRequestHandler("tools/call", async ({ params }) => {
    const { text, isError } = await call(params.name, params.arguments ?? {});
    const result = { content: [{ type: "text" as const, text }], ...(isError ? { isError } : {}) };
    return server.server.projectCallToolResult(result, undefined);
  });
  server.server.setRequestHandler("events/list", { params: z.looseObject({}) }, () => listEventTypes());
  server.server.setRequestHandler("events/poll", { params: PollParams }, async (params) => {
    const polled = await poll(params);
    if (!polled.ok) throw new ProtocolError(polled.error.code, polled.error.message, polled.error.data);
    return polled.value;
  });
  return server;
}

function offerGuides(server: McpServer, { pages, prompts }: Guides): void {
  for (const { uri, name, title, description, text } of pages) {
    const about = { title, description, mimeType: "text/markdown" };
    server.registerResource(name, uri, about, () => ({ contents: [{ uri, mimeType: "text/markdown", text }] }));
  }
  for (const { name, title, description, args, text } of prompts) {
    const shape: Record<string, z.ZodString> = {};
    for (const [arg, about] of Object.entries(args)) shape[arg] = z.string().meta({ description: about });
    const argsSchema = z.object(shape);
    server.registerPrompt(name, { title, description, argsSchema }, (given) => ({
      messages: [{ role: "user" as const, content: { type: "text" as const, text: text(given) } }],
    }));
  }
}

/** A tool in the list. Hints with their default value are left out, since the list is read in every conversation. */
const listedTool = ({ name, description, effect, repeatable, inputSchema }: Tool) => ({
  name,
  description,
  inputSchema,
  annotations: {
    ...(effect === "reads" ? { readOnlyHint: true } : { destructiveHint: effect === "destroys" }),
    ...(repeatable && effect !== "reads" ? { idempotentHint: true } : {}),
  },
});

/** The message with parsed arguments. Some models send a tool's arguments as JSON text. */
function withParsedArguments(message: unknown): unknown {
  if (Array.isArray(message)) return message.map(withParsedArguments);
  if (!isObject(message) || !isObject(message.params) || typeof message.params.arguments !== "string") return message;
  try {
    return { ...message, params: { ...message.params, arguments: JSON.parse(message.params.arguments) } };
  } catch {
    return message;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * The request without its body, which was read. Answers are always JSON, so a client that does not accept event streams is
 * served too.
 */
function withJsonAccepted(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.set("accept", "application/json, text/event-stream");
  return new Request(request.url, { method: request.method, headers });
}
