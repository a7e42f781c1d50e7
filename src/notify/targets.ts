/** The targets of a subscription: how they are written, shown, identified, and sent an event. */
import { eventMessage } from "../domain/event/event-view.ts";
import type { ReportedEvent } from "../domain/event/report.ts";
import type { FieldError } from "../domain/failure.ts";
import { err, ok, type Result } from "../domain/result.ts";
import { checkEndpoint } from "../outbound/endpoint.ts";
import type { Trouble } from "../outbound/request.ts";
import { signedHeaders } from "../outbound/signature.ts";
import { SECOND_MS } from "../schema/limits.ts";
import type { Target } from "../schema/subscription.ts";
import { notifyChat } from "./chats.ts";
import { acceptNotifiers, maskNotifier } from "./config.ts";
import { type NotifyIo, send } from "./send.ts";

/**
 * Accepted targets. `shown` is their form in the answer to this call. It contains a secret only if this call generated it.
 */
export type AcceptedTargets = { readonly targets: readonly Target[]; readonly shown: readonly Target[] };

/** The identity of a target. It stays when its secret is changed. */
export function keyOfTarget(target: Target): string {
  switch (target.type) {
    case "telegram":
      return `telegram ${target.url ?? ""} ${target.chat_id}`;
    default:
      return `${target.type} ${target.url}`;
  }
}

/** The kind and place of the target, with masked secrets: `slack https://hooks.slack.com/…abcd`. */
export function showTarget(target: Target): string {
  if (target.type === "telegram") return `telegram ${target.chat_id}`;
  return `${target.type} ${maskNotifier(target, false).url}`;
}

/** The target as answers show it to the operator, with masked secrets. */
export const maskTarget = (target: Target): Target => maskNotifier(target, true);

/**
 * Targets from a client. Masked secrets are those of `stored`. A webhook without a secret keeps its old one or gets one
 * from `makeSecret`. Errors name the field, `to.0.url`, and never repeat a secret.
 */
export function acceptTargets(
  written: readonly Target[],
  stored: readonly Target[],
  rules: { readonly allowLoopbackHttp: boolean; readonly makeSecret: () => string },
): Result<AcceptedTargets, FieldError[]> {
  const accepted = acceptNotifiers(written, stored, rules);
  if (!accepted.ok)
    return err(accepted.error.map((error) => ({ ...error, path: error.path.replace(/^notify/, "to") })));
  const keys = accepted.value.map(keyOfTarget);
  const twice = keys.flatMap((key, index) => (keys.indexOf(key) < index ? [index] : []));
  if (twice.length > 0) {
    return err(
      twice.map((index) => ({ path: `to.${index}`, message: "is in the list already; name each target once" })),
    );
  }
  const shown: Target[] = [];
  const targets = accepted.value.map((target): Target => {
    if (target.type !== "webhook" || target.secret !== undefined) {
      shown.push(maskTarget(target));
      return target;
    }
    const known = stored.find((one) => keyOfTarget(one) === keyOfTarget(target));
    const kept = known?.type === "webhook" ? known.secret : undefined;
    const full = { ...target, secret: kept ?? rules.makeSecret() };
    shown.push(kept === undefined ? full : maskTarget(full));
    return full;
  });
  return ok({ targets, shown });
}

/** The outcome of sending to a target. `status` is present if it answered. */
export type SendResult = { readonly result: Result<undefined, Trouble>; readonly status?: number };

/** Sends the event once. Never throws. */
export async function tellTarget(
  target: Target,
  event: ReportedEvent,
  io: NotifyIo,
  rules: { readonly allowLoopbackHttp: boolean },
): Promise<SendResult> {
  const { fetch } = io;
  let status: number | undefined;
  const watched: NotifyIo = {
    ...io,
    fetch: async (url, init) => {
      const response = await fetch(url, init);
      status = response.status;
      return response;
    },
  };
  const endpoint = target.url === undefined ? undefined : checkEndpoint(target.url, rules);
  const result: Result<undefined, Trouble> =
    endpoint?.ok === false ? err({ reason: endpoint.error, passing: false }) : await sendTo(target, event, watched);
  return status === undefined ? { result } : { result, status };
}

function sendTo(target: Target, event: ReportedEvent, io: NotifyIo): Promise<Result<undefined, Trouble>> {
  const notification = { id: event.id, text: event.message, source: event.type };
  return target.type === "webhook" ? sendToWebhook(target, event, io) : notifyChat(target, notification, io);
}

async function sendToWebhook(
  { url, secret }: Extract<Target, { type: "webhook" }>,
  event: ReportedEvent,
  io: NotifyIo,
): Promise<Result<undefined, Trouble>> {
  if (secret === undefined) return err({ reason: "the webhook has no secret", passing: false });
  const body = JSON.stringify(eventMessage(event));
  const timestampSeconds = Math.floor(io.now() / SECOND_MS);
  const signed = await signedHeaders({ secret, id: event.id, timestampSeconds, body });
  if (!signed.ok) return err({ reason: `the call cannot be signed: ${signed.error}`, passing: false });
  return send({ receiver: "the webhook", url, headers: signed.value, body, secrets: [secret] }, io);
}
