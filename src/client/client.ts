/**
 * The typed client: every route with its parameters, body and answers, derived from the table that serves them.
 *
 *     const api = createClient("https://reveille.example.com", TOKEN);
 *     const made = await api.v1.jobs.$post({ json: { name: "stand-up", message: "…", schedule: { cron: "0 9 * * 1-5" } } });
 *     if (made.status === 201) console.log((await made.json()).next_run_at);
 */
import type { Hono } from "hono";
import { type ClientRequestOptions, hc } from "hono/client";
import type { StatusCode } from "hono/utils/http-status";
import type * as z from "zod";
import type { ROUTES } from "../http/app.ts";
import type { AnswerSpec, AnswerSpecs, ParamNames } from "../http/route.ts";
import type { AppEnv } from "../http/serve.ts";

type Declared = (typeof ROUTES)[number];

type Param<P extends string> = [ParamNames<P>] extends [never] ? unknown : { param: { [N in ParamNames<P>]: string } };
type Json<R> = R extends { readonly body?: { readonly schema: infer S extends z.ZodType } }
  ? [z.input<S>] extends [undefined]
    ? unknown
    : Record<never, never> extends z.input<S>
      ? { json?: z.input<S> }
      : { json: z.input<S> }
  : unknown;
type Query<R> = R extends { readonly query?: infer Q extends z.ZodType }
  ? [z.input<Q>] extends [undefined]
    ? unknown
    : { query?: { [F in keyof z.input<Q>]?: string | string[] } }
  : unknown;
type Header<R> = R extends { readonly headers?: infer H extends z.ZodObject }
  ? z.input<H> extends Record<string, never>
    ? unknown
    : { header?: z.input<H> }
  : unknown;

type Body<A extends AnswerSpec> = A extends { readonly schema: infer S extends z.ZodType } ? z.output<S> : null;

type Endpoints<R extends { readonly path: string; readonly answers: AnswerSpecs }> = {
  [S in keyof R["answers"] & StatusCode]: {
    input: Param<R["path"]> & Json<R> & Query<R> & Header<R>;
    output: Body<R["answers"][S]>;
    outputFormat: "json";
    status: S;
  };
}[keyof R["answers"] & StatusCode];

/** The schema of the API in Hono's terms, for `hc`. */
export type ApiSchema = {
  [P in Declared["path"]]: {
    [R in Extract<Declared, { readonly path: P }> as `$${R["method"]}`]: Endpoints<R>;
  };
};
export type Api = Hono<AppEnv, ApiSchema, "/">;

/** A client for the deployment at `baseUrl`, calling with `token`. `options` are Hono's: `fetch`, `headers`, `init`. */
export const createClient = (baseUrl: string, token: string, options: ClientRequestOptions = {}) => {
  const authorization = `Bearer ${token}`;
  const { headers } = options;
  // If headers are given as a function, it is called for every request.
  const all =
    typeof headers === "function"
      ? async () => ({ authorization, ...(await headers()) })
      : { authorization, ...headers };
  return hc<Api>(baseUrl, { ...options, headers: all });
};
