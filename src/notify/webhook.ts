/** A heartbeat's answer to a webhook (CONTRACT.md §8), signed as Standard Webhooks 1.0 with the agent's secret. */
import { err, type Result } from "../domain/result.ts";
import type { Trouble } from "../outbound/request.ts";
import { signedHeaders } from "../outbound/signature.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { type Notification, type NotifyIo, send } from "./send.ts";

/** Posts `{"type": "notification", "data": {text, source}}`. Without a secret (no agent is configured at all) the call is not signed. */
export async function notifyWebhook(
  { url, secret }: { readonly url: string; readonly secret: string | undefined },
  notification: Notification,
  io: NotifyIo,
): Promise<Result<undefined, Trouble>> {
  const { id, text, source } = notification;
  const body = JSON.stringify({ type: "notification", data: { text, source } });
  if (secret === undefined) return send({ who: "the webhook", url, headers: {}, body, secrets: [] }, io);
  const signed = await signedHeaders({ secret, id, timestampSeconds: Math.floor(io.now() / SECOND_MS), body });
  if (!signed.ok) return err({ reason: `the call cannot be signed: ${signed.error}`, passing: false });
  return send({ who: "the webhook", url, headers: signed.value, body, secrets: [secret] }, io);
}
