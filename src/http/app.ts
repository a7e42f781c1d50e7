/** The HTTP API: the table of all routes, the middleware around every answer, and the answer for an unknown route. */
import { Hono, type MiddlewareHandler } from "hono";
import { cors } from "hono/cors";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { timing } from "hono/timing";
import { standIn } from "../directory/stand-in.ts";
import { authenticate } from "./auth.ts";
import { drainBody } from "./drain.ts";
import type { HttpFailure } from "./failure.ts";
import { mcpRoute } from "./mcp/mcp.ts";
import { describeApi } from "./openapi.ts";
import { ownHost } from "./own-host.ts";
import { problem, unexpected } from "./problem.ts";
import type { AnyRoute } from "./route.ts";
import { agentRoutes } from "./routes/agents.ts";
import { auditRoutes } from "./routes/audit.ts";
import { bulkRoutes } from "./routes/bulk.ts";
import { docsRoutes } from "./routes/docs.ts";
import { ensureRoutes } from "./routes/ensure.ts";
import { eventRoutes } from "./routes/events.ts";
import { fanOutRoutes } from "./routes/fan-outs.ts";
import { forecastRoutes } from "./routes/forecast.ts";
import { healthRoutes } from "./routes/health.ts";
import { heartbeatRoutes } from "./routes/heartbeats.ts";
import { importRoutes } from "./routes/import.ts";
import { jobRunRoutes } from "./routes/job-runs.ts";
import { jobWatchRoutes } from "./routes/job-watch.ts";
import { jobRoutes } from "./routes/jobs.ts";
import { mailboxRoutes } from "./routes/mailbox.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { statsRoutes } from "./routes/stats.ts";
import { subscriptionRoutes } from "./routes/subscriptions.ts";
import { tokenRoutes } from "./routes/tokens.ts";
import { triggerRoutes } from "./routes/triggers.ts";
import { userRoutes } from "./routes/users.ts";
import { type AppEnv, readSettings, serve } from "./serve.ts";
import { nearCall } from "./teach/near-path.ts";

const resources = [
  ...healthRoutes,
  ...ensureRoutes,
  ...bulkRoutes,
  ...jobRoutes,
  ...jobRunRoutes,
  ...triggerRoutes,
  ...fanOutRoutes,
  ...jobWatchRoutes,
  ...scheduleRoutes,
  ...forecastRoutes,
  ...tokenRoutes,
  ...auditRoutes,
  ...heartbeatRoutes,
  ...userRoutes,
  ...agentRoutes,
  ...mailboxRoutes,
  ...importRoutes,
  ...statsRoutes,
  ...eventRoutes,
  ...subscriptionRoutes,
  ...metricsRoutes,
] as const satisfies readonly AnyRoute[];

const described = [...resources, mcpRoute(resources), ...docsRoutes] as const satisfies readonly AnyRoute[];

/** All routes. */
export const ROUTES = [...described, describeApi(described)] as const satisfies readonly AnyRoute[];

/** The app. It is built once and serves every request. */
export function buildApp(routes: readonly AnyRoute[]): Hono<AppEnv> {
  const app = new Hono<AppEnv>();
  app.use(standInForTick, drainBody, requestId(), showRequestId, timing(), secureHeaders(), ownHost, crossOrigin);
  for (const route of routes) app.on(route.method.toUpperCase(), route.path, (c) => serve(route, c));
  const patterns = patternsOf(routes);
  app.notFound(async (c) => problem(await refuse(c.req.raw, c.req.path, c.env, patterns)));
  app.onError((error, c) => {
    const where = { request_id: c.get("requestId"), method: c.req.method, route: c.req.path };
    return problem(unexpected(error, where));
  });
  return app;
}

/** Does the work of a missing tick beside a call of the API. */
const standInForTick: MiddlewareHandler<AppEnv> = async (c, next) => {
  if (readSettings(c.env).ok) c.executionCtx.waitUntil(standIn(c.env, Date.now()));
  await next();
};

