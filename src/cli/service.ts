/** Calls of the API. A refusal ends the command with the problem's detail and hint. */

import * as z from "zod";
import { createClient } from "../client/client.ts";
import { compact } from "../domain/compact.ts";
import { writeExactJson } from "../domain/text/exact-json.ts";
import { Failure, type Given, UsageError } from "./command.ts";
import { type Address, findAddress } from "./login.ts";
import type { Terminal } from "./terminal.ts";

const Problem = z.looseObject({
  status: z.number().optional(),
  code: z.string(),
  detail: z.string().optional(),
  title: z.string().optional(),
  hint: z.string().optional(),
  errors: z.array(z.looseObject({ path: z.string(), message: z.string() })).optional(),
});

/** The error of a call that was answered with a problem. */
export class Refused extends Failure {
  readonly status: number;
  readonly code: string | undefined;
  /** The places of faults in the body: `schedule.every`, `name`. */
  readonly paths: readonly string[];
  constructor(url: string, status: number, body: unknown) {
    const problem = Problem.safeParse(body).data;
    super(problem === undefined ? `${url} answered ${status}.` : wordsOf(problem), hintOf(url, status, problem?.hint));
    this.status = status;
    this.code = problem?.code;
    this.paths = problem?.errors?.map(({ path }) => path) ?? [];
  }
}

/** The problem's hint. If the token is refused, it also says what to do about that here. */
function hintOf(url: string, status: number, hint: string | undefined): string | undefined {
  if (status !== UNAUTHORIZED) return hint;
  return [hint ?? [], `Here: \`reveille login ${url}\`, or set REVEILLE_TOKEN.`].flat().join("\n");
}

const UNAUTHORIZED = 401;

/** The detail, and each wrong field that it does not name. */
function wordsOf({ detail, title, code, errors = [] }: z.infer<typeof Problem>): string {
  const problem = detail ?? title ?? code;
  const more = errors
    .filter(({ message }) => !problem.includes(message))
    .map(({ path, message }) => `  ${path}: ${message}`);
  return [problem, ...more].join("\n");
}

type Answer = { readonly ok: boolean; readonly status: number; readonly url: string; text(): Promise<string> };

export type Service = Address & {
  /** The typed client. Its answers go through {@link answer}. */
  readonly client: ReturnType<typeof createClient>;
  /**
   * Makes a call whose body a person wrote, so the service checks it and not a compiler. Returns the JSON, or undefined for
   * none.
   */
  send(method: string, path: string, options?: SendOptions): Promise<unknown>;
  /** Makes a call whose answer the caller reads. Rejects with a {@link Refused} if it is a problem. */
  fetch(method: string, path: string, options?: SendOptions): Promise<Response>;
};

export type SendOptions = {
  readonly json?: unknown;
  /** The body as text, in place of `json`. */
  readonly body?: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
};

/** The time until an answer begins. A call that takes longer than the longest waiting call counts as dead. */
const ANSWER_LIMIT_MS = 120_000;

/** The service that a command calls. Rejects with a {@link Failure} if none is known. */
export async function connect(given: Given, terminal: Terminal): Promise<Service> {
  return serviceAt(await findAddress(given, terminal));
}

/** The service at an address. Throws a {@link UsageError} for a token that no header can carry. */
export function serviceAt(address: Address): Service {
  const { url, token } = address;
  if (!/^[\x21-\x7e]+$/.test(token))
    throw new UsageError("the token holds a blank or another character that no token of Reveille has; copy it again");
  const reach = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), ANSWER_LIMIT_MS);
    try {
      // Redirects are not followed: the token must not go to another address, and a POST would become a GET.
      const response = await fetch(input, { ...init, redirect: "manual", signal: limit.signal });
      if (response.status >= 300 && response.status < 400) throw elsewhere(url, response);
      return response;
    } catch (error) {
      throw error instanceof Failure ? error : unreachable(url, error);
    } finally {
      clearTimeout(timer);
    }
  };
  const call = async (method: string, path: string, options: SendOptions = {}): Promise<Response> => {
    const { json, body = json === undefined ? undefined : writeExactJson(json), query = {}, headers } = options;
    const search = new URLSearchParams();
    for (const [name, value] of Object.entries(query)) {
      for (const one of typeof value === "string" ? [value] : (value ?? [])) search.append(name, one);
    }
    const response = await reach(`${url}${path}${search.size === 0 ? "" : `?${search}`}`, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...headers,
      },
      ...compact({ body }),
    });
    if (!response.ok) throw new Refused(url, response.status, parse(await response.text()));
    return response;
  };
  return {
    ...address,
    client: createClient(url, token, { fetch: reach }),
    fetch: call,
    send: async (method, path, options) => jsonOf(await call(method, path, options)),
  };
}

/**
 * The JSON of the typed client's answer, which {@link read} then checks. Rejects with a {@link Refused} if it is a problem.
 */
export async function answer(call: Promise<Answer>): Promise<unknown> {
  const response = await call;
  if (response.ok) return jsonOf(response);
  throw new Refused(new URL(response.url).origin, response.status, parse(await response.text()));
}

/**
 * The part of an answer that a command shows. Throws a {@link Failure} if it is missing, because another program answers at
 * the address.
 */
export function read<T>(schema: z.ZodType<T>, answered: unknown): T {
  const shown = schema.safeParse(answered);
  if (shown.success) return shown.data;
  throw new Failure("The answer is none of Reveille's.", NOT_REVEILLE);
}

const NOT_REVEILLE = "See that the address is that of a deployment: `reveille whoami` shows it.";

/** The JSON of a good answer. Undefined if it is empty, as after a DELETE. */
async function jsonOf(response: Pick<Answer, "url" | "text" | "status">): Promise<unknown> {
  const text = await response.text();
  const value = parse(text);
  if (value === undefined && text !== "")
    throw new Failure(`${new URL(response.url).origin} answered, but not as Reveille does.`, NOT_REVEILLE);
  return value;
}

function elsewhere(url: string, { status, headers }: Response): Failure {
  const location = headers.get("location") ?? "";
  const target = URL.canParse(location, url) ? new URL(location, url).origin : location;
  return new Failure(
    `${url} answered ${status} and sends on to ${target}.`,
    "If that is the deployment, name it itself: --url.",
  );
}

function unreachable(url: string, error: unknown): Failure {
  if (error instanceof Error && error.name === "AbortError")
    return new Failure(`No answer from ${url} within ${ANSWER_LIMIT_MS / 1_000} s.`);
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const why = cause instanceof Error ? cause.message || ("code" in cause ? String(cause.code) : "") : String(cause);
  return new Failure(
    `No answer from ${url}: ${why}`,
    "See that the address is right and the service runs (`reveille start`).",
  );
}

function parse(text: string): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch {
    // The body is not JSON, for example a proxy's error page.
    return undefined;
  }
}
