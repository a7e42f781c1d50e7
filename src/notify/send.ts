/** The shared part of all notifiers: the notification, and one POST whose answer's body does not matter. */
import { ok, type Result } from "../domain/result.ts";
import { release } from "../outbound/output.ts";
import { type OutboundRequest, type RequestIo, request, type Trouble } from "../outbound/request.ts";
import { SECOND_MS } from "../schema/limits.ts";

/** A notification. `text` is ready to be sent. `id` is the same however often the beat's notification is sent. */
export type Notification = { readonly id: string; readonly text: string; readonly source: string };

/** The means of a notifier. `now` is epoch ms. */
export type NotifyIo = RequestIo & { readonly now: () => number };

const NOTIFY_TIMEOUT_MS = 15 * SECOND_MS;

/** Sends one POST. Any 2xx is success. */
export const send = (post: Omit<OutboundRequest, "timeoutMs">, io: RequestIo): Promise<Result<undefined, Trouble>> =>
  request({ ...post, timeoutMs: NOTIFY_TIMEOUT_MS }, io, async (response) => {
    release(response.body);
    return ok(undefined);
  });

/** Sends the pieces in order, and stops at the first that fails. */
export async function sendInOrder(
  pieces: readonly string[],
  sendOne: (piece: string) => Promise<Result<undefined, Trouble>>,
): Promise<Result<undefined, Trouble>> {
  for (const piece of pieces) {
    const sent = await sendOne(piece);
    if (!sent.ok) return sent;
  }
  return ok(undefined);
}
