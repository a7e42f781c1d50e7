/** The contract of a subscription for the rest of the Worker. `durable-objects/subscription/object.ts` implements it. */
import type { ReportedEvent } from "../domain/event/report.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Delivery, Subscription, SubscriptionInput, TestReport } from "../schema/subscription.ts";
import type { Objects } from "./binding.ts";

/** One subscription (docs/contract.md §18). Every method but `configure` and `offer` answers `not_found` if it was never made. */
export interface SubscriptionRpc {
  /** Makes the subscription or replaces its configuration; its deliveries stay. Errors: `validation_failed`. */
  configure(
    input: SubscriptionInput,
  ): Promise<Outcome<{ readonly subscription: Subscription; readonly created: boolean }>>;
  read(): Promise<Outcome<Subscription>>;
  erase(): Promise<Outcome<null>>;
  /** Events that it is about, in the order in which a shard was told them. False: there is no such subscription. */
  offer(events: readonly ReportedEvent[]): Promise<boolean>;
  /** Newest first; `next` is the `before` of the page that follows, if there is one. */
  deliveries(query: {
    readonly limit: number;
    readonly before?: number | undefined;
  }): Promise<Outcome<{ readonly items: Delivery[]; readonly next?: number }>>;
  /** Sends one again at once. Errors: `not_found`. */
  retry(deliveryId: string): Promise<Outcome<Delivery>>;
  /** Sends an example to every target at once. */
  sendExample(): Promise<Outcome<TestReport>>;
}

export type SubscriptionBinding = { readonly SUBSCRIPTION: Objects<SubscriptionRpc> };

/** A fresh stub each time: one that has thrown stays broken. */
export const subscriptionObject = (env: SubscriptionBinding, id: string): SubscriptionRpc =>
  env.SUBSCRIPTION.getByName(id);
