/** The contract of a subscription for the rest of the Worker. `durable-objects/subscription/object.ts` implements it. */
import type { ReportedEvent } from "../domain/event/report.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Delivery, Subscription, SubscriptionInput, TestReport } from "../schema/subscription.ts";
import type { Objects } from "./binding.ts";

/**
 * One subscription (docs/contract.md §18). Every method but `configure` and `offer` answers `not_found` if it was never
 * created.
 */
export interface SubscriptionRpc {
  /** Creates the subscription or replaces its configuration. Its deliveries stay. Errors: `validation_failed`. */
  configure(
    input: SubscriptionInput,
  ): Promise<Outcome<{ readonly subscription: Subscription; readonly created: boolean }>>;
  read(): Promise<Outcome<Subscription>>;
  erase(): Promise<Outcome<null>>;
  /** Takes events that it is about, in the order in which a shard got them. False if there is no such subscription. */
  offer(events: readonly ReportedEvent[]): Promise<boolean>;
  /** Deliveries, newest first. `next` is the `before` of the following page, if there is one. */
  deliveries(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: Delivery[]; readonly next?: number }>>;
  /** Sends a delivery again at once. Errors: `not_found`. */
  retry(deliveryId: string): Promise<Outcome<Delivery>>;
  /** Sends an example to every target at once. */
  sendExample(): Promise<Outcome<TestReport>>;
}

export type SubscriptionBinding = { readonly SUBSCRIPTION: Objects<SubscriptionRpc> };

/** A subscription's object. The stub is fresh each time, since one that has thrown stays broken. */
export const subscriptionObject = (env: SubscriptionBinding, id: string): SubscriptionRpc =>
  env.SUBSCRIPTION.getByName(id);
