/** The one way to the API: a fetch with the session's token. It returns a value or a problem, and never throws. */
import { err, ok, type Result } from "../../../src/domain/result.ts";
import { noteAnswer, noteSilence } from "../connection.ts";
import { signOut, token } from "../session.ts";
import { type Problem, problemOf, unreachable } from "./problem.ts";

export type Answer<T> = Result<T, Problem>;
export type Query = Readonly<Record<string, string | number | boolean | undefined>>;

export type CallInit = {
  readonly query?: Query;
  /** Sent as JSON. */
  readonly json?: unknown;
  /** A body that is sent unchanged, with its media type. */
  readonly body?: { readonly type: string; readonly text: string };
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
};

/** The path with its query. Parameters without a value are left out. */
export function withQuery(path: string, query: Query = {}): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== "") parameters.set(name, String(value));
  }
  return parameters.size === 0 ? path : `${path}?${parameters}`;
}

/** Sends a call and returns the response. Errors: the API's problem. A 401 also ends the session. */
export async function send(method: string, path: string, init: CallInit = {}): Promise<Answer<Response>> {
  const content = init.json === undefined ? init.body : { type: "application/json", text: JSON.stringify(init.json) };
  try {
    const response = await fetch(withQuery(path, init.query), {
      method,
      headers: {
        ...(token.value === null ? {} : { authorization: `Bearer ${token.value}` }),
        ...(content === undefined ? {} : { "content-type": content.type }),
        ...init.headers,
      },
      ...(content === undefined ? {} : { body: content.text }),
      ...(init.signal === undefined ? {} : { signal: init.signal }),
    });
    noteAnswer();
    if (response.ok) return ok(response);
    const problem = await problemOf(response);
    if (response.status === 401 && token.value !== null) signOut(problem.detail);
    return err(problem);
  } catch (cause) {
    if (init.signal?.aborted) return err(aborted);
    noteSilence(Date.now());
    return err(unreachable(cause));
  }
}

const aborted: Problem = { status: 0, code: "aborted", title: "Not needed any more", detail: "The call was given up." };

/** Sends a call whose answer is JSON of the shape `T`. Only here the API's shape is trusted. */
export async function call<T>(method: string, path: string, init: CallInit = {}): Promise<Answer<T>> {
  const sent = await send(method, path, init);
  if (!sent.ok) return sent;
  try {
    const text = await sent.value.text();
    return ok((text === "" ? undefined : JSON.parse(text)) as T);
  } catch (cause) {
    return err(init.signal?.aborted ? aborted : unreachable(cause));
  }
}

/** A path under /v1, with escaped parts. */
export const v1 = (...parts: readonly string[]): string => `/v1/${parts.map(encodeURIComponent).join("/")}`;

/** A page of a list. */
export type Page<T> = { readonly items: readonly T[]; readonly next_cursor?: string };
