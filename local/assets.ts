/**
 * The dashboard's files in front of the Worker, as Cloudflare serves them. What wrangler.toml gives the Worker first
 * goes straight to it, of anything else a file by that path is served if there is one. Miniflare would send every
 * call through three Workers of its own to find that out, which costs as much as the call itself.
 */

/** The server of the files: Miniflare's own, bound as `ASSETS`. */
type Files = { fetch(request: Request): Promise<Response> };

/** Whether a path (with its leading slash) is one of `patterns`, in which `*` stands for any characters (`run_worker_first`). */
export function matcher(patterns: readonly string[]): (path: string) => boolean {
  const quoted = patterns.map((pattern) => pattern.split("*").map(quote).join(".*"));
  const any = new RegExp(`^(?:${quoted.join("|")})$`);
  return (path) => patterns.length > 0 && any.test(path);
}

const quote = (text: string): string => text.replace(/[\\^$.*+?()[\]{}|]/g, "\\$&");

/** `worker` with the files of `ASSETS`, where its environment has them. `workerFirst` are wrangler.toml's patterns. */
export function withAssets<Env extends object, Context>(
  worker: { fetch(request: Request, env: Env, context: Context): Response | Promise<Response> },
  workerFirst: readonly string[],
) {
  const isWorkerFirst = matcher(workerFirst);
  return {
    ...worker,
    async fetch(request: Request, env: Env & { readonly ASSETS?: Files }, context: Context): Promise<Response> {
      const { ASSETS: files } = env;
      if (files !== undefined && !isWorkerFirst(new URL(request.url).pathname)) {
        const { method, url } = request;
        const isRead = method === "GET" || method === "HEAD";
        // The body of another call is the Worker's: the files only say whether they have the path, and that they take no such call.
        const file = await files.fetch(
          isRead ? new Request(request, { redirect: "manual" }) : new Request(url, { method }),
        );
        if (file.status !== 404) return file;
      }
      return worker.fetch(request, env, context);
    },
  };
}
