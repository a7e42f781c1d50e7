/**
 * One POST of a heartbeat, to a chat endpoint or a notifier: no redirect is followed, time and size are limited, every way out
 * releases the connection, and it never throws. Reasons name neither the URL nor any secret: Slack's and Discord's URLs and
 * Telegram's path are secrets themselves.
 */

import { err, type Result } from "../domain/result.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { formatDuration } from "../domain/time/duration.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { type Deadline, type Interruption, TimedDeadline } from "./deadline.ts";
import { readText, release } from "./output.ts";
import { classifyStatus, textDecoderFor } from "./response.ts";

/** What the other side says about its failure is quoted up to here, and not waited for any longer than this. */
const MAX_QUOTE_BYTES = 300;
const QUOTE_TIMEOUT_MS = SECOND_MS;

/** Why a call came to nothing. `passing`: another try may well succeed. */
export type Trouble = { readonly reason: string; readonly passing: boolean; readonly httpStatus?: number };

export type Post = {
  /** Who is called, as the reasons name them: `the chat endpoint`, `Slack`. */
  readonly who: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  /** From connecting to the last byte. */
  readonly timeoutMs: number;
  /** Texts that no reason may hold, should the other side echo them. */
  readonly secrets: readonly string[];
};

export type PostIo = {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Aborted to hang up. */
  readonly signal?: AbortSignal | undefined;
};

/** Sends the call; `read` takes over the body of an answer with status 2xx. */
export async function exchange<T>(
  post: Post,
  io: PostIo,
  read: (response: Response, deadline: Deadline) => Promise<Result<T, Trouble>>,
): Promise<Result<T, Trouble>> {
  // Called by itself, not as a method of `io`: workerd's own fetch refuses a foreign `this`.
  const { fetch } = io;
  const deadline = new TimedDeadline(post.timeoutMs, io.signal);
  try {
    const call = async (): Promise<Response> =>
      fetch(post.url, {
        method: "POST",
        headers: { "user-agent": "Reveille", "content-type": "application/json", ...post.headers },
        body: post.body,
        redirect: "manual",
        signal: deadline.signal,
      });
    const pending = call();
    const waited = await deadline.wait(pending);
    switch (waited.kind) {
      case "value": {
        const result = waited.value.ok
          ? await read(waited.value, deadline)
          : err(await explainStatus(waited.value, post, deadline));
        return result.ok ? result : err({ ...result.error, reason: redact(result.error.reason, post.secrets) });
      }
      case "failed":
        return err({
          reason: redact(`could not connect to ${post.who}: ${messageOf(waited.error)}`, post.secrets),
          passing: true,
        });
      default:
        // A fetch that does not heed the signal may answer yet.
        pending.then(
          (late) => release(late.body),
          () => undefined,
        );
        return err(interruptedBy(waited, post));
    }
  } finally {
    deadline.close();
  }
}

/** A limit that ran out, or a call that we gave up ourselves. */
export const interruptedBy = (by: Interruption, post: Pick<Post, "who" | "timeoutMs">): Trouble =>
  by.kind === "aborted"
    ? { reason: "given up", passing: false }
    : {
        reason: `timed out after ${formatDuration(post.timeoutMs)}: ${post.who} did not finish its answer`,
        passing: true,
      };

async function explainStatus(response: Response, post: Post, deadline: Deadline): Promise<Trouble> {
  const { status } = response;
  const passing = classifyStatus(status) === "retryable";
  const redirect =
    status >= 300 && status <= 399 ? ", a redirect; redirects are not followed, so set the URL to where it leads" : "";
  const quote = redirect === "" ? await quoteOf(response, deadline) : "";
  if (redirect !== "") release(response.body);
  const reason = `${post.who} answered ${status}${redirect}${quote === "" ? "" : `: ${quote}`}`;
  return { reason, passing, httpStatus: status };
}

/** The beginning of what the other side says, unless that is a page for a browser. */
async function quoteOf(response: Response, deadline: Deadline): Promise<string> {
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

/** What a thrown value says, without any URL in it, short enough for a log. */
export function messageOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = cause instanceof Error && "code" in cause && typeof cause.code === "string" ? ` (${cause.code})` : "";
  const message = `${cause instanceof Error ? cause.message : String(cause)}${code}`;
  return oneLine(cutUtf8(message.replace(/\bhttps?:\/\/\S+/gi, "(URL)"), MAX_QUOTE_BYTES).text);
}

/** The text with every secret in it blotted out. */
export const redact = (text: string, secrets: readonly string[]): string =>
  secrets.reduce((kept, secret) => (secret === "" ? kept : kept.replaceAll(secret, "(secret)")), text);

/** Without line breaks, runs of blanks and control characters. */
const oneLine = (text: string): string => text.replace(/[\s\p{Cc}]+/gu, " ").trim();
