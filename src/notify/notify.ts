/**
 * Sends a heartbeat's answer to its targets (docs/contract.md §8). All targets are called, even after one fails, and the
 * answer has the outcome of each. Never throws.
 */

import { err, ok, type Result } from "../domain/result.ts";
import type { NotifyFunction } from "../hooks/heartbeat.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import { hookTrouble, type Trouble } from "../outbound/request.ts";
import { settleWithin } from "../outbound/settle.ts";
import type { Secrets } from "../outbound/signature.ts";
import type { Notified, Notifier } from "../schema/heartbeat.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { notifyChat } from "./chats.ts";
import type { Notification, NotifyIo } from "./send.ts";
import { notifyWebhook } from "./webhook.ts";

/** A target: a configured notifier, or the function in code. */
export type NotifyTarget = Notifier | { readonly type: "code"; readonly notify: NotifyFunction };

const CODE_TIMEOUT_MS = 60 * SECOND_MS;

/** The text of a beat's answer as its readers see it. */
export const notificationText = (answer: string): string => `*Heartbeat*\n\n${answer}`;

export type NotifyRules = {
  /** The secret that signs a webhook, given its own secret if it has one. An error is that webhook's failure. */
  readonly secretFor: (url: string, own: string | undefined) => Result<Secrets | undefined, Trouble>;
  readonly allowLoopbackHttp: boolean;
};

/** Calls all targets at the same time. The results are in the same order. */
export const notifyAll = (
  targets: readonly NotifyTarget[],
  notification: Notification,
  rules: NotifyRules,
  io: NotifyIo,
): Promise<Notified[]> =>
  Promise.all(
    targets.map(async (target): Promise<Notified> => {
      const result = await notifyOne(target, notification, rules, io);
      return result.ok ? { type: target.type, ok: true } : { type: target.type, ok: false, error: result.error.reason };
    }),
  );

async function notifyOne(
  target: NotifyTarget,
  notification: Notification,
  rules: NotifyRules,
  io: NotifyIo,
): Promise<Result<undefined, Trouble>> {
  if (target.type === "code") return callFunction(target.notify, notification, io);
  if (target.url !== undefined) {
    const endpoint = checkEndpoint(target.url, rules);
    if (!endpoint.ok) return err({ reason: endpoint.error, passing: false });
  }
  if (target.type !== "webhook") return notifyChat(target, notification, io);
  const secret = rules.secretFor(target.url, target.secret);
  if (!secret.ok) return secret;
  return notifyWebhook({ url: target.url, secret: secret.value }, notification, io);
}

async function callFunction(
  notify: NotifyFunction,
  { text, source }: Notification,
  io: NotifyIo,
): Promise<Result<undefined, Trouble>> {
  const { signal } = io;
  const result = await settleWithin((aborted) => notify({ text, source }, aborted), CODE_TIMEOUT_MS, { signal });
  return result.ok
    ? ok(undefined)
    : err(hookTrouble(result.error, { receiver: "the notify function", timeoutMs: CODE_TIMEOUT_MS }));
}
