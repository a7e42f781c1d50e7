/** The fixture of the HTTP tests: calls to the Worker as a client makes them, tokens, and a job to act on. */
import { exports } from "cloudflare:workers";
import { expect, vi } from "vitest";
import * as z from "zod";
import { mintToken } from "../../src/agent/token.ts";
import type { BoundCaller, Caller } from "../../src/domain/job/access.ts";
import { settingsOf } from "../../src/env.ts";
import { ROUTES } from "../../src/http/app.ts";
import { openApi } from "../../src/http/openapi.ts";
import { ProblemBody } from "../../src/http/problem.ts";
import { describedBy } from "../described.ts";
import { env } from "./bindings.ts";

export { env };

const settings = settingsOf(env);
export const ADMIN_TOKEN = settings.ADMIN_TOKEN ?? "";
export const TOKEN_SECRET = settings.TOKEN_SECRET ?? "";
export const ORIGIN = "https://reveille.test";

export type Sent = {
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** A body that is sent unchanged, in place of `json`. */
  readonly body?: BodyInit;
  readonly headers?: Readonly<Record<string, string>>;
};

export type Got = {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Record<string, unknown>;
};

const undescribed = describedBy(openApi(ROUTES));

/**
 * Makes one call, as the operator unless `token` is set. The answer must be as /openapi.json describes it. `body` is its JSON,
 * or `{}` if it has none.
 */
export async function call(method: string, path: string, sent: Sent = {}): Promise<Got> {
  const token = "token" in sent ? sent.token : ADMIN_TOKEN;
  const response = await exports.default.fetch(
    new Request(`${ORIGIN}${path}`, {
      method,
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(sent.json === undefined ? {} : { "content-type": "application/json" }),
        ...sent.headers,
      },
      ...(sent.json === undefined
        ? sent.body === undefined
          ? {}
          : { body: sent.body }
        : { body: JSON.stringify(sent.json) }),
    }),
  );
  const text = await response.text();
  const contentType = response.headers.get("content-type");
  expect(undescribed({ method, path, sent: sent.json, status: response.status, contentType, text })).toEqual([]);
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/.test(contentType ?? "") && text !== "";
  return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : {} };
}

/** The answer of a tool of /mcp: the text for a model, and whether the tool refused. */
export type ToolAnswer = { readonly isError: boolean; readonly text: string };

/** Calls a tool. If /mcp itself refuses the call, the text is that of the problem. */
export async function callTool(
  name: string,
  args: Readonly<Record<string, unknown>> = {},
  sent: Pick<Sent, "token"> = {},
): Promise<ToolAnswer> {
  const message = { jsonrpc: "2.0", id: 1, method: "tools/call", params: { name, arguments: args } };
  const got = await call("POST", "/mcp", { ...sent, json: message });
  if (got.status !== 200) return { isError: true, text: got.text };
  const { result } = ToolResponse.parse(got.body);
  return { isError: result.isError === true, text: result.content[0].text };
}

const ToolResponse = z.looseObject({
  result: z.looseObject({
    content: z.tuple([z.looseObject({ text: z.string() })]),
    isError: z.boolean().optional(),
  }),
});

/** Expects this problem in the contract's form, with a hint on how to continue. */
export function expectProblem(got: Got, status: number, code: string): void {
  expect({ status: got.status, code: got.body.code }).toEqual({ status, code });
  expect(got.headers.get("content-type")).toBe("application/problem+json");
  const body = ProblemBody.parse(got.body);
  expect(body.status).toBe(status);
  expect(body.detail).not.toBe("");
  expect(body.hint ?? "").not.toBe("");
}

/** A token that is valid for an hour. */
export const tokenFor = (caller: Caller): Promise<string> =>
  mintToken(caller, TOKEN_SECRET, Date.now(), Date.now() + 3_600_000);

export const agentToken = (ids: Omit<BoundCaller, "role">): Promise<string> => tokenFor({ role: "agent", ...ids });

let made = 0;
/** An id that no other test of the file uses. */
export const fresh = (prefix: string): string => `${prefix}-${made++}-${crypto.randomUUID().slice(0, 8)}`;

export const jobInput = (fields: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: "Water the plants",
  message: "hello",
  schedule: { every: "1h" },
  ...fields,
});

/** Creates a job and returns its id. */
export async function makeJob(fields: Record<string, unknown> = {}, token: string = ADMIN_TOKEN): Promise<string> {
  const got = await call("POST", "/v1/jobs", { token, json: jobInput(fields) });
  expect(got.status, got.text).toBe(201);
  return String(got.body.id);
}

/** Runs `work` with the clock this much later, in the Worker and in its objects. */
export async function later<T>(ms: number, act: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(Date.now() + ms);
  try {
    return await act();
  } finally {
    vi.useRealTimers();
  }
}
