/** Reads the beginning of an agent's answer as text: no further than is kept, and never past the deadline. */
import { cutUtf8 } from "../domain/text.ts";
import { utf8Bytes } from "../schema/text.ts";
import type { Deadline, Interruption } from "./deadline.ts";

export type ReadText =
  /** The text, at most as long as was asked for. */
  | { readonly kind: "text"; readonly text: string; readonly truncated: boolean }
  /** The bytes are not the text that they were taken for. */
  | { readonly kind: "undecodable" }
  /** The connection broke before enough had come. */
  | { readonly kind: "broken"; readonly error: unknown }
  | Interruption;

/**
 * The first `maxBytes` (of UTF-8, whatever the body's charset) of `body`. Takes over the body and releases it: what is
 * not read is cancelled, so that its connection is free.
 */
export async function readText(
  body: ReadableStream<Uint8Array>,
  decoder: TextDecoder,
  maxBytes: number,
  deadline: Deadline,
): Promise<ReadText> {
  const reader = body.getReader();
  let text = "";
  let bytes = 0;
  try {
    while (bytes <= maxBytes) {
      const read = await deadline.wait(reader.read());
      if (read.kind === "failed") return { kind: "broken", error: read.error };
      if (read.kind !== "value") return read;
      const piece = decode(decoder, read.value.value);
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

/** Gives up the rest of a body. A body that has already broken rejects this, with the error that its reader has seen. */
export function release(body: { cancel(): Promise<void> } | null): void {
  body?.cancel().catch(() => undefined);
}

/** The next piece of text, or with no `chunk` the last one; undefined where a strict decoder meets what it cannot read. */
function decode(decoder: TextDecoder, chunk: Uint8Array | undefined): string | undefined {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, { stream: true });
  } catch {
    return undefined;
  }
}
