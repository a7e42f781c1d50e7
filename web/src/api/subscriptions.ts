/** /v1/subscriptions: the targets that events are sent to, and their deliveries. */
import { call, type Page, v1 } from "./client.ts";

export type Target = { readonly type: string; readonly [field: string]: unknown };
export type Subscription = {
  readonly id: string;
  readonly events: readonly string[];
  readonly match?: Readonly<Record<string, unknown>>;
  readonly to: readonly Target[];
  readonly after?: number;
  readonly cooldown?: string;
  readonly enabled?: boolean;
};
export type Delivery = {
  readonly id: string;
  readonly event_id: string;
  readonly target: unknown;
  readonly status: "delivered" | "retrying" | "failed" | "held";
  readonly attempts: number;
  readonly error?: string;
};
export type TestResult = {
  readonly target: unknown;
  readonly ok: boolean;
  readonly status?: number;
  readonly error?: string;
};

export const listSubscriptions = (signal?: AbortSignal) =>
  call<Page<Subscription>>("GET", v1("subscriptions"), { signal });
export const putSubscription = (id: string, body: Omit<Subscription, "id">) =>
  call<Subscription>("PUT", v1("subscriptions", id), { json: body });
export const deleteSubscription = (id: string) => call<undefined>("DELETE", v1("subscriptions", id));
export const testSubscription = (id: string) =>
  call<{ readonly results: readonly TestResult[] }>("POST", v1("subscriptions", id, "test"));
export const listDeliveries = (id: string, signal?: AbortSignal) =>
  call<Page<Delivery>>("GET", v1("subscriptions", id, "deliveries"), { signal });
export const retryDelivery = (id: string, deliveryId: string) =>
  call<Delivery>("POST", v1("subscriptions", id, "deliveries", deliveryId, "retry"));
