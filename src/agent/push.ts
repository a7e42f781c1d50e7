/**
 * One attempt to call the agent (CONTRACT.md §4): writes, signs and sends the call, waits, and says what the answer means.
 *
 * It never throws, and every way out releases the connection. `fetch` and the clock are arguments; whether to try again is
 * decided elsewhere (`domain/retry.ts`). Reasons are sentences for the job's owner: they name neither the URL, which may hold
 * a secret in its query, nor anything of the call.
 */

import { err, ok, type Result } from "../domain/result.ts";
import type { Answer } from "../domain/run/attempt-outcome.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { formatDuration } from "../domain/time/duration.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import { type Deadline, type Interruption, TimedDeadline } from "../outbound/deadline.ts";
import { endpointError } from "../outbound/endpoint.ts";
import { readAnswerText, readText, release } from "../outbound/output.ts";
import { classifyStatus, explainStatus, textDecoderFor } from "../outbound/response.ts";
import { parseRetryAfter } from "../outbound/retry-after.ts";
import { type SignatureHeaders, signedHeaders } from "../outbound/signature.ts";
import { MAX_OUTPUT_BYTES, SECOND_MS } from "../schema/limits.ts";

/** What an agent says about its failure is quoted up to here, and not waited for any longer than this. */
const MAX_QUOTE_BYTES = 300;
const QUOTE_TIMEOUT_MS = SECOND_MS;

/** One call. `id` becomes `webhook-id` and must be the same for every attempt; `body` is anything that JSON can write. */
export type Delivery = {
  readonly url: string;
  readonly secret: string;
  readonly id: string;
  readonly sessionId: string;
  readonly body: unknown;
  readonly traceparent: string;
  /** Further headers; they do not replace those that Reveille sets. */
  readonly headers?: Readonly<Record<string, string>>;
};

export type DeliveryIo = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Epoch ms. */
  readonly now: () => number;
  /** From connecting to the last byte that is kept. Interrupted by `aborted` to hang up: that is the answer then. */
  readonly deadline: Deadline;
};

/**
 * Calls the agent once. A 2xx whose body breaks off or does not end in time before 16 KiB of it have come is an
 * interruption, hence retryable: half an output is not the agent's answer, and the agent knows the repeat by its id.
 * A call that cannot be made as it stands (URL, secret, body, headers) is refused without a status.
 */
export async function deliver(request: Delivery, io: DeliveryIo): Promise<Answer> {
  const init = await writeRequest(request, io.now());
  if (!init.ok) return { kind: "refused", reason: init.error };
  // Called by itself, not as a method of `io`: workerd's own fetch refuses a foreign `this`.
  const { fetch, deadline } = io;
  if (deadline.interruption !== undefined) return interrupted(deadline.interruption, deadline, "no answer");
  const call = async (): Promise<Response> => fetch(request.url, { ...init.value, signal: deadline.signal });
  const pending = call();
  const waited = await deadline.wait(pending);
  switch (waited.kind) {
    case "value":
      return readAnswer(waited.value, deadline, io.now());
    case "failed":
      if (isCallRefusal(waited.error)) return { kind: "postponed" };
      return { kind: "retryable", reason: explainNoConnection(waited.error) };
    default:
      // A fetch that does not heed the signal may answer yet.
      pending.then(
        (late) => release(late.body),
        () => undefined,
      );
      return interrupted(waited, deadline, "no answer");
  }
}

async function writeRequest(request: Delivery, now: number): Promise<Result<RequestInit, string>> {
  // Whether http to loopback is allowed here was decided when the URL was registered.
  const wrong = endpointError(request.url, { allowLoopbackHttp: true });
  if (wrong !== undefined) return err(`the agent cannot be called: ${wrong}`);
  const body = writeJson(request.body);
  if (!body.ok) return body;
  const { secret, id } = request;
  const signed = await signedHeaders({ secret, id, timestampSeconds: Math.floor(now / SECOND_MS), body: body.value });
  if (!signed.ok) return err(`the call cannot be signed: ${signed.error}`);
  const headers = writeHeaders(request, signed.value);
  if (!headers.ok) return headers;
  return ok({ method: "POST", headers: headers.value, body: body.value, redirect: "manual" });
}

function writeJson(body: unknown): Result<string, string> {
  try {
    const text: string | undefined = JSON.stringify(body);
    return text === undefined ? err("the call cannot be written as JSON") : ok(text);
  } catch (error) {
    return err(`the call cannot be written as JSON: ${messageOf(error)}`);
  }
}

function writeHeaders(request: Delivery, signed: SignatureHeaders): Result<HeadersInit, string> {
  const ours = {
    "user-agent": "Reveille",
    "content-type": "application/json",
    "reveille-session-id": headerText(request.sessionId),
    traceparent: request.traceparent,
    ...signed,
  };
  if (request.headers === undefined) return ok(ours);
  try {
    const headers = new Headers({ ...request.headers });
    for (const [name, value] of Object.entries(ours)) {
      if (name !== "user-agent" || !headers.has(name)) headers.set(name, value);
    }
    return ok(headers);
  } catch (error) {
    return err(`the call's headers cannot be written: ${messageOf(error)}`);
  }
}

