/**
 * One outgoing call over HTTP, to agents, chat endpoints, notifiers or sources of users. It follows no redirect, always
 * releases the connection, and never throws. The caller's deadline covers it from connecting to the last byte that is read.
 */
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { errorText } from "../domain/text/error-text.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { isCallRefusal } from "./call-budget.ts";
import { type Deadline, type Interruption, TimedDeadline } from "./deadline.ts";
import { readText, release } from "./output.ts";
import { textDecoderFor } from "./response.ts";
import { settle } from "./settle.ts";

/** The bytes of an explaining text that are kept. Its end is not waited for. */
const MAX_QUOTE_BYTES = 300;
const QUOTE_TIMEOUT_MS = SECOND_MS;

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type Call = {
  /** The receiver's name in reasons: `the agent`, `Slack`. */
  readonly receiver: string;
  readonly url: string;
  /** The body of a POST. Without one the call is a GET. */
  readonly body?: string;
  readonly headers: HeadersInit;
};

/** The end of a call. Reasons are sentences without the URL, which may hold a secret. */
export type Exchanged =
  /** The receiver answered. The caller must read or release the body of `response`. */
  | { readonly kind: "answer"; readonly response: Response }
  /** There was no answer. */
  | { readonly kind: "no_connection"; readonly reason: string }
  /** The platform allowed no further call in this invocation, so none was made. */
  | { readonly kind: "postponed" }
  | Interruption;

/** Makes the call once. The owner of `deadline` watches it, and its signal is the fetch's. */
export async function exchange(
  { receiver, url, headers, body }: Call,
  fetch: Fetch,
  deadline: Deadline,
): Promise<Exchanged> {
  const init: RequestInit = { headers, redirect: "manual", signal: deadline.signal };
  const request: RequestInit = body === undefined ? init : { ...init, method: "POST", body };
  // A fetch that ignores the signal may answer too late.
  const answered = await settle(
    () => fetch(url, request),
    deadline,
    (late) => release(late.body),
  );
  if (answered.ok) return { kind: "answer", response: answered.value };
  if (answered.error.kind !== "failed") return answered.error;
  const { error } = answered.error;
  return isCallRefusal(error)
    ? { kind: "postponed" }
    : { kind: "no_connection", reason: explainNoConnection(receiver, error) };
}

/**
 * The reasons for a failed connection, by symptom. Node reports a code. Workerd has one message for a lost connection, and
 * one for a failed look-up or handshake.
 */
const NO_CONNECTION: readonly (readonly [symptom: RegExp, of: (receiver: string) => string])[] = [
  [
    /^ECONNREFUSED /,
    (receiver) =>
      `could not connect to ${receiver}: nothing listens there; check that it runs and that its URL has the right port`,
  ],
  [/^ENOTFOUND /, (receiver) => `could not connect to ${receiver}: its host name is not known; check its URL`],
  [
    /^(?:ECONNRESET|UND_ERR_SOCKET) |Network connection lost/,
    (receiver) =>
      `could not connect to ${receiver}, or the connection broke before it answered; check that it runs and that its URL is right`,
  ],
  [
    /internal error; reference/,
    (receiver) => `could not connect to ${receiver}: its host name is not known, or its TLS certificate is not valid`,
  ],
];

function explainNoConnection(receiver: string, error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const message = reasonOf(error);
  const known = NO_CONNECTION.find(([symptom]) => symptom.test(`${code} ${message}`));
  return known === undefined ? `could not connect to ${receiver}: ${message}` : known[1](receiver);
}

/**
 * The beginning of the receiver's text about a failure, on one line. It is "" if there is no text, or only a page for a
 * browser.
 */
export async function quoteOf(response: Response, deadline: Deadline): Promise<string> {
  const contentType = response.headers.get("content-type");
  const decoder = contentType?.toLowerCase().includes("html") ? undefined : textDecoderFor(contentType);
  if (decoder === undefined || response.body === null) {
    release(response.body);
    return "";
  }
  const quoteDeadline = new TimedDeadline(QUOTE_TIMEOUT_MS, deadline.signal);
  try {
    const read = await readText(response.body, decoder, MAX_QUOTE_BYTES, quoteDeadline);
    return read.kind === "text" ? oneLine(read.text) : "";
  } finally {
    quoteDeadline.close();
  }
}

/** The message of a thrown value, without any URL in it, short enough for a log. Never throws. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const message = cause instanceof Error ? cause.message : errorText(cause);
  return oneLine(cutUtf8(message.replace(/\bhttps?:\/\/\S+/gi, "(URL)"), MAX_QUOTE_BYTES).text);
}

/** The text with every secret in it replaced, in case the receiver has echoed one. */
export const redact = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((kept, secret) => (secret === "" ? kept : kept.replaceAll(secret, "(secret)")), text);

/** The text without line breaks, runs of blanks and control characters. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
