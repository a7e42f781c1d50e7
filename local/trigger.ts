/**
 * `GET /cdn-cgi/local/scheduled` (docs/contract.md §11), answered by the Worker itself. Miniflare's own version answers an
 * invalid `time` with a stack. This is bundled around the Worker's default export, so that no request needs another hop.
 */
const TRIGGER_PATH = "/cdn-cgi/local/scheduled";
/** The last instant that a Date can hold, in epoch ms. */
const MAX_TIME = 8.64e15;

type Controller = { readonly scheduledTime: number; readonly cron: string; noRetry(): void };

/** A Worker's default export. `Env` and `Context` come from the runtime. */
type Worker<Env, Context> = {
  fetch(request: Request, env: Env, context: Context): Response | Promise<Response>;
  scheduled?(controller: Controller, env: Env, context: Context): void | Promise<void>;
};

/**
 * The Worker with the path that fires its Cron Trigger. `time` is the due minute in epoch ms, by default now, and `cron`
 * the expression. It answers `ok` when the tick is done, 422 `validation_failed` for an invalid `time`, and 500 with the
 * error of a failed tick.
 */
export function withTrigger<Env, Context>(worker: Worker<Env, Context>): Worker<Env, Context> {
  const fire = async (query: URLSearchParams, env: Env, context: Context): Promise<Response> => {
    const time = query.get("time") || String(Date.now());
    if (!/^\d{1,16}$/.test(time) || Number(time) > MAX_TIME) return wrongTime(time);
    const cron = query.get("cron") ?? "";
    try {
      await worker.scheduled?.({ scheduledTime: Number(time), cron, noRetry() {} }, env, context);
      return new Response("ok");
    } catch (error) {
      console.error(error);
      return new Response(String(error), { status: 500 });
    }
  };
  return {
    ...worker,
    fetch(request, env, context) {
      // This runs for every request, so the URL is parsed only if it can be this one.
      const url = request.url.includes(TRIGGER_PATH) ? new URL(request.url) : undefined;
      if (url?.pathname !== TRIGGER_PATH) return worker.fetch(request, env, context);
      if (isForeign(url, request.headers)) return foreign();
      return fire(url.searchParams, env, context);
    },
  };
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Whether a page of another site makes the call. No token protects this path. The browser marks such a call (`Origin`, or
 * `Sec-Fetch-Site` for a page that requests it as an image), or the page has given this machine its own name (DNS
 * rebinding).
 */
function isForeign(url: URL, headers: Headers): boolean {
  const origin = headers.get("origin");
  if (origin !== null && !(URL.canParse(origin) && LOOPBACK.test(new URL(origin).hostname))) return true;
  return headers.get("sec-fetch-site") === "cross-site" || !LOOPBACK.test(url.hostname);
}

const foreign = (): Response =>
  problem({
    type: "urn:reveille:problem:forbidden",
    title: "Forbidden",
    status: 403,
    detail: "A page of another site may not fire the Cron Trigger of this machine.",
    code: "forbidden",
    hint: `Call http://127.0.0.1:PORT${TRIGGER_PATH} from this machine, not from a browser's page.`,
  });

function wrongTime(time: string): Response {
  const message = "must be milliseconds since 1970, as JavaScript's Date.now() gives them, e.g. 1795424400000";
  return problem({
    type: "urn:reveille:problem:validation_failed",
    title: "Invalid input",
    status: 422,
    detail: `time: ${message}; got ${JSON.stringify(time.slice(0, 100))}.`,
    code: "validation_failed",
    hint: `Send ${TRIGGER_PATH}?time=1795424400000, or leave time out for now.`,
    errors: [{ path: "time", message }],
  });
}

/** A problem in the form of every other error (docs/contract.md §6). */
const problem = (body: { readonly status: number } & Readonly<Record<string, unknown>>): Response =>
  new Response(JSON.stringify(body), { status: body.status, headers: { "content-type": "application/problem+json" } });