/**
 * A session id as a header can carry it. Printable ASCII stays as it is; a user's id may hold more, and that is
 * percent-encoded, so `decodeURIComponent` gives back the exact id of the body's `data.run.session_id`.
 */
function headerText(id: string): string {
  if (/^[!-$&-~]*$/.test(id)) return id;
  return id.toWellFormed().replace(/[^\x20-\x7e]|%|^ | $/gu, encodeURIComponent);
}

async function readAnswer(response: Response, deadline: Deadline, now: number): Promise<Answer> {
  const { status } = response;
  const statusClass = classifyStatus(status);
  switch (statusClass) {
    case "success":
      return readOutput(response, deadline);
    case "accepted":
      release(response.body);
      return { kind: "accepted", httpStatus: status };
    case "retryable": {
      const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), now);
      const reason = await explainFailure(response, deadline);
      return { kind: "retryable", reason, httpStatus: status, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
    }
    case "gone":
    case "refused":
      return { kind: statusClass, reason: await explainFailure(response, deadline), httpStatus: status };
  }
}

async function readOutput(response: Response, deadline: Deadline): Promise<Answer> {
  const success = { kind: "success", httpStatus: response.status } as const;
  const { headers } = response;
  const contentType = headers.get("content-type");
  const decoder = textDecoderFor(contentType);
  if (decoder === undefined) {
    release(response.body);
    return success;
  }
  const read = await readAnswerText(response, { headers, contentType, decoder }, MAX_OUTPUT_BYTES, deadline);
  switch (read.kind) {
    case "text":
      if (read.text === "") return success;
      return { ...success, output: read.text, ...(read.truncated ? { outputTruncated: true } : {}) };
    case "undecodable":
      return success;
    case "broken": {
      const reason = `the agent answered ${response.status}, but the connection broke before the end of its answer`;
      return { kind: "retryable", reason, httpStatus: response.status };
    }
    default: {
      const answer = interrupted(read, deadline, `the agent answered ${response.status}, but its answer did not end`);
      return answer.kind === "retryable" ? { ...answer, httpStatus: response.status } : answer;
    }
  }
}

function interrupted(
  by: Interruption,
  { timeoutMs }: Deadline,
  seen: string,
): Extract<Answer, { kind: "retryable" | "aborted" }> {
  if (by.kind === "aborted") return { kind: "aborted" };
  return { kind: "retryable", reason: `timed out after ${formatDuration(timeoutMs)}: ${seen}` };
}

/** The status in words, and the beginning of what the agent says about it, unless that is a page for a browser. */
async function explainFailure(response: Response, deadline: Deadline): Promise<string> {
  const reason = explainStatus(response.status);
  const contentType = response.headers.get("content-type");
  const decoder = contentType?.toLowerCase().includes("html") ? undefined : textDecoderFor(contentType);
  if (decoder === undefined || response.body === null) {
    release(response.body);
    return reason;
  }
  const quoteDeadline = new TimedDeadline(QUOTE_TIMEOUT_MS, deadline.signal);
  try {
    const read = await readText(response.body, decoder, MAX_QUOTE_BYTES, quoteDeadline);
    const quote = read.kind === "text" ? oneLine(read.text) : "";
    return quote === "" ? reason : `${reason}: ${quote}`;
  } finally {
    quoteDeadline.close();
  }
}

const BROKE =
  "could not connect to the agent, or the connection broke before it answered; check that it runs and that its URL is right";

/** Node tells by a code what went wrong; workerd has one message for a lost connection, and one for a failed look-up or handshake. */
const NO_CONNECTION: readonly (readonly [RegExp, string])[] = [
  [
    /^ECONNREFUSED /,
    "could not connect to the agent: nothing listens there; check that it runs and that its URL has the right port",
  ],
  [/^ENOTFOUND /, "could not connect to the agent: its host name is not known; check the agent's URL"],
  [/^(?:ECONNRESET|UND_ERR_SOCKET) |Network connection lost/, BROKE],
  [
    /internal error; reference/,
    "could not connect to the agent: its host name is not known, or its TLS certificate is not valid",
  ],
];

function explainNoConnection(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message = messageOf(cause);
  const known = NO_CONNECTION.find(([symptom]) => symptom.test(`${code} ${message}`));
  return known?.[1] ?? `could not connect to the agent: ${message}`;
}

const messageOf = (error: unknown): string => {
  const message = error instanceof Error ? error.message : String(error);
  return oneLine(cutUtf8(message.replace(/\bhttps?:\/\/\S+/gi, "(URL)"), MAX_QUOTE_BYTES).text);
};

/** Without line breaks, runs of blanks and control characters. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
