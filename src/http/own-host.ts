/**
 * Under `npm start` the service answers only under names of this machine or of PUBLIC_URL. A page of another site can make
 * the browser resolve the site's name to 127.0.0.1 (DNS rebinding). Such a call is refused first.
 */
import { createMiddleware } from "hono/factory";
import { forbidden } from "../domain/failure.ts";
import type { Settings } from "../env.ts";
import { isLoopback } from "../outbound/endpoint.ts";
import { problem } from "./problem.ts";
import { type AppEnv, readSettings } from "./serve.ts";

export const ownHost = createMiddleware<AppEnv>(async (c, next) => {
  const read = readSettings(c.env);
  const url = new URL(c.req.url);
  if (!read.ok || isOwnHost(url, read.value.settings)) return next();
  const { error } = forbidden(
    `This service does not answer under the host name ${url.hostname}.`,
    "Call it at http://127.0.0.1:PORT on this machine, or have the operator set PUBLIC_URL to this address.",
  );
  return problem(error);
});

/** Whether the URL's host is a name of this service. For a deployment, Cloudflare chooses the hosts. */
export function isOwnHost(url: URL, { LOCAL, PUBLIC_URL }: Pick<Settings, "LOCAL" | "PUBLIC_URL">): boolean {
  return !LOCAL || isLoopback(url.hostname) || (PUBLIC_URL !== undefined && hostOf(PUBLIC_URL) === url.hostname);
}

/** Whether a page of this origin belongs to the service itself. */
export function isOwnOrigin(origin: string, url: URL, { PUBLIC_URL }: Pick<Settings, "PUBLIC_URL">): boolean {
  return origin === url.origin || (PUBLIC_URL !== undefined && originOf(PUBLIC_URL) === origin);
}

const hostOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).hostname : undefined);
const originOf = (url: string): string | undefined => (URL.canParse(url) ? new URL(url).origin : undefined);
