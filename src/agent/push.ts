/**
 * One attempt to call the agent (docs/contract.md §4): it writes, signs and sends the call, and reads the answer.
 *
 * It never throws, and it always releases the connection. `fetch` and the clock are arguments. `domain/run/retry.ts`
 * decides whether to try again. Reasons are sentences for the job's owner. They contain neither the URL, which may hold a
 * secret in its query, nor any part of the call.
 */

import { compact } from "../domain/compact.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { readSteeringAnswer } from "../domain/run/control.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { Deadline, Interruption } from "../outbound/deadline.ts";
import { endpointError } from "../outbound/endpoint.ts";
import { type Call, exchange, type Fetch, quoteOf, reasonOf, redact } from "../outbound/exchange.ts";
import { readAnswerText, release } from "../outbound/output.ts";
import { classifyStatus, explainStatus, textDecoderFor } from "../outbound/response.ts";
import { parseRetryAfter } from "../outbound/retry-after.ts";
import { type Secrets, type SignatureHeaders, signedHeaders } from "../outbound/signature.ts";
import { MAX_ANSWER_BYTES, MAX_OUTPUT_BYTES, SECOND_MS } from "../schema/limits.ts";

/** One call. `id` becomes `webhook-id` and must be the same for every attempt. `body` is any value that JSON can write. */
export type Delivery = {
  readonly url: string;
  readonly secret: Secrets;
  readonly id: string;
  readonly sessionId: string;
  readonly body: unknown;
  readonly traceparent: string;
  /** Further headers. They do not replace those that Reveille sets. */
  readonly headers?: Readonly<Record<string, string>> | undefined;
};

export type DeliveryIo = {
  readonly fetch: Fetch;
  /** Epoch ms. */
  readonly now: () => number;
  /**
   * The time from connecting to the last byte that is kept. Interrupting it with `aborted` ends the call with that answer.
   */
  readonly deadline: Deadline;
};

/**
 * Calls the agent once. If the body of a 2xx breaks off or does not end in time within its first 16 KiB, that is an
 * interruption and can be retried. Half an output is not the agent's answer, and the agent recognises the repeat by its id.
 * A call that cannot be made (URL, secret, body, headers) is refused without a status.
 */
export async function deliver(request: Delivery, io: DeliveryIo): Promise<AttemptOutcome> {
  const call = await writeCall(request, io.now());
  if (!call.ok) return { kind: "refused", reason: call.error };
  // It is not called as a method of `io`, since workerd's own fetch refuses a foreign `this`.
  const { fetch, deadline } = io;
  const exchanged = await exchange(call.value, fetch, deadline);
  switch (exchanged.kind) {
    case "answer":
      return readAnswer(exchanged.response, deadline, io.now(), hiddenIn(request.headers));
    case "no_connection":
      return { kind: "retryable", reason: exchanged.reason };
    case "postponed":
      return exchanged;
    default:
      return interrupted(exchanged, deadline, "no answer");
  }
}

async function writeCall(request: Delivery, now: number): Promise<Result<Call, string>> {
  // The registration of the URL has decided whether http to loopback is allowed here.
  const wrong = endpointError(request.url, { allowLoopbackHttp: true });
  if (wrong !== undefined) return err(`the agent cannot be called: ${wrong}`);
  const body = writeJson(request.body);
  if (!body.ok) return body;
  const { secret, id } = request;
  const signed = await signedHeaders({ secret, id, timestampSeconds: Math.floor(now / SECOND_MS), body: body.value });
  if (!signed.ok) return err(`the call cannot be signed: ${signed.error}`);
  const headers = writeHeaders(request, signed.value);
  if (!headers.ok) return headers;
  return ok({ receiver: "the agent", url: request.url, headers: headers.value, body: body.value });
}

function writeJson(body: unknown): Result<string, string> {
  try {
    const text: string | undefined = JSON.stringify(body);
    return text === undefined ? err("the call cannot be written as JSON") : ok(text);
  } catch (error) {
    return err(`the call cannot be written as JSON: ${reasonOf(error)}`);
  }
}

