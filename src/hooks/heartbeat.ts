/**
 * The heartbeat's chat and notifier in code (CONTRACT.md §10), registered at module level in someone's own Worker:
 * one of each, the later registration replacing the earlier.
 */
import type { ChatFunction } from "../heartbeat/chat.ts";
import type { NotifyFunction } from "../notify/notify.ts";

export type HeartbeatHooks = { readonly chat?: ChatFunction; readonly notify?: NotifyFunction };

let registered: HeartbeatHooks = {};

/** Answers every heartbeat's questions, in place of CHAT_URL, OPENAI_BASE_URL, the agent and Workers AI. */
export function onHeartbeatChat(chat: ChatFunction): void {
  registered = { ...registered, chat };
}

/** Takes the answers of heartbeats that have no `notify` of their own, in place of NOTIFY_URL. */
export function onHeartbeatNotify(notify: NotifyFunction): void {
  registered = { ...registered, notify };
}

/** What is registered in this isolate. */
export const heartbeatHooks = (): HeartbeatHooks => registered;
