/**
 * Sends a subscription's messages that are due. Each target has a lane of its own, so that one that hangs or is behind keeps no
 * other waiting. What was changed or deleted meanwhile counts from the next message on.
 */
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import { beginDelivery, type Delivery, delivered, notDelivered } from "../../src/domain/subscription/delivery.ts";
import { mapLimit } from "../../src/map-limit.ts";
import { keyOfTarget, type SendResult } from "../../src/notify/targets.ts";
import type { CallBudget } from "../../src/outbound/call-budget.ts";
import { SECOND_MS } from "../../src/schema/limits.ts";
import type { Target } from "../../src/schema/subscription.ts";
import type { SubscriptionStore } from "./store.ts";

/** Connections of one invocation that may wait for their answer at once. */
export const AT_ONCE = 6;
/** A lane begins no further message after this. A wake ends then, and the next one serves the other lanes. */
const LANE_MS = 5 * SECOND_MS;

export type SenderIo = {
  /** Asked again after each call: the subscription may be another by then. */
  readonly store: () => SubscriptionStore;
  readonly send: (target: Target, event: ReportedEvent) => Promise<SendResult>;
  readonly now: () => number;
  readonly budget: CallBudget;
  /** The lanes that somebody is on: nobody else begins one. */
  readonly busy: Set<string>;
};

/** Sends what is due, as far as the budget of calls and the lanes' time allow. */
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

/** One attempt, recorded before it is made: a crash in it counts as one that failed. */
async function attempt(target: Target, delivery: Delivery, { store, send, now }: SenderIo): Promise<void> {
  const begun = beginDelivery(delivery, now());
  store().put(begun);
  const event = store().message(delivery.eventId);
  if (event === undefined) return store().put({ ...begun, status: "failed", nextAt: undefined, error: "was not kept" });
  const { result } = await send(target, event);
  // The subscription may be gone by now, or made again under the same id.
  const still = store().find(delivery.id);
  if (still?.seq !== begun.seq || still.attempts !== begun.attempts) return;
  store().put(result.ok ? delivered(still, now()) : notDelivered(still, result.error.reason, now()));
}
