/** An agent with a URL: a Fetch handler that Reveille calls. */

import { parseJson } from "../domain/text/parse-json.ts";
import { parseDuration } from "../domain/time/duration.ts";
import { answerOf, completionOf, type Outcome } from "./outcome.ts";
import { type Fetch, progressUrl, send, sendUntilDone } from "./report.ts";
import { isObject, type OnRun, type RunCall, runCallOf } from "./run.ts";
import { checkedSecrets, signatureProblem } from "./signature.ts";
import { MAX_TIMER_MS, within } from "./wait.ts";
import { begin, type Working } from "./working.ts";

export type AgentOptions = {
  /** The agent's registered secret, `whsec_…`, or two while one is being replaced. */
  readonly secret: string | readonly string[];
  readonly onRun: OnRun;
  /** The time after which a call is answered 202 and completed later. Default "5s". */
  readonly defer?: string;
  /** Answers a heartbeat's chat calls (docs/heartbeat.md). Without it they are refused. */
  readonly onChat?: (chat: Chat) => unknown;
  /** Called with errors that could not be reported. Default: `console.error`. */
  readonly onError?: (error: Error) => void;
  /** The `fetch` that makes the reports. Default: the runtime's own. */
  readonly fetch?: Fetch;
};

export type Chat = { readonly session_id: string; readonly message: string; readonly model?: string };

/** The Fetch handler. `context` is a Worker's; its `waitUntil` keeps a run alive after its call was answered. */
export type Agent = (request: Request, env?: unknown, context?: unknown) => Promise<Response>;

const DEFAULT_DEFER = "5s";
const DEFAULT_TIMEOUT_MS = 300_000;
const DEFAULT_COMPLETION_MS = 3_600_000;
/** The share of the attempt's time limit after which an answer might come too late. */
const DEFER_SHARE = 0.75;
const MAX_BODY_CHARS = 1_048_576;
const MAX_REMEMBERED = 1_000;

type Known = { readonly working: Working; call: RunCall; isReported: boolean; outcome?: Outcome };

/**
 * Makes a Fetch handler of `onRun`. It verifies calls and recognises repeats by their `webhook-id`. It answers the result
 * of `onRun`, or 202 after `defer`; then it completes the run with retries. Throws if a secret or `defer` is malformed.
 */
export function createAgent(options: AgentOptions): Agent {
  const { onRun, onChat, onError = console.error, fetch: fetchIt = (url, init) => fetch(url, init) } = options;
  const secrets = checkedSecrets(options.secret);
  const deferMs = millisecondsOf(options.defer ?? DEFAULT_DEFER);
  const runs = new Map<string, Known>();

  const take = (call: RunCall): Known => {
    const { id } = call.data.run;
    const known = runs.get(id);
    if (known !== undefined) {
      // This is a repeat, or the next attempt while the first still works. Reports use the latest token.
      known.call = call;
      return known;
    }
    const working = begin(call, onRun, timeoutOf(call, "timeout"), report);
    const entry: Known = { call, isReported: false, working };
    async function report(progress: object) {
      const { complete } = entry.call.data;
      const reported = await send(fetchIt, { url: progressUrl(complete.url), token: complete.token, body: progress });
      if (reported.kind === "done") entry.working.renew(timeoutOf(entry.call, "completion_timeout"));
      return reported;
    }
    runs.set(id, entry);
    if (runs.size > MAX_REMEMBERED) forgetOldest(runs);
    void working.outcome.then((outcome) => {
      entry.outcome = outcome;
      // A failed attempt is not remembered, since the next one must do the work again.
      if (isWorthAnother(outcome) && runs.get(id) === entry) runs.delete(id);
    });
    return entry;
  };

  const complete = async (entry: Known, outcome: Outcome): Promise<void> => {
    if (entry.isReported || entry.working.isEnded) return;
    entry.isReported = true;
    const completion = completionOf(outcome);
    if (completion === undefined) return;
    const { url, token } = entry.call.data.complete;
    const deadline = Date.now() + timeoutOf(entry.call, "completion_timeout");
    const reported = await sendUntilDone(fetchIt, { url, token, body: completion }, deadline);
    if (reported.kind === "lost")
      onError(new Error(`the run ${entry.call.data.run.id} could not be completed: ${reported.why}`));
  };

  const wake = async (call: RunCall, context: unknown): Promise<Response> => {
    const entry = take(call);
    const wait = Math.min(deferMs, timeoutOf(call, "timeout") * DEFER_SHARE);
    const outcome = entry.outcome ?? (await within(entry.working.outcome, wait, undefined));
    if (outcome !== undefined) return answerOf(outcome);
    entry.working.renew(timeoutOf(call, "completion_timeout"));
    const later = entry.working.outcome.then((late) => complete(entry, late));
    waitUntil(context, later.catch(onError));
    return new Response(null, { status: 202 });
  };

  return async (request, _env, context) => {
    if (request.method !== "POST") return refuse(405, "send a POST", { allow: "POST" });
    if (Number(request.headers.get("content-length") ?? 0) > MAX_BODY_CHARS)
      return refuse(413, "the body is too large");
    const text = await request.text();
    if (text.length > MAX_BODY_CHARS) return refuse(413, "the body is too large");
    const problem = await signatureProblem(secrets, request.headers, text, Math.floor(Date.now() / 1_000));
    if (problem !== undefined) return refuse(401, problem);
    const call = parseJson(text);
    const run = runCallOf(call);
    if (run !== undefined) return wake(run, context);
    if (onChat !== undefined && isObject(call) && call.type === "chat" && isChat(call.data)) {
      const answer = await onChat(call.data);
      return answer instanceof Response
        ? answer
        : Response.json(typeof answer === "string" ? { text: answer } : answer);
    }
    const type = isObject(call) && typeof call.type === "string" ? call.type : "a body that is no call";
    return refuse(400, `this agent takes job.run, not ${type}`);
  };
}

/** A job's own limit, from the call. */
function timeoutOf({ data }: RunCall, field: "timeout" | "completion_timeout"): number {
  const text = data.job[field];
  const read = typeof text === "string" ? parseDuration(text) : undefined;
  if (read?.ok === true && read.value > 0) return Math.min(read.value, MAX_TIMER_MS);
  return field === "timeout" ? DEFAULT_TIMEOUT_MS : DEFAULT_COMPLETION_MS;
}

function millisecondsOf(text: string): number {
  const read = parseDuration(text);
  if (!read.ok) throw new TypeError(`defer: ${read.error}`);
  if (read.value < 0) throw new TypeError("defer must not be negative");
  return read.value;
}

/** Whether Reveille makes another attempt after this answer (docs/contract.md §4). */
const isWorthAnother = ({ failure, reply }: Outcome): boolean =>
  failure !== undefined || (reply !== undefined && (reply.status >= 500 || [408, 429].includes(reply.status)));

/** Forgets the oldest remembered run that is not in progress. */
function forgetOldest(runs: Map<string, Known>): void {
  for (const [id, { outcome }] of runs) if (outcome !== undefined) return void runs.delete(id);
}

const isChat = (data: unknown): data is Chat =>
  isObject(data) && typeof data.session_id === "string" && typeof data.message === "string";

function waitUntil(context: unknown, work: Promise<void>): void {
  if (isObject(context) && typeof context.waitUntil === "function") context.waitUntil(work);
}

const refuse = (status: number, error: string, headers: Readonly<Record<string, string>> = {}): Response =>
  Response.json({ error }, { status, headers });
