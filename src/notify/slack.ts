/** A heartbeat's answer to a Slack incoming webhook. Its URL is a secret. */

import type { Result } from "../domain/result.ts";
import { chunkText } from "../domain/text/split-text.ts";
import type { RequestIo, Trouble } from "../outbound/request.ts";
import { type Notification, send, sendInOrder } from "./send.ts";

/** The longest piece. Slack cuts messages at 40,000 characters, and escaping makes one character into five at most. */
const MAX_CHARS = 8_000;

export const notifySlack = (url: string, { text }: Notification, io: RequestIo): Promise<Result<undefined, Trouble>> =>
  sendInOrder(chunkText(text, MAX_CHARS), (piece) =>
    send(
      { receiver: "Slack", url, headers: {}, body: JSON.stringify({ text: escapeText(piece) }), secrets: [url] },
      io,
    ),
  );

/** Escapes the characters that Slack interprets. Otherwise a model's `<!channel>` would notify everyone. */
const escapeText = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
