/**
 * Reads a chat endpoint's answer in pieces of any size: one JSON document, NDJSON, or server-sent events (docs/contract.md
 * §8). Pure: pieces of text in, one reply out. The dialect gives a JSON value its meaning: ours, or OpenAI's (`openai.ts`).
 */

import { createParser } from "eventsource-parser";
import * as z from "zod";
import { compact } from "../domain/compact.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { parseJson } from "../domain/text/parse-json.ts";
import type { TokenUsage } from "../schema/heartbeat.ts";

/** The answer of a model. `toolUse`: it called a tool. */
export type ChatReply = { readonly text: string; readonly toolUse: boolean; readonly usage?: TokenUsage };

/** The meaning of one JSON value of an answer. `known` is false if it holds nothing that the dialect has a name for. */
export type ChatEvent = {
  readonly known: boolean;
  readonly text?: string;
  readonly toolUse?: boolean;
  readonly usage?: TokenUsage;
  readonly error?: string;
};

/** Reads one JSON value. The error says what is wrong with it. */
export type Dialect = (value: unknown) => Result<ChatEvent, string>;

/** Collects one answer: `push` each piece, then `end`. It takes linear time for pieces of any size. */
export class ChatReader {
  readonly #dialect: Dialect;
  readonly #events = createParser({ onEvent: ({ event, data }) => this.#takeEvent(event, data) });
  #framing: "unknown" | "events" | "document";
  /** The pieces before the framing is known, or the whole of a document. */
  readonly #pending: string[] = [];
  #text = "";
  #toolUse = false;
  #usage: TokenUsage | undefined;
  #failure: string | undefined;
  #done = false;

  /** @param contentType of the answer; if it is missing or unknown, the first characters decide */
  constructor(dialect: Dialect, contentType: string | null) {
    this.#dialect = dialect;
    this.#framing = contentType?.toLowerCase().includes("text/event-stream") ? "events" : "unknown";
  }

  /** Whether the answer is complete (`[DONE]`) or has failed. Nothing after that counts. */
  get done(): boolean {
    return this.#done;
  }

