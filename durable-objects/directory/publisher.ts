/**
 * Offers a shard's events to the subscriptions that are about them. It continues after the last one offered. So the tick
 * catches up after a crash, or when a subscription could not be reached.
 */
import { isAbout } from "../../src/domain/subscription/match.ts";
import type { ListedEvent } from "../../src/objects/events.ts";
import { type CallBudget, isCallRefusal } from "../../src/outbound/call-budget.ts";
import type { EventStore } from "./event-store.ts";
import type { KnownSubscription, SubscriptionRegistry } from "./subscription-store.ts";

/** The number of events in one step. */
const EVENTS_A_STEP = 50;

export type PublisherIo = {
  /** Offers events to a subscription. False if the subscription does not exist (any more). */
  readonly offer: (id: string, events: readonly ListedEvent[]) => Promise<boolean>;
  readonly budget: () => CallBudget;
  readonly report: (message: string, id: string, error: unknown) => void;
};

export class Publisher {
  readonly #events: EventStore;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #io: PublisherIo;
  #publishing: Promise<void> | undefined;
  #hasMore = false;

  constructor(events: EventStore, subscriptions: SubscriptionRegistry, io: PublisherIo) {
    this.#events = events;
    this.#subscriptions = subscriptions;
    this.#io = io;
  }

  /**
   * Offers the events that have not been offered. One round runs at a time; a call meanwhile causes another look. Never
   * throws.
   */
  publish(): Promise<void> {
    if (this.#subscriptions.list().length === 0) return Promise.resolve();
    this.#hasMore = true;
    this.#publishing ??= this.#run().finally(() => {
      this.#publishing = undefined;
    });
    return this.#publishing;
  }

  async #run(): Promise<void> {
    const budget = this.#io.budget();
    while (this.#hasMore && !budget.isUsedUp) {
      this.#hasMore = false;
      for (const { id } of this.#subscriptions.list()) await this.#offerTo(id, budget);
    }
  }

  async #offerTo(id: string, budget: CallBudget): Promise<void> {
    for (;;) {
      const subscription = this.#subscriptions.list().find((each) => each.id === id);
      if (subscription === undefined) return;
      const { items: events, stoppedAt } = this.#events.after(subscription.offeredSeq, {}, EVENTS_A_STEP);
      // The failed users of a large fan-out are rows without an event. The search may end among them.
      const readTo = stoppedAt ?? events.at(-1)?.seq;
      if (readTo === undefined) return;
      if (!(await this.#offer(subscription, events, budget))) return;
      this.#subscriptions.noteOffered(id, readTo);
    }
  }

  /** Whether these events are finished with. */
  async #offer(
    { id, interest }: KnownSubscription,
    events: readonly ListedEvent[],
    budget: CallBudget,
  ): Promise<boolean> {
    const wanted = events.filter((event) => isAbout(interest, event));
    if (wanted.length === 0) return true;
    if (!budget.take()) return false;
    try {
      if (!(await this.#io.offer(id, wanted))) this.#subscriptions.remove(id);
      return true;
    } catch (error) {
      if (isCallRefusal(error)) budget.exhaust();
      this.#io.report(
        "A subscription could not be reached; it is offered its events again at the next tick",
        id,
        error,
      );
      return false;
    }
  }
}
