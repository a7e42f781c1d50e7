/**
 * The declaration of a route: its callers, its input and its answers, in one place. The app serves it (`serve.ts`),
 * `/openapi.json` describes it, and `hc` clients get their types from it.
 */

import type * as z from "zod";
import { compact } from "../domain/compact.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Caller } from "../domain/job/access.ts";
import { type Ok, ok, type Result } from "../domain/result.ts";
import type { Env, Settings } from "../env.ts";
import type { Access } from "./auth.ts";
import type { ErrorCode, HttpFailure } from "./failure.ts";
import type { Tag } from "./tags.ts";

export type Method = "get" | "post" | "put" | "patch" | "delete";

/** The names after `:` in a path such as `/v1/jobs/:id/runs/:run_id`. */
export type ParamNames<P extends string> = P extends `${string}:${infer Rest}`
  ? Rest extends `${infer Name}/${infer Tail}`
    ? Name | ParamNames<`/${Tail}`>
    : Rest
  : never;

/** A JSON body that the route takes. */
export type BodySpec<S extends z.ZodType = z.ZodType> = {
  readonly schema: S;
  /** The accepted media types. Left out: `application/json` alone. */
  readonly types?: readonly string[];
  /** The largest body. Left out: `MAX_BODY_BYTES`. */
  readonly maxBytes?: number;
  /** An empty body counts as `{}` under any Content-Type. */
  readonly optional?: boolean;
  /** The body is text and not JSON. The schema is that of a string. */
  readonly text?: boolean;
  /** Reads the body's bytes, instead of JSON or text. `mediaType` is one of `types`. */
  readonly read?: (bytes: Uint8Array, mediaType: string) => Result<unknown, HttpFailure>;
  /**
   * Finds the faults of a well-formed body that the caller may not send or that makes no sense. It is called only for the
   * valid part of a faulty body, so that all faults are reported at once. The handler finds the same faults.
   */
  meaning?(call: MeaningCall<z.output<S>>): Promise<Outcome<unknown>> | Outcome<unknown>;
  /** The schema in the API's description, if the rule is checked elsewhere. */
  readonly shown?: z.ZodType;
};

/** A call whose body is checked before it is handled. */
export type MeaningCall<B> = Omit<AnyCall, "query" | "headers" | "body" | "caller"> & {
  readonly caller: Caller;
  readonly body: B;
};

/** One answer of a route: its body's schema, if it has one, and its documented headers. */
export type AnswerSpec = {
  readonly description: string;
  readonly schema?: z.ZodType;
  /** The content type of a body that is not JSON. */
  readonly contentType?: string;
  /** Header name to description. */
  readonly headers?: Readonly<Record<string, string>>;
};
export type AnswerSpecs = { readonly [status: number]: AnswerSpec };

/** The answer of a handler. Its status must be declared, and its body must have that status's shape. */
export type ReplyOf<A extends AnswerSpecs> = {
  [S in keyof A & number]: A[S] extends { readonly schema: infer T extends z.ZodType }
    ? { readonly status: S; readonly body: z.output<T>; readonly headers?: Readonly<Record<string, string>> }
    : { readonly status: S; readonly body?: undefined; readonly headers?: Readonly<Record<string, string>> };
}[keyof A & number];

/** A call to a route, checked and read. */
export type Call<P extends string, W extends Access, Q, H, B> = {
  readonly env: Env;
  /** Undefined for healthz, which answers even if the settings cannot be read. */
  readonly settings: W extends "health" ? undefined : Settings & { readonly TOKEN_SECRET: string };
  /** Undefined on routes that need no token. */
  readonly caller: W extends "health" | "public" ? undefined : Caller;
  readonly params: { readonly [N in ParamNames<P>]: string };
  readonly query: Q;
  /** The declared headers, by their lower-case names. */
  readonly headers: H;
  readonly body: B;
  /** The body as it was sent, without defaults. */
  readonly sent: unknown;
  readonly request: Request;
  /** The id in X-Request-Id. */
  readonly requestId: string;
  readonly url: URL;
  /** Epoch ms, one value for the whole call. */
  readonly now: number;
  readonly waitUntil: (work: Promise<unknown>) => void;
};

export type Route<
  M extends Method = Method,
  P extends string = string,
  W extends Access = Access,
  A extends AnswerSpecs = AnswerSpecs,
  Q extends z.ZodType = z.ZodType,
  H extends z.ZodObject = z.ZodObject,
  S extends z.ZodType = z.ZodType,
> = {
  readonly method: M;
  /** The path, with `:name` for parameters. */
  readonly path: P;
  readonly access: W;
  /** The operation's id in the API's description: a verb and a noun, `createJob`. */
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** Query parameters with their JSON types (`queryIn` reads them from the URL's text), as a strict object. */
  readonly query?: Q;
  /** Request headers, by their lower-case names. */
  readonly headers?: H;
  readonly body?: BodySpec<S>;
  readonly answers: A;
  /** The route's own errors. Errors that every call can meet are not listed. */
  readonly errors?: readonly ErrorCode[];
  /** Handles the call. A `Response` is passed on unchanged, for streams and files. */
  handle(call: Call<P, W, z.output<Q>, z.output<H>, z.output<S>>): Promise<Result<ReplyOf<A>, HttpFailure> | Response>;
};

/** Declares a route. At run time it returns its argument; it ties the handler's types to the declaration. */
export const route = <
  const M extends Method,
  const P extends string,
  const W extends Access,
  const A extends AnswerSpecs,
  Q extends z.ZodType = z.ZodUndefined,
  H extends z.ZodObject = z.ZodObject<Record<never, never>>,
  S extends z.ZodType = z.ZodUndefined,
>(
  declared: Route<M, P, W, A, Q, H, S>,
): Route<M, P, W, A, Q, H, S> => declared;

/** A successful answer of a handler. */
export function reply<const S extends number>(status: S): Ok<{ readonly status: S }>;
export function reply<const S extends number, B>(
  status: S,
  body: B,
  headers?: Readonly<Record<string, string>>,
): Ok<{ readonly status: S; readonly body: B; readonly headers?: Readonly<Record<string, string>> }>;
export function reply(status: number, body?: unknown, headers?: Readonly<Record<string, string>>): Ok<AnyReply> {
  return ok({ status, body, ...compact({ headers }) });
}

/** A route of any types, for the table. */
export type AnyRoute = {
  readonly method: Method;
  readonly path: string;
  readonly access: Access;
  readonly id: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  readonly query?: z.ZodType;
  readonly headers?: z.ZodObject;
  readonly body?: BodySpec;
  readonly answers: AnswerSpecs;
  readonly errors?: readonly ErrorCode[];
  handle(call: AnyCall): Promise<Result<AnyReply, HttpFailure> | Response>;
};
export type AnyCall = Call<never, Access, unknown, unknown, unknown>;
export type AnyReply = {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
};
