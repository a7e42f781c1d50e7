/**
 * Sends a subscription's due messages. Each target has its own lane, so a slow or hanging target keeps no other waiting. A
 * change or deletion takes effect with the next message.
 */
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import { beginDelivery, type Delivery, delivered, notDelivered } from "../../src/domain/subscription/delivery.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { keyOfTarget, type SendResult } from "../../src/notify/targets.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import { SECOND_MS } from "../../src/schema/limits.ts";
import type { Target } from "../../src/schema/subscription.ts";
import type { SubscriptionStore } from "./store.ts";

/** The number of connections of one invocation that may wait for an answer at once. */
export const AT_ONCE = 6;
/** The time after which a lane begins no further message. The wake ends then, and the next one serves the other lanes. */
const LANE_MS = 5 * SECOND_MS;

export type SenderIo = {
  /** Gives the store. It is called again after each call, since the subscription may have been replaced. */
  readonly store: () => SubscriptionStore;
  readonly send: (target: Target, event: ReportedEvent) => Promise<SendResult>;
  readonly now: () => number;
  readonly budget: CallBudget;
  /** The lanes in use. No other sender begins them. */
  readonly busy: Set<string>;
};

/** Sends due messages, within the budget of calls and the lanes' time. */
export async function sendDue(io: SenderIo): Promise<void> {
  if (io.store().load()?.config.enabled !== true) return;
  const lanes = io
    .store()
    .dueTargets(io.now())
    .filter((lane) => !io.busy.has(lane));
  const each = Math.max(1, Math.floor(AT_ONCE / Math.max(1, lanes.length)));
  for (const lane of lanes) io.busy.add(lane);
  await mapLimit(
    lanes,
    async (lane) => {
      try {
        await sendLane(lane, each, io);
      } finally {
        io.busy.delete(lane);
      }
    },
    AT_ONCE,
  );
}

async function sendLane(lane: string, atOnce: number, io: SenderIo): Promise<void> {
  const endsAt = io.now() + LANE_MS;
  do {
    const config = io.store().load()?.config;
    const target = config?.enabled === true ? config.to.find((one) => keyOfTarget(one) === lane) : undefined;
    if (target === undefined) return;
    const due = io.store().due(lane, io.now(), Math.min(atOnce, io.budget.left));
    if (due.length === 0) return;
    io.budget.take(due.length);
    await Promise.all(due.map((delivery) => attempt(target, delivery, io)));
  } while (io.now() < endsAt);
}

/** Makes one attempt, which is recorded before. So a crash during it counts as a failure. */
async function attempt(target: Target, delivery: Delivery, { store, send, now }: SenderIo): Promise<void> {
  const begun = beginDelivery(delivery, now());
  store().put(begun);
  const event = store().message(delivery.eventId);
  if (event === undefined) return store().put({ ...begun, status: "failed", nextAt: undefined, error: "was not kept" });
  const { result } = await send(target, event);
  // The subscription may have been deleted, or created again under the same id.
  const current = store().find(delivery.id);
  if (current?.seq !== begun.seq || current.attempts !== begun.attempts) return;
  store().put(result.ok ? delivered(current, now()) : notDelivered(current, result.error.reason, now()));
}
