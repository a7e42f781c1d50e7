/** One call to one route, from the request to the response: settings, token, query, body, handler, answer. */
import type { Context } from "hono";
import * as z from "zod";
import { err, ok, type Result } from "../domain/result.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import { authorise, configured, type Secrets } from "./auth.ts";
import { check, checkHeaders, checkQuery, readJson } from "./input.ts";
import { type HttpFailure, problem } from "./problem.ts";
import type { AnyCall, AnyReply, AnyRoute } from "./route.ts";

/** Hono's types for this app. */
export type AppEnv = { readonly Bindings: Env; readonly Variables: { readonly requestId: string } };

/** The settings, if this deployment may answer at all. Errors: `not_configured`, naming the setting. */
export function readSettings(
  env: Env,
): Result<{ readonly settings: Settings; readonly secrets: Secrets }, HttpFailure> {
  let settings: Settings;
  try {
    settings = settingsOf(env);
  } catch (error) {
    return err({ kind: "not_configured", detail: error instanceof Error ? error.message : String(error) });
  }
  const secrets = configured(settings);
  return secrets.ok ? ok({ settings, secrets: secrets.value }) : secrets;
}

/** Answers a call to `route`. */
export async function serve(route: AnyRoute, c: Context<AppEnv>): Promise<Response> {
  const outcome = await call(route, c);
  // A response of a Durable Object has headers that cannot be added to.
  if (outcome instanceof Response) return new Response(outcome.body, outcome);
  return outcome.ok ? respond(outcome.value) : problem(outcome.error);
}

async function call(route: AnyRoute, c: Context<AppEnv>): Promise<Result<AnyReply, HttpFailure> | Response> {
  if (route.access === "health") return handle(route, c, undefined, undefined);
  const read = readSettings(c.env);
  if (!read.ok) return read;
  const { settings, secrets } = read.value;
  const configuredSettings = { ...settings, TOKEN_SECRET: secrets.tokenSecret };
  if (route.access === "public") return handle(route, c, configuredSettings, undefined);
  const caller = await authorise(route.access, c.req.raw, c.req.param(), secrets);
  return caller.ok ? handle(route, c, configuredSettings, caller.value) : caller;
}

async function handle(route: AnyRoute, c: Context<AppEnv>, settings: AnyCall["settings"], caller: AnyCall["caller"]) {
  const request = c.req.raw;
  const url = new URL(request.url);
  const query = checkQuery(route.query ?? NO_QUERY, url);
  if (!query.ok) return query;
  const headers = route.headers === undefined ? ok({}) : checkHeaders(route.headers, request.headers);
  if (!headers.ok) return headers;
  const sent = route.body === undefined ? ok(undefined) : await readJson(request, route.body);
  if (!sent.ok) return sent;
  const body = route.body === undefined ? ok(undefined) : check(route.body.schema, sent.value);
  if (!body.ok) return body;
  return route.handle({
    env: c.env,
    settings,
    caller,
    params: c.req.param(),
    query: query.value,
    headers: headers.value,
    body: body.value,
    sent: sent.value,
    request,
    url,
    now: Date.now(),
    waitUntil: (work) => c.executionCtx.waitUntil(work),
  });
}

/** A parameter that a route does not know is an error, as an unknown field is: it would be taken to have worked. */
const NO_QUERY = z.strictObject({});

function respond({ status, body, headers }: AnyReply): Response {
  if (body === undefined) return new Response(null, { status, ...(headers === undefined ? {} : { headers }) });
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}
