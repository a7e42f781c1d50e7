/** A heartbeat's answer to a Discord channel's webhook. Its URL is a secret. */

import type { Result } from "../domain/result.ts";
import { chunkText } from "../domain/text/split-text.ts";
import type { RequestIo, Trouble } from "../outbound/request.ts";
import { type Notification, send, sendInOrder } from "./send.ts";

/** Discord's limit for a message. */
const MAX_CHARS = 2_000;

/** Sends the answer, in several messages if necessary. The model's text mentions nobody. */
export const notifyDiscord = (
  url: string,
  { text }: Notification,
  io: RequestIo,
): Promise<Result<undefined, Trouble>> => {
  // Discord refuses a message that is only blanks.
  const pieces = chunkText(text, MAX_CHARS).filter((piece) => piece.trim() !== "");
  return sendInOrder(pieces, (content) => {
    const body = JSON.stringify({ content, allowed_mentions: { parse: [] } });
    return send({ receiver: "Discord", url, headers: {}, body, secrets: [url] }, io);
  });
};
