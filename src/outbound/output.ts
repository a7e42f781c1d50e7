/** Reads the beginning of an agent's answer as text, up to the kept size and the deadline. */
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { utf8Bytes } from "../schema/text.ts";
import type { Deadline, Interruption } from "./deadline.ts";

export type ReadText =
  /** The text, at most as long as requested. */
  | { readonly kind: "text"; readonly text: string; readonly truncated: boolean }
  /** The bytes are not text in the assumed encoding. */
  | { readonly kind: "undecodable" }
  /** The connection broke before enough bytes had come. */
  | { readonly kind: "broken"; readonly error: unknown }
  | Interruption;

/** The facts of an answer's body from its headers. `decoder` is that of its `contentType`. */
export type TextBody = {
  readonly headers: Headers;
  readonly contentType: string | null;
  readonly decoder: TextDecoder;
};

/** The content types that workerd reads as text without a warning in the log. */
const UNWARNED = /^(?:text\/|application\/json)/i;

/**
 * The beginning of an answer's body, like {@link readText}. If the answer says that it is short, as nearly all do, it is
 * read in one piece. A compressed body states its compressed length. The deadline's signal must be the fetch's own, since
 * nothing else ends a read in one piece.
 */
export async function readAnswerText(
  response: Response,
  { headers, contentType, decoder }: TextBody,
  maxBytes: number,
  deadline: Deadline,
  enoughBytes: number = maxBytes,
): Promise<ReadText> {
  const length = headers.get("content-length");
  const isShort = length !== null && Number(length) <= maxBytes && !headers.has("content-encoding");
  if (!isShort) {
    const { body } = response;
    return body === null
      ? { kind: "text", text: "", truncated: false }
      : readText(body, decoder, maxBytes, deadline, enoughBytes);
  }
  // This gives what the decoder would give, without the bytes' coming to JavaScript in between.
  if (decoder.encoding === "utf-8" && !decoder.fatal && UNWARNED.test(contentType ?? "")) {
    const read = await deadline.wait(response.text());
    if (read.kind === "value") return { kind: "text", ...cutUtf8(read.value, maxBytes) };
    return read.kind === "failed" ? { kind: "broken", error: read.error } : read;
  }
  const read = await deadline.wait(response.arrayBuffer());
  if (read.kind === "failed") return { kind: "broken", error: read.error };
  if (read.kind !== "value") return read;
  const text = decode(decoder, read.value);
  return text === undefined ? { kind: "undecodable" } : { kind: "text", ...cutUtf8(text, maxBytes) };
}

/**
 * The first `maxBytes` of `body` (in UTF-8, for any charset of the body), decoded as `like` would. It takes over the body
 * and cancels the rest, which frees the connection. Once `enoughBytes` have come, a body that breaks off or does not end in
 * time counts as cut.
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  like: TextDecoder,
  maxBytes: number,
  deadline: Deadline,
  enoughBytes: number = maxBytes,
): Promise<ReadText> {
  const { encoding, fatal, ignoreBOM } = like;
  const decoder = new TextDecoder(encoding, { fatal, ignoreBOM });
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  try {
    while (bytes <= maxBytes) {
      const read = await deadline.wait(reader.read());
      if (read.kind !== "value" && read.kind !== "aborted" && bytes > enoughBytes) {
        return { kind: "text", text: cutUtf8(text, maxBytes).text, truncated: true };
      }
      if (read.kind === "failed") return { kind: "broken", error: read.error };
      if (read.kind !== "value") return read;
      const piece = decodePiece(decoder, read.value.value);
      if (piece === undefined) return { kind: "undecodable" };
      text += piece;
      bytes += utf8Bytes(piece);
      if (read.value.done) break;
    }
    return { kind: "text", ...cutUtf8(text, maxBytes) };
  } finally {
    release(reader);
  }
}

/** Cancels the rest of a body. If the body has already broken, this rejects with the error that its reader has seen. */
export function release(body: { cancel(): Promise<void> } | null): void {
  body?.cancel().catch(() => undefined);
}

/** The whole text. Undefined if a strict decoder meets invalid bytes. */
function decode(decoder: TextDecoder, bytes: ArrayBuffer): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The next piece of text, or without a `chunk` the last one. Undefined as above. */
function decodePiece(decoder: TextDecoder, chunk: Uint8Array | undefined): string | undefined {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    return undefined;
  }
}
