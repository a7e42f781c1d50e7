/** The retries of a message, and when it is given up. */
import { describe, expect, it } from "vitest";
import {
  beginDelivery,
  type Delivery,
  delivered,
  notDelivered,
  retryDelay,
  sendAgain,
} from "../../../../src/domain/subscription/delivery.ts";

const HOUR = 3_600_000;
const fresh: Delivery = {
  ...{ id: "e.1", seq: 1, eventId: "e", eventType: "run.failed", target: "webhook x", shown: "webhook x" },
  ...{ status: "retrying", attempts: 0, createdAt: 0, nextAt: 0 },
};

describe("a delivery", () => {
  it("is retried the first time within a minute, then with a growing pause up to an hour", () => {
    expect(retryDelay(1)).toBeLessThan(60_000);
    expect([1, 2, 3, 4, 20].map(retryDelay)).toEqual([20_000, 40_000, 80_000, 160_000, HOUR]);
  });

  it("to a target that is down for an hour is delivered within two", () => {
    let delivery = fresh;
    let now = 0;
    while (delivery.status === "retrying") {
      now = delivery.nextAt ?? now;
      const begun = beginDelivery(delivery, now);
      delivery = now >= HOUR ? delivered(begun, now) : notDelivered(begun, "down", now);
    }
    expect(delivery).toMatchObject({ status: "delivered" });
    expect(now).toBeLessThan(2 * HOUR);
    expect(delivery.attempts).toBeLessThan(12);
    expect(delivery.error).toBeUndefined();
  });

  it("is given up after 24 hours, with the last reason", () => {
    let delivery = fresh;
    let now = 0;
    while (delivery.status === "retrying") {
      now = delivery.nextAt ?? now;
      delivery = notDelivered(beginDelivery(delivery, now), "down", now);
    }
    expect(delivery).toMatchObject({ status: "failed", error: "down" });
    expect(now).toBeGreaterThanOrEqual(24 * HOUR);
    expect(now).toBeLessThan(26 * HOUR);
    expect(sendAgain(delivery, now)).toMatchObject({ status: "retrying", nextAt: now, createdAt: now });
  });

  it("that was begun but never ended, as in a crash, is tried again", () => {
    expect(beginDelivery(fresh, 5)).toMatchObject({ status: "retrying", attempts: 1, nextAt: 5 + 20_000 });
  });
});
