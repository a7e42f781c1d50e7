/** Calls of the API, whose refusals end a command with the problem's detail and hint. */
import * as z from "zod";
import { createClient } from "../client/client.ts";
import { Failure, type Given } from "./command.ts";
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

/** A call that was answered with a problem. */
export class Refused extends Failure {
  readonly status: number;
  readonly code: string | undefined;
  constructor(status: number, body: unknown) {
    const problem = Problem.safeParse(body).data;
    super(problem === undefined ? `Reveille answered ${status}.` : wordsOf(problem), problem?.hint);
    this.status = status;
    this.code = problem?.code;
  }
}

/** The detail, and each wrong field that it does not name. */
function wordsOf({ detail, title, code, errors = [] }: z.infer<typeof Problem>): string {
  const said = detail ?? title ?? code;
  const more = errors
    .filter(({ message }) => !said.includes(message))
    .map(({ path, message }) => `  ${path}: ${message}`);
  return [said, ...more].join("\n");
}

type Answer<T> = { readonly ok: boolean; readonly status: number; json(): Promise<T>; text(): Promise<string> };

export type Service = Address & {
  /** The typed client, whose answers go through {@link answer}. */
  readonly client: ReturnType<typeof createClient>;
  /** A call whose body a person wrote, so that the service and no compiler checks it. Answers the JSON, or undefined for none. */
  send(method: string, path: string, options?: SendOptions): Promise<unknown>;
  /** A call whose answer is read by the caller. Rejects with a {@link Refused} where it is a problem. */
  fetch(method: string, path: string, options?: SendOptions): Promise<Response>;
};

export type SendOptions = {
  readonly json?: unknown;
  /** Sent as it is, in place of `json`. */
  readonly body?: string;
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
};

/** The service that a command speaks to. Rejects with a {@link Failure} where none is known. */
export async function connect(given: Given, terminal: Terminal): Promise<Service> {
  return serviceAt(await findAddress(given, terminal));
}

export function serviceAt(address: Address): Service {
  const { url, token } = address;
  const reach = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    try {
      return await fetch(input, init);
    } catch (error) {
      throw unreachable(url, error);
    }
  };
  const call = async (method: string, path: string, options: SendOptions = {}): Promise<Response> => {
    const { json, body = json === undefined ? undefined : JSON.stringify(json), query = {}, headers, signal } = options;
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
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    });
    if (!response.ok) throw new Refused(response.status, parse(await response.text()));
    return response;
  };
  return {
    ...address,
    client: createClient(url, token, { fetch: reach }),
    fetch: call,
    send: async (method, path, options) => parse(await (await call(method, path, options)).text()),
  };
}

/** The JSON of an answer of the typed client. Rejects with a {@link Refused} where it is a problem. */
export async function answer<T>(call: Promise<Answer<T>>): Promise<T> {
  const response = await call;
  if (!response.ok) throw new Refused(response.status, parse(await response.text()));
  return response.json();
}

function unreachable(url: string, error: unknown): Failure {
  if (error instanceof Error && error.name === "AbortError") return new Failure("The call was broken off.");
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
    // A proxy's error page, for example.
    return undefined;
  }
}
