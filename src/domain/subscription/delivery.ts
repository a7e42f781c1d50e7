/**
 * One message to one target: when it is tried and when it is given up (docs/contract.md §18). Pure; instants are epoch ms.
 */
import type { EventType } from "../../schema/event.ts";
import { DAY_MS, HOUR_MS, SECOND_MS } from "../../schema/limits.ts";
import type { DeliveryStatus, Delivery as DeliveryView } from "../../schema/subscription.ts";
import { compact } from "../compact.ts";
import { formatInstant } from "../time/instant.ts";

export type Delivery = {
  /** Made of the event and the target, so a repeated event makes no second message. */
  readonly id: string;
  readonly seq: number;
  readonly eventId: string;
  readonly eventType: EventType;
  /** The subscription's target, by a key that stays when it is edited. */
  readonly target: string;
  readonly shown: string;
  readonly status: DeliveryStatus;
  readonly attempts: number;
  readonly createdAt: number;
  readonly nextAt?: number | undefined;
  readonly deliveredAt?: number | undefined;
  readonly error?: string | undefined;
};

const FIRST_RETRY_MS = 20 * SECOND_MS;
const LONGEST_RETRY_MS = HOUR_MS;
/** The time for which a delivery is retried. */
const GIVEN_UP_AFTER_MS = DAY_MS;

/** The pause after the `attempts`-th attempt: 20 s, 40 s, … an hour. */
export const retryDelay = (attempts: number): number =>
  Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.max(0, attempts - 1));

/** The delivery as its sending begins. It is recorded before the call, so a crash counts as a failed attempt. */
export const beginDelivery = (delivery: Delivery, now: number): Delivery => {
  const attempts = delivery.attempts + 1;
  return { ...delivery, status: "retrying", attempts, nextAt: now + retryDelay(attempts) };
};

export const delivered = (delivery: Delivery, now: number): Delivery => {
  const { nextAt: _nextAt, error: _error, ...rest } = delivery;
  return { ...rest, status: "delivered", deliveredAt: now };
};

/** The delivery after a failed attempt. It is retried for a day. */
export function notDelivered(delivery: Delivery, error: string, now: number): Delivery {
  if (now - delivery.createdAt < GIVEN_UP_AFTER_MS) return { ...delivery, error };
  const { nextAt: _nextAt, ...rest } = delivery;
  return { ...rest, status: "failed", error };
}

/** The delivery after a request to send it again. It is sent at once and retried for another day. */
export const sendAgain = (delivery: Delivery, now: number): Delivery => {
  const { deliveredAt: _deliveredAt, ...rest } = delivery;
  return { ...rest, status: "retrying", createdAt: now, nextAt: now };
};

export const deliveryView = (delivery: Delivery): DeliveryView =>
  compact({
    id: delivery.id,
    event_id: delivery.eventId,
    event_type: delivery.eventType,
    target: delivery.shown,
    status: delivery.status,
    attempts: delivery.attempts,
    created_at: formatInstant(delivery.createdAt),
    next_attempt_at:
      delivery.status === "retrying" && delivery.nextAt !== undefined ? formatInstant(delivery.nextAt) : undefined,
    delivered_at: delivery.deliveredAt === undefined ? undefined : formatInstant(delivery.deliveredAt),
    error: delivery.error,
  });
