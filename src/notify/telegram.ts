/** A heartbeat's answer to a Telegram chat, by the Bot API. The bot's token is part of the path, and a secret. */

import type { Result } from "../domain/result.ts";
import { chunkText } from "../domain/text/split-text.ts";
import { withoutTrailingSlashes } from "../outbound/endpoint.ts";
import type { RequestIo, Trouble } from "../outbound/request.ts";
import { type Notification, send, sendInOrder } from "./send.ts";

const BOT_API = "https://api.telegram.org";
/** Telegram's limit for a message. */
const MAX_CHARS = 4_096;

export type TelegramChat = { readonly bot_token: string; readonly chat_id: string; readonly url?: string | undefined };

/**
 * Sends the answer as plain text, in several messages if necessary. Telegram refuses a message with broken markup, which
 * models often write.
 */
export const notifyTelegram = (
  chat: TelegramChat,
  { text }: Notification,
  io: RequestIo,
): Promise<Result<undefined, Trouble>> => {
  const url = `${withoutTrailingSlashes(chat.url ?? BOT_API)}/bot${chat.bot_token}/sendMessage`;
  const pieces = chunkText(text, MAX_CHARS).filter((piece) => piece.trim() !== "");
  return sendInOrder(pieces, (piece) => {
    const body = JSON.stringify({ chat_id: chat.chat_id, text: piece });
    return send({ receiver: "Telegram", url, headers: {}, body, secrets: [url, chat.bot_token] }, io);
  });
};
