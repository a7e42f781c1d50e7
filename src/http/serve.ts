/** One call over HTTP, from the request to the response: settings, token, input, {@link invoke}, answer. */

import type { Context } from "hono";
import { compact } from "../domain/compact.ts";
import { ADMIN } from "../domain/job/access.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { messageOf } from "../domain/text/error-text.ts";
import { type Env, type Settings, settingsOf } from "../env.ts";
import { authenticate, carriesToken, configured, HOW_TO_SEND_A_TRIGGER_TOKEN, type Secrets } from "./auth.ts";
import type { HttpFailure } from "./failure.ts";
import { headersIn, queryIn, readJson } from "./input.ts";
import { type Answered, invoke } from "./invoke.ts";
import { problem } from "./problem.ts";
import type { AnyCall, AnyReply, AnyRoute } from "./route.ts";
import { protocolToken, refusedSocket } from "./socket.ts";

/** Hono's types for this app. */
export type AppEnv = { readonly Bindings: Env; readonly Variables: { readonly requestId: string } };

/** The settings, if this deployment may answer. Errors: `not_configured`, naming the setting. */
export function readSettings(
  env: Env,
): Result<{ readonly settings: Settings; readonly secrets: Secrets }, HttpFailure> {
  let settings: Settings;
  try {
    settings = settingsOf(env);
  } catch (error) {
    return err({ kind: "not_configured", detail: messageOf(error) });
  }
  const secrets = configured(settings);
  return secrets.ok ? ok({ settings, secrets: secrets.value }) : secrets;
}

/** Answers a call to `route`. */
export async function serve(route: AnyRoute, c: Context<AppEnv>): Promise<Response> {
  const outcome = await call(route, c);
  // The headers of a Durable Object's response cannot be changed, so it is copied.
  if (outcome instanceof Response) return new Response(outcome.body, outcome);
  if (outcome.ok) return respond(outcome.value);
  return protocolToken(c.req.raw) === undefined ? problem(outcome.error) : refusedSocket(c.req.raw, outcome.error);
}

async function call(route: AnyRoute, c: Context<AppEnv>): Promise<Answered> {
  if (route.access === "health") return handle(route, c, undefined, undefined);
  const read = readSettings(c.env);
  if (!read.ok) return read;
  const { settings, secrets } = read.value;
  const configuredSettings = { ...settings, TOKEN_SECRET: secrets.tokenSecrets[0] };
  if (route.access === "public") return handle(route, c, configuredSettings, undefined);
  if (route.access === "metrics" && carriesToken(c.req.raw, settings.METRICS_TOKEN)) {
    return handle(route, c, configuredSettings, ADMIN);
  }
  // A webhook that cannot send headers has its token in the URL. No other route takes a token from there.
  const queryToken = route.access === "trigger" ? c.req.query("token") : undefined;
  const caller = await authenticate(c.req.raw, { env: c.env, settings, secrets, now: Date.now(), queryToken });
  if (caller.ok) return handle(route, c, configuredSettings, caller.value);
  const isTrigger = route.access === "trigger" && caller.error.kind === "unauthorized";
  return isTrigger ? err({ ...caller.error, hint: HOW_TO_SEND_A_TRIGGER_TOKEN }) : caller;
}

function handle(route: AnyRoute, c: Context<AppEnv>, settings: AnyCall["settings"], caller: AnyCall["caller"]) {
  const request = c.req.raw;
  const url = new URL(request.url);
  const around = {
    env: c.env,
    settings,
    caller,
    request,
    requestId: c.get("requestId"),
    url,
    now: Date.now(),
    waitUntil: (work: Promise<unknown>) => c.executionCtx.waitUntil(work),
  };
  return invoke(route, around, {
    params: c.req.param(),
    query: queryIn(route.query, url),
    headers: headersIn(route.headers, request.headers),
    readBody: () => (route.body === undefined ? Promise.resolve(ok(undefined)) : readJson(request, route.body)),
  });
}

function respond({ status, body, headers }: AnyReply): Response {
  if (body === undefined) return new Response(null, { status, ...compact({ headers }) });
  return new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json", ...headers } });
}