/** Sets X-Request-Id. Hono's own header would be lost on answers that are not made through its context. */
const showRequestId: MiddlewareHandler<AppEnv> = async (c, next) => {
  await next();
  c.res.headers.set("x-request-id", c.get("requestId"));
};

const corsOf = new Map<string, MiddlewareHandler<AppEnv>>();

/** CORS for the origins of CORS_ORIGIN. Without that setting, browsers of other origins are refused. */
const crossOrigin: MiddlewareHandler<AppEnv> = async (c, next) => {
  const read = readSettings(c.env);
  const origins = read.ok ? read.value.settings.CORS_ORIGIN : undefined;
  if (origins === undefined) return next();
  let middleware = corsOf.get(origins);
  if (middleware === undefined) {
    middleware = cors({
      origin: origins.trim() === "*" ? "*" : origins.split(",").map((origin) => origin.trim()),
      allowMethods: ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
      allowHeaders: [
        "Authorization",
        "Content-Type",
        "If-Match",
        "Idempotency-Key",
        "Last-Event-ID",
        "X-Request-Id",
        "Mcp-Method",
        "Mcp-Name",
        "Mcp-Protocol-Version",
      ],
      exposeHeaders: [
        "ETag",
        "Location",
        "Idempotency-Replayed",
        "Retry-After",
        "Allow",
        "X-Request-Id",
        "Server-Timing",
      ],
      maxAge: 86_400,
    });
    corsOf.set(origins, middleware);
  }
  return middleware(c, next);
};

type Pattern = { readonly pattern: RegExp; readonly route: AnyRoute };

const patternsOf = (routes: readonly AnyRoute[]): readonly Pattern[] =>
  routes.map((route) => ({
    pattern: new RegExp(`^${route.path.replace(/[.]/g, "\\.").replace(/:[^/]+/g, "[^/]+")}$`),
    route,
  }));

const isOpen = ({ access }: AnyRoute): boolean => access === "public" || access === "health";

/**
 * The cost up to which another path counts as a likely misspelling. Such a path is named beside the methods of this one.
 */
const MAX_COST_OF_OTHER_PATH = 1.2;

/**
 * Explains why no route answers: the path does not have this method, or there is no such path. It names what is near. Paths
 * under /v1 are named only to callers with a token.
 */
async function refuse(
  request: Request,
  path: string,
  env: AppEnv["Bindings"],
  patterns: readonly Pattern[],
): Promise<HttpFailure> {
  const { method } = request;
  const here = patterns.filter(({ pattern }) => pattern.test(path)).map(({ route }) => route);
  const read = readSettings(env);
  if (!read.ok) return read.error;
  if (here.length > 0 ? !here.every(isOpen) : path.startsWith("/v1/")) {
    const caller = await authenticate(request, { env, ...read.value, now: Date.now() });
    if (!caller.ok) return caller.error;
  }
  if (here.length === 0) {
    const near = nearCall(
      method,
      path,
      patterns.map(({ route }) => route),
    );
    const lists = "/openapi.json lists every path";
    const hint = near === undefined ? `Check the path: ${lists}.` : `Did you mean ${near}? ${lists}.`;
    return { kind: "not_found", what: "path", hint };
  }
  const allow = [
    ...new Set(
      here.map((route) => route.method.toUpperCase()).flatMap((one) => (one === "GET" ? ["GET", "HEAD"] : [one])),
    ),
  ];
  const calls = here.map((route) => `${route.method.toUpperCase()} ${path} (${route.summary})`);
  // An item is made by PUT under its id, and POST of the list usually means that.
  const item = patterns.find(({ pattern, route }) => route.method === "put" && pattern.test(`${path}/x`))?.route;
  if (item !== undefined && method === "POST") calls.unshift(`PUT ${path}/{id} (${item.summary})`);
  // Another path may take the method: POST …/runs usually means …/run.
  const sameMethod = patterns.map(({ route }) => route).filter((route) => route.method === method.toLowerCase());
  const other = nearCall(method, path, sameMethod, MAX_COST_OF_OTHER_PATH);
  if (other !== undefined && item === undefined) calls.push(other);
  return { kind: "method_not_allowed", method, allow, calls };
}
