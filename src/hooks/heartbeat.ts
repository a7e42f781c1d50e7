/**
 * Heartbeats in code (docs/contract.md §10), registered at module level in someone's own Worker. There are configurations
 * by name, and one chat and one notifier for all. A later registration replaces an earlier one.
 */
import type * as z from "zod";
import { defineHeartbeat } from "../domain/heartbeat/heartbeat.ts";
import { fieldErrors } from "../domain/job/definition.ts";
import { canonicalJson } from "../domain/job/job-change.ts";
import { base32 } from "../domain/text/base32.ts";
import { sha256 } from "../domain/text/sha256.ts";
import { HeartbeatInput, type TokenUsage } from "../schema/heartbeat.ts";
import { IdText } from "../schema/text.ts";
import { explainFields } from "./explain-fields.ts";
import { mustBeFunction } from "./must-be-function.ts";

/** The request to a chat function in code. The function should stop when `signal` is aborted. */
export type ChatQuestion = {
  readonly sessionId: string;
  readonly message: string;
  readonly model?: string | undefined;
  readonly signal: AbortSignal;
};
/** A chat function. It answers with the text, or with a reply that has more fields. A throw is an error of the beat. */
export type ChatFunction = (
  question: ChatQuestion,
) => Promise<string | { readonly text: string; readonly toolUse?: boolean; readonly usage?: TokenUsage }>;

/** A function that notifies. A throw is a failure to notify. The function should stop when `signal` is aborted. */
export type NotifyFunction = (
  notification: { readonly text: string; readonly source: string },
  signal: AbortSignal,
) => Promise<void>;

export type HeartbeatHooks = { readonly chat?: ChatFunction; readonly notify?: NotifyFunction };

let registered: HeartbeatHooks = {};

/** Answers every heartbeat's questions, instead of CHAT_URL, OPENAI_BASE_URL, the agent and Workers AI. */
export function onHeartbeatChat(chat: ChatFunction): void {
  mustBeFunction("setHeartbeatChat: the chat", chat);
  registered = { ...registered, chat };
}

/** Takes the answers of heartbeats that have no `notify` of their own, instead of NOTIFY_URL. */
export function onHeartbeatNotify(notify: NotifyFunction): void {
  mustBeFunction("setHeartbeatNotifier: the notifier", notify);
  registered = { ...registered, notify };
}

/** A heartbeat's configuration as in docs/contract.md §8. The name is a separate argument. */
export type HeartbeatConfig = Omit<z.input<typeof HeartbeatInput>, "name">;

/** A heartbeat in code. `version` changes whenever the code's configuration does. */
export type CodeHeartbeat = { readonly name: string; readonly input: HeartbeatInput; readonly version: string };

const configured = new Map<string, CodeHeartbeat>();
const VERSION_CHARS = 16;

/**
 * Configures the heartbeat `name` from code. It exists after the first tick. An operator's changes over HTTP stay until the
 * code's own configuration changes. Throws if a field is wrong, so a mistake shows when the Worker starts.
 *
 * ```ts setHeartbeat("main", { every: "30m", fast_model: "small", model: "large", active_hours: { start: "08:00", end:
 * "22:00" } }); ```
 */
export function setHeartbeat(name: string, config: HeartbeatConfig): void {
  if (!IdText.safeParse(name).success) {
    throw new Error(`setHeartbeat("${name}"): the name must be 1 to 64 of A-Z, a-z, 0-9, _ and -`);
  }
  const input = HeartbeatInput.safeParse(config);
  if (!input.success) throw new Error(`setHeartbeat("${name}"): ${explainFields(fieldErrors(input.error.issues))}`);
  const defined = defineHeartbeat(input.data, name);
  if (!defined.ok) {
    const { error } = defined;
    throw new Error(
      `setHeartbeat("${name}"): ${error.kind === "validation_failed" ? explainFields(error.errors) : error.kind}`,
    );
  }
  const version = base32(sha256(canonicalJson(input.data)), VERSION_CHARS);
  configured.set(name, { name, input: input.data, version });
}

/** The configurations of this isolate. */
export const codeHeartbeats = (): readonly CodeHeartbeat[] => [...configured.values()];

/** The chat and the notifier of this isolate. */
export const heartbeatHooks = (): HeartbeatHooks => registered;
