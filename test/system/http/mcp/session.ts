/** A client of `/mcp`, as the tests of the MCP server use it. */
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import { expect } from "vitest";
import * as z from "zod";
import { atEnd } from "../../harness/index.ts";

const Result = z.looseObject({
  content: z.tuple([z.object({ type: z.literal("text"), text: z.string() })]),
  structuredContent: z.undefined().optional(),
  isError: z.boolean().optional(),
});

/** A session with the MCP server, by the official client. */
export type McpSession = {
  readonly client: Client;
  /** The fields of a tool's answer. Fails if the tool answers an error. */
  call(name: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
  /** The text and the code of a tool's error. Fails if the tool answers no error. */
  refused(name: string, args?: Record<string, unknown>): Promise<{ text: string; code: string | undefined }>;
};

/** Connects with a token. `mode` says how the client negotiates the version of the protocol. */
export async function connectMcp(url: string, token: string, mode: "legacy" | "auto" = "legacy"): Promise<McpSession> {
  const client = new Client({ name: "test", version: "1.0.0" }, { versionNegotiation: { mode } });
  const requestInit = { headers: { authorization: `Bearer ${token}` } };
  await client.connect(new StreamableHTTPClientTransport(new URL("/mcp", url), { requestInit }));
  atEnd(() => client.close());
  const ask = async (name: string, args: Record<string, unknown>) =>
    Result.parse(await client.callTool({ name, arguments: args }));
  return {
    client,
    async call(name, args = {}) {
      const { content, isError } = await ask(name, args);
      expect(isError, content[0].text).toBeUndefined();
      return z.record(z.string(), z.unknown()).parse(JSON.parse(content[0].text));
    },
    async refused(name, args = {}) {
      const { content, isError } = await ask(name, args);
      expect(isError).toBe(true);
      return { text: content[0].text, code: /\((\w+)\)/.exec(content[0].text)?.[1] };
    },
  };
}
