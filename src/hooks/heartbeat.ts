/**
 * The heartbeat's chat and notifier in code (CONTRACT.md §10), registered at module level in someone's own Worker:
 * one of each, the later registration replacing the earlier.
 */
import type { TokenUsage } from "../schema/heartbeat.ts";

/** What a function in code is asked. It should give up when `signal` is aborted. */
export type ChatQuestion = {
  readonly sessionId: string;
  readonly message: string;
  readonly model?: string | undefined;
  readonly signal: AbortSignal;
};
/** Answers with the text, or with what else is known. A throw is an error of the beat. */
export type ChatFunction = (
  question: ChatQuestion,
) => Promise<string | { readonly text: string; readonly toolUse?: boolean; readonly usage?: TokenUsage }>;

/** A throw is a failure to notify. It should give up when `signal` is aborted. */
export type NotifyFunction = (
  notification: { readonly text: string; readonly source: string },
  signal: AbortSignal,
) => Promise<void>;

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
