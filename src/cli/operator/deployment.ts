/** A deployment as its operator reaches it: over HTTP, with ADMIN_TOKEN. The doctor and the smoke run use it. */

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import * as z from "zod";
import { err, ok, type Result } from "../../domain/result.ts";
import { messageOf } from "../../domain/text/error-text.ts";
import { parseJson } from "../../domain/text/parse-json.ts";

const ANSWER_LIMIT_MS = 30_000;

export type Answer = {
  readonly status: number;
  readonly headers: Headers;
  /** The parsed body if it is JSON, else undefined. */
  readonly body: unknown;
  /** The time on this machine, in epoch ms, halfway between the call and its answer. */
  readonly at: number;
};

export type Deployment = {
  /** The URL without a trailing slash. */
  readonly url: string;
  readonly adminToken: string;
  /** Makes one call. `token` is the operator's by default; null sends none. Rejects if there is no answer. */
  call(method: string, path: string, options?: CallOptions): Promise<Answer>;
};

export type CallOptions = { readonly json?: unknown; readonly token?: string | null };

/**
 * The deployment that a command is given: its URL as the first argument, ADMIN_TOKEN from the environment. For a
 * service that `npm start` runs on this machine, from DATA_DIR. Errors are a sentence for the caller.
 */
export function deploymentOf(args: readonly string[], usage: string): Result<Deployment, string> {
  const given = args[0];
  // Node 20 has no URL.parse.
  const parsed = given !== undefined && URL.canParse(given) ? new URL(given) : undefined;
  if (parsed === undefined || !["http:", "https:"].includes(parsed.protocol)) return err(usage);
  const url = `${parsed.origin}${parsed.pathname.replace(/\/+$/, "")}`;
  const adminToken = process.env.ADMIN_TOKEN?.trim() || (isLoopback(parsed.hostname) ? localToken() : undefined);
  if (adminToken === undefined) return err(`ADMIN_TOKEN is not set.\n${usage}`);
  return ok(deploymentAt(url, adminToken));
}

/** The deployment at `url` (without a trailing slash), called with `adminToken`. */
export const deploymentAt = (url: string, adminToken: string): Deployment => ({
  url,
  adminToken,
  call: (method, path, options) => call(url + path, method, adminToken, options),
});

const isLoopback = (host: string): boolean => ["127.0.0.1", "localhost", "[::1]"].includes(host);

function localToken(): string | undefined {
  try {
    const token = readFileSync(join(resolve(process.env.DATA_DIR ?? ".reveille"), "ADMIN_TOKEN"), "utf8").trim();
    return token === "" ? undefined : token;
  } catch {
    // There is no such file. The token was chosen at the start of the service, and is in the environment.
    return undefined;
  }
}

async function call(
  url: string,
  method: string,
  adminToken: string,
  { json, token = adminToken }: CallOptions = {},
): Promise<Answer> {
  const before = Date.now();
  const response = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(json === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    redirect: "manual",
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  });
  const at = (before + Date.now()) / 2;
  const text = await response.text();
  // Not every answer is JSON: there are proxies' error pages, and the empty 204.
  return { status: response.status, headers: response.headers, body: parseJson(text), at };
}

const Problem = z.object({ code: z.string(), detail: z.string(), hint: z.string().optional() });

/** The text about an unexpected answer: its status, and the problem in it. */
export function complaint({ status, body }: Answer): string {
  const problem = Problem.safeParse(body).data;
  return problem === undefined
    ? `answered ${status}`
    : `answered ${status} ${problem.code}: ${problem.detail.replace(/\.$/, "")}`;
}

/** Why there was no answer, in the network's words. */
export function unreachable(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = typeof cause === "object" && cause !== null && "code" in cause ? `${String(cause.code)} ` : "";
  return `no answer: ${code}${messageOf(cause)}`;
}
