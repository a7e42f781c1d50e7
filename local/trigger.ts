/**
 * `GET /cdn-cgi/local/scheduled` (docs/contract.md §11), answered by the Worker itself. Miniflare's own answers a
 * `time` that it cannot read with a stack. Bundled around the Worker's default export, so that no request makes a hop
 * more for it.
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
 * The Worker with the path that fires its Cron Trigger. `time` is the minute that is due in epoch ms, now by default,
 * and `cron` the expression. Answers `ok` when the tick is done; 422 `validation_failed` on a `time` that is none;
 * 500 with the error of a tick that failed.
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
      // Asked of every request: the URL is only taken apart where it can be this one.
      const url = request.url.includes(TRIGGER_PATH) ? new URL(request.url) : undefined;
      if (url?.pathname !== TRIGGER_PATH) return worker.fetch(request, env, context);
      if (isForeign(url, request.headers)) return foreign();
      return fire(url.searchParams, env, context);
    },
  };
}

const LOOPBACK = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Whether a page of another site makes the call, which no token protects. It says so itself (`Origin`, or
 * `Sec-Fetch-Site` where a page only shows what it asks for as a picture), or it has this machine under a name of its
 * own (DNS rebinding).
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

/** In the form of every other error (docs/contract.md §6). */
const problem = (body: { readonly status: number } & Readonly<Record<string, unknown>>): Response =>
  new Response(JSON.stringify(body), { status: body.status, headers: { "content-type": "application/problem+json" } });
