/** The targets that people read: each gets the text in its own form. */
import type { Result } from "../domain/result.ts";
import type { Trouble } from "../outbound/request.ts";
import type { Notifier } from "../schema/heartbeat.ts";
import { notifyDiscord } from "./discord.ts";
import type { Notification, NotifyIo } from "./send.ts";
import { notifySlack } from "./slack.ts";
import { notifyTelegram } from "./telegram.ts";

type Chat = Exclude<Notifier, { readonly type: "webhook" }>;

/** Sends the text to a chat. Never throws. */
export function notifyChat(chat: Chat, notification: Notification, io: NotifyIo): Promise<Result<undefined, Trouble>> {
  switch (chat.type) {
    case "slack":
      return notifySlack(chat.url, notification, io);
    case "discord":
      return notifyDiscord(chat.url, notification, io);
    case "telegram":
      return notifyTelegram(chat, notification, io);
  }
}