function writeHeaders(request: Delivery, signed: SignatureHeaders): Result<HeadersInit, string> {
  const ownHeaders = {
    "user-agent": "Reveille",
    "content-type": "application/json",
    "reveille-session-id": headerText(request.sessionId),
    traceparent: request.traceparent,
    ...signed,
  };
  if (request.headers === undefined) return ok(ownHeaders);
  try {
    const headers = new Headers({ ...request.headers });
    for (const [name, value] of Object.entries(ownHeaders)) {
      if (name !== "user-agent" || !headers.has(name)) headers.set(name, value);
    }
    return ok(headers);
  } catch (error) {
    return err(`the call's headers cannot be written: ${reasonOf(error)}`);
  }
}

/**
 * A session id as a header can carry it. Printable ASCII stays. Other characters, which a user's id may hold, are
 * percent-encoded. So `decodeURIComponent` gives the exact id of the body's `data.run.session_id`.
 */
function headerText(id: string): string {
  if (/^[!-$&-~]*$/.test(id)) return id;
  return id.toWellFormed().replace(/[^\x20-\x7e]|%|^ | $/gu, encodeURIComponent);
}

async function readAnswer(
  response: Response,
  deadline: Deadline,
  now: number,
  hidden: readonly string[],
): Promise<AttemptOutcome> {
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
      const reason = await explainFailure(response, deadline, hidden);
      return { kind: "retryable", reason, httpStatus: status, ...(retryAfterMs === null ? {} : { retryAfterMs }) };
    }
    case "gone":
    case "refused":
      return { kind: statusClass, reason: await explainFailure(response, deadline, hidden), httpStatus: status };
  }
}

async function readOutput(response: Response, deadline: Deadline): Promise<AttemptOutcome> {
  const success = { kind: "success", httpStatus: response.status } as const;
  const { headers } = response;
  const contentType = headers.get("content-type");
  const decoder = textDecoderFor(contentType);
  if (decoder === undefined) {
    release(response.body);
    return success;
  }
  // The agent's control may come after the part of its JSON that is kept.
  const most = isJson(contentType) ? MAX_ANSWER_BYTES : MAX_OUTPUT_BYTES;
  const read = await readAnswerText(response, { headers, contentType, decoder }, most, deadline, MAX_OUTPUT_BYTES);
  switch (read.kind) {
    case "text": {
      if (read.text === "") return success;
      const answer = readSteeringAnswer(read.text, read.truncated);
      const output = cutUtf8(answer?.output ?? read.text, MAX_OUTPUT_BYTES);
      return {
        ...success,
        output: output.text,
        ...(read.truncated || output.truncated ? { outputTruncated: true } : {}),
        ...compact({ steering: answer?.steering }),
      };
    }
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

const isJson = (contentType: string | null): boolean => /\bjson\b/i.test(contentType ?? "");

function interrupted(
  by: Interruption,
  { timeoutMs }: Deadline,
  seen: string,
): Extract<AttemptOutcome, { kind: "retryable" | "aborted" }> {
  if (by.kind === "aborted") return { kind: "aborted" };
  return { kind: "retryable", reason: `timed out after ${formatDuration(timeoutMs)}: ${seen}` };
}

const MIN_HIDDEN_CHARS = 8;

/** The secrets in an agent's headers, so that no reason repeats an echoed one. The scheme before a secret is not secret. */
const hiddenIn = (headers: Delivery["headers"]): string[] =>
  Object.values(headers ?? {}).flatMap((value) => value.split(" ").filter((part) => part.length >= MIN_HIDDEN_CHARS));

/** The status in words, and the beginning of the agent's text about it. */
async function explainFailure(response: Response, deadline: Deadline, hidden: readonly string[]): Promise<string> {
  const reason = explainStatus(response.status);
  const quote = redact(await quoteOf(response, deadline), hidden);
  return quote === "" ? reason : `${reason}: ${quote}`;
}
