/** A heartbeat's answer to a webhook (docs/contract.md §8), signed as Standard Webhooks 1.0 if there is a secret for it. */
import { err, type Result } from "../domain/result.ts";
import type { Trouble } from "../outbound/request.ts";
import { type Secrets, signedHeaders } from "../outbound/signature.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { type Notification, type NotifyIo, send } from "./send.ts";

/** Posts `{"type": "notification", "data": {text, source}}`. Without a secret the call is not signed. */
export async function notifyWebhook(
  { url, secret }: { readonly url: string; readonly secret: Secrets | undefined },
  notification: Notification,
  io: NotifyIo,
): Promise<Result<undefined, Trouble>> {
  const { id, text, source } = notification;
  const body = JSON.stringify({ type: "notification", data: { text, source } });
  if (secret === undefined) return send({ receiver: "the webhook", url, headers: {}, body, secrets: [] }, io);
  const signed = await signedHeaders({ secret, id, timestampSeconds: Math.floor(io.now() / SECOND_MS), body });
  if (!signed.ok) return err({ reason: `the call cannot be signed: ${signed.error}`, passing: false });
  return send({ receiver: "the webhook", url, headers: signed.value, body, secrets: [secret].flat() }, io);
}
