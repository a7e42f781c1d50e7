/**
 * Serves the dashboard's files in front of the Worker, as Cloudflare does. Paths that wrangler.toml gives the Worker first
 * go straight to it. For other paths a file is served if there is one. Miniflare would send every call through three
 * Workers of its own for that, which costs as much as the call itself.
 */

import { problem } from "../src/http/problem.ts";

/** The server of the files: Miniflare's own, bound as `ASSETS`. */
type Files = { fetch(request: Request): Promise<Response> };

/**
 * Whether a path (with its leading slash) matches one of `patterns` (`run_worker_first`). `*` stands for any characters.
 */
export function matcher(patterns: readonly string[]): (path: string) => boolean {
  const quoted = patterns.map((pattern) => pattern.split("*").map(quote).join(".*"));
  const any = new RegExp(`^(?:${quoted.join("|")})$`);
  return (path) => patterns.length > 0 && any.test(path);
}

const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** A file's refusal of a method, as the Worker refuses one. The server of the files does not say which methods it takes. */
const refusalOf = (method: string, path: string) =>
  ({ kind: "method_not_allowed", method, allow: ["GET", "HEAD"], calls: [`GET ${path} (a file)`] }) as const;

/** `worker` with the files of `ASSETS`, if its environment has them. `workerFirst` are wrangler.toml's patterns. */
export function withAssets<Env extends object, Context>(
  worker: { fetch(request: Request, env: Env, context: Context): Response | Promise<Response> },
  workerFirst: readonly string[],
) {
  const isWorkerFirst = matcher(workerFirst);
  return {
    ...worker,
    async fetch(request: Request, env: Env & { readonly ASSETS?: Files }, context: Context): Promise<Response> {
      const { ASSETS: files } = env;
      const { method, url } = request;
      const { pathname } = new URL(url);
      if (files !== undefined && !isWorkerFirst(pathname)) {
        const isRead = method === "GET" || method === "HEAD";
        // A call with another method is the Worker's. The files are asked only whether they have the path, and they refuse
        // the method.
        const file = await files.fetch(
          isRead ? new Request(request, { redirect: "manual" }) : new Request(url, { method }),
        );
        if (file.status === 405) return problem(refusalOf(method, pathname));
        if (file.status !== 404) return file;
      }
      return worker.fetch(request, env, context);
    },
  };
}