  push(piece: string): void {
    if (this.#done || piece === "") return;
    if (this.#framing === "events") {
      this.#events.feed(piece);
      return;
    }
    // Blanks before the answer do not show its framing.
    const start = this.#framing === "unknown" && this.#pending.length === 0 ? piece.trimStart() : piece;
    if (start === "") return;
    this.#pending.push(start);
    if (this.#framing === "document") return;
    this.#framing = guessFraming(this.#pending.join(""));
    if (this.#framing === "events") this.#events.feed(this.#takePending());
  }

  /** The whole reply. The error says why there is none. */
  end(): Result<ChatReply, string> {
    // A stream may end without the blank line that closes its last event.
    if (this.#framing === "events") this.#events.feed("\n\n");
    else this.#takeDocument(this.#takePending());
    if (this.#failure !== undefined) return err(this.#failure);
    return ok({
      text: this.#text,
      toolUse: this.#toolUse,
      ...compact({ usage: this.#usage }),
    });
  }

  #takePending(): string {
    return this.#pending.splice(0).join("");
  }

  #takeEvent(name: string | undefined, data: string): void {
    if (this.#done || data === "") return;
    if (data.trim() === "[DONE]") {
      this.#done = true;
      return;
    }
    const json = parseJson(data);
    if (json !== undefined) this.#take(json);
    else this.#fail(name === "error" ? reported(data) : `an event of the stream is not JSON: ${quote(data)}`);
  }

  /** Reads one JSON document, or one on each line. */
  #takeDocument(text: string): void {
    const whole = parseJson(text);
    if (whole !== undefined) {
      const event = this.#take(whole);
      if (event?.known === false) this.#fail(`the answer is JSON, but without a text: ${quote(text)}`);
      return;
    }
    const lines = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== "");
    for (const line of lines) {
      const json = parseJson(line);
      if (json !== undefined) this.#take(json);
      else this.#fail(`the answer is neither JSON nor a stream of it: ${quote(text)}`);
    }
  }

  #take(value: unknown): ChatEvent | undefined {
    if (this.#done) return undefined;
    const read = this.#dialect(value);
    if (!read.ok) {
      this.#fail(read.error);
      return undefined;
    }
    const event = read.value;
    this.#text += event.text ?? "";
    this.#toolUse ||= event.toolUse ?? false;
    this.#usage = event.usage ?? this.#usage;
    if (event.error !== undefined) this.#fail(reported(event.error));
    return event;
  }

  #fail(reason: string): void {
    this.#failure ??= reason;
    this.#done = true;
  }
}

/**
 * Guesses the framing. A stream of events begins with a field's name or a comment, which JSON never does. `start` has no
 * leading blanks.
 */
function guessFraming(start: string): "unknown" | "events" | "document" {
  if (/^(?:(?:data|event|id|retry):|:)/.test(start)) return "events";
  return /^(?:d(?:a(?:ta?)?)?|e(?:v(?:e(?:nt?)?)?)?|id?|r(?:e(?:t(?:ry?)?)?)?)?$/.test(start) ? "unknown" : "document";
}

const reported = (message: string): string => `the chat endpoint reported an error: ${quote(message)}`;

const MAX_QUOTE_CHARS = 300;
/** The part of a text that is searched for the quote. */
const MAX_QUOTED_BYTES = 4_096;
const quote = (text: string): string => {
  const line = cutUtf8(text, MAX_QUOTED_BYTES)
    .text.replace(/[\s\p{Cc}]+/gu, " ")
    .trim();
  return line.length > MAX_QUOTE_CHARS ? `${[...line].slice(0, MAX_QUOTE_CHARS).join("")}…` : line;
};

const tokens = z.int().min(0);
const Usage = z.union([
  z
    .object({ input_tokens: tokens, output_tokens: tokens })
    .transform((u) => ({ input: u.input_tokens, output: u.output_tokens })),
  z
    .object({ prompt_tokens: tokens, completion_tokens: tokens })
    .transform((u) => ({ input: u.prompt_tokens, output: u.completion_tokens })),
]);

/** The tokens as OpenAI (`prompt_tokens`) or Anthropic (`input_tokens`) count them. Undefined for any other value. */
export const readUsage = (value: unknown): TokenUsage | undefined => Usage.safeParse(value).data;

/** The text of an `error`, which is a text or an object with a `message`. */
export function errorText(error: unknown): string {
  if (typeof error === "string") return error;
  const message = z.object({ message: z.string() }).safeParse(error).data?.message;
  return message ?? JSON.stringify(error);
}

const Native = z.object({
  text: z.string().nullish(),
  tool_use: z.unknown().optional(),
  error: z.unknown().optional(),
  usage: z.unknown().optional(),
});

/** Whether a field has a value. Absent, null, false, "" and [] do not count. */
export const hasValue = (value: unknown): boolean =>
  value !== undefined &&
  value !== null &&
  value !== false &&
  value !== "" &&
  !(Array.isArray(value) && value.length === 0);

/**
 * The dialect of docs/contract.md §8: `{"text"}`, `{"tool_use"}` and `{"error"}`, together or in turn. `usage` is optional.
 */
export const nativeDialect: Dialect = (value) => {
  const read = Native.safeParse(value);
  if (!read.success) return err(`the answer is not of the form {"text": "…"}: ${quote(JSON.stringify(value))}`);
  const { text, tool_use, error, usage } = read.data;
  const counted = readUsage(usage);
  const toolUse = hasValue(tool_use);
  return ok({
    known: typeof text === "string" || toolUse || hasValue(error),
    ...(typeof text === "string" ? { text } : {}),
    toolUse,
    ...compact({ usage: counted }),
    ...(hasValue(error) ? { error: errorText(error) } : {}),
  });
};
