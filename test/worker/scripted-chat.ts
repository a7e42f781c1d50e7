/**
 * The chat endpoint (`https://chat.test`) and the notifiers (`https://notify.test/{name}`) that heartbeats in workerd call over
 * HTTP. The heartbeat's document holds the answers as JSON: `{"decision": …, "main": …}`. GET returns the calls so far.
 */
export type ChatScript = {
  readonly status?: number;
  readonly body?: string;
  readonly type?: string;
  readonly delay_ms?: number;
  /** The answer to the first call. The others get `later`. */
  readonly later?: ChatScript;
};
export type SeenCall = { readonly headers: Record<string, string>; readonly body: { data: Record<string, string> } };

/** The used part of a request. The type of the test runtime is not the one of workers-types. */
type Incoming = {
  readonly method: string;
  readonly url: string;
  readonly headers: { forEach(each: (value: string, name: string) => void): void };
  text(): Promise<string>;
};

/** The calls so far, by session or by the notifier's path. */
const seen = new Map<string, SeenCall[]>();

function record(key: string, headers: Record<string, string>, body: SeenCall["body"]): number {
  const calls = seen.get(key) ?? [];
  calls.push({ headers, body });
  seen.set(key, calls);
  return calls.length;
}

/** GET `?of={session or path}` returns the calls. A POST is a call. */
export async function scriptedChat(request: Incoming): Promise<Response> {
  const url = new URL(request.url);
  if (request.method === "GET") return Response.json(seen.get(url.searchParams.get("of") ?? "") ?? []);
  const headers: Record<string, string> = {};
  request.headers.forEach((value, name) => {
    headers[name] = value;
  });
  const body = JSON.parse(await request.text());
  if (url.host === "notify.test") {
    const told = record(url.pathname, headers, body);
    const [, failures = "0"] = /^\/fails-(\d+)-/.exec(url.pathname) ?? [];
    if (told <= Number(failures)) return new Response("not yet", { status: 503 });
    if (url.pathname.startsWith("/slow")) await new Promise((resolve) => setTimeout(resolve, 3_000));
    const [, late] = /^\/late-(\d+)-/.exec(url.pathname) ?? [];
    if (told === Number(late)) await new Promise((resolve) => setTimeout(resolve, 1_500 * told));
    return new Response("noted", { status: url.pathname.startsWith("/broken") ? 500 : 200 });
  }
  const { session_id: session, message } = body.data;
  const count = record(session, headers, body);
  const document = /<heartbeat_document>\n(.*)\n<\/heartbeat_document>/s.exec(message)?.[1] ?? "{}";
  const scripts: { decision?: ChatScript; main?: ChatScript } = JSON.parse(document);
  return answer(session.endsWith(":decision") ? scripts.decision : scripts.main, count);
}

async function answer(script: ChatScript = {}, count: number): Promise<Response> {
  if (count > 1 && script.later !== undefined) return answer(script.later, count - 1);
  if (script.delay_ms !== undefined) await new Promise((resolve) => setTimeout(resolve, script.delay_ms));
  const headers = { "content-type": script.type ?? "application/json" };
  return new Response(script.body ?? '{"text":""}', { status: script.status ?? 200, headers });
}
