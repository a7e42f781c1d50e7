/** The official MCP server around our tools: the only file that names the SDK. */
import {
  createMcpHandler,
  fromJsonSchema,
  isLegacyRequest,
  type jsonSchemaValidator,
  McpServer,
  WebStandardStreamableHTTPServerTransport,
} from "@modelcontextprotocol/server";
import type { Tool } from "./tools.ts";

export type About = {
  readonly name: string;
  readonly title: string;
  readonly version: string;
  readonly instructions: string;
};

/** What a tool answers: the same as text and as fields. */
export type ToolResult = {
  readonly text: string;
  readonly fields: Record<string, unknown>;
  readonly isError: boolean;
};
export type ToolCaller = (tool: Tool, args: Readonly<Record<string, unknown>>) => Promise<ToolResult>;

/** The API checks what a tool is called with, and says how to mend it; the SDK's own check would only hide that. */
const unchecked: jsonSchemaValidator = {
  getValidator: () => (input) => ({ valid: true, data: input as never, errorMessage: undefined }),
};

/** Answers one POST of `/mcp`, whose body has been read as `message`. A server of its own for each: nothing is kept between calls. */
export async function serveMcp(
  request: Request,
  message: unknown,
  about: About,
  tools: readonly Tool[],
  call: ToolCaller,
): Promise<Response> {
  const { instructions, ...info } = about;
  const build = (): McpServer => {
    const server = new McpServer(info, { instructions, capabilities: { tools: { listChanged: false } } });
    for (const tool of tools) register(server, tool, call);
    return server;
  };
  const inner = withJsonAccepted(request);
  const options = { parsedBody: message };
  if (!(await isLegacyRequest(inner, message))) {
    const modern = createMcpHandler(build, { legacy: "reject", maxSubscriptions: 0 });
    return modern.fetch(inner, options);
  }
  const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true });
  const server = build();
  await server.connect(transport);
  return transport.handleRequest(inner, options);
}

function register(server: McpServer, tool: Tool, call: ToolCaller): void {
  const { name, title, description, effect, repeatable } = tool;
  server.registerTool(
    name,
    {
      title,
      description,
      inputSchema: fromJsonSchema<Record<string, unknown>>(tool.inputSchema, unchecked),
      annotations: {
        title,
        readOnlyHint: effect === "reads",
        destructiveHint: effect === "destroys",
        idempotentHint: repeatable,
        openWorldHint: false,
      },
    },
    async (args) => {
      const { text, fields, isError } = await call(tool, args);
      return { content: [{ type: "text", text }], structuredContent: fields, ...(isError ? { isError } : {}) };
    },
  );
}

/** The body is read already. Answers are always JSON, so a client that does not take event streams as well is served too. */
function withJsonAccepted(request: Request): Request {
  const headers = new Headers(request.headers);
  headers.set("accept", "application/json, text/event-stream");
  return new Request(request.url, { method: request.method, headers });
}
