/** The part of a directory shard that keeps events and offers them to subscriptions. */
import { DurableObject } from "cloudflare:workers";
import { SHARD_COUNT } from "../../src/domain/directory-shard.ts";
import type { EventFilter } from "../../src/domain/event/event-filter.ts";
import type { JobReport, ReportedEvent } from "../../src/domain/event/report.ts";
import type { Found } from "../../src/domain/page.ts";
import type { Interest } from "../../src/domain/subscription/match.ts";
import { formatDuration } from "../../src/domain/time/duration.ts";
import { type Env, settingsOf } from "../../src/env.ts";
import { logError } from "../../src/log.ts";
import type { EntryKey } from "../../src/objects/directory.ts";
import type { EventCount, EventKey, EventQuery, EventsRpc, FeedPart, ListedEvent } from "../../src/objects/events.ts";
import { subscriptionObject } from "../../src/objects/subscription.ts";
import { CallBudget } from "../../src/outbound/call-budget.ts";
import { TICK_MISSING_AFTER_MS } from "../../src/schema/limits.ts";
import { EventStore } from "./event-store.ts";
import { Publisher } from "./publisher.ts";
import { ShardTables } from "./shard-tables.ts";
import { SubscriptionRegistry } from "./subscription-store.ts";
import { TickStore } from "./tick-store.ts";

const FIRST_SHARD = "shard-0";
/** The delay from which a tick counts as late. A few seconds do not. */
const LATE_AFTER_MS = TICK_MISSING_AFTER_MS;

/** The known health of a job. */
export type JobHealth = { readonly failing?: boolean; readonly overdue?: boolean };

export abstract class EventsShard extends DurableObject<Env> implements EventsRpc {
  protected readonly tables: ShardTables;
  readonly #events: EventStore;
  readonly #subscriptions: SubscriptionRegistry;
  readonly #publisher: Publisher;
  readonly #clock: TickStore;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.tables = new ShardTables(ctx.storage.sql, SHARD_COUNT);
    this.#events = new EventStore(this.tables);
    this.#subscriptions = new SubscriptionRegistry(this.tables);
    this.#clock = new TickStore(this.tables);
    this.#publisher = new Publisher(this.#events, this.#subscriptions, {
      offer: (id, events) => subscriptionObject(env, id).offer(events),
      budget: () => new CallBudget(settingsOf(env).CALLS_PER_WAKE),
      report: (message, id, error) => logError(message, { subscription: id }, error),
    });
  }

  /** Notes the health of a job in its entry of the index. */
  protected abstract noteHealth(key: EntryKey, health: JobHealth): void;

  /** Adds the new events among these, and offers them. */
  protected addEvents(events: readonly ReportedEvent[]): void {
    this.#events.add(events);
    this.ctx.waitUntil(this.#publisher.publish());
  }

  async standIn(now: number): Promise<{ readonly isMissing: boolean; readonly lastAt: number }> {
    const { lastAt } = this.#clock;
    const age = lastAt === undefined ? 0 : now - lastAt;
    // If the clock was set back, the two minutes start again.
    if (lastAt !== undefined && age >= 0 && age < TICK_MISSING_AFTER_MS) return { isMissing: false, lastAt };
    // If no tick has ever come, the time begins with the first question.
    const isMissing = lastAt !== undefined && age >= 0;
    if (isMissing) this.#tickWasLate(lastAt, now, "an alarm or a call has done its work");
    this.#clock.tick(now, isMissing);
    return { isMissing, lastAt: now };
  }

  /** Keeps the time of a tick, in the first shard. */
  protected noteTick(now: number): void {
    if (this.ctx.id.name !== FIRST_SHARD) return;
    const { lastAt } = this.#clock;
    if (lastAt !== undefined && now - lastAt >= LATE_AFTER_MS) this.#tickWasLate(lastAt, now, "one has come now");
    this.#clock.tick(now, false);
  }

  /** The time of the last tick, in epoch ms. Only the first shard knows it, also after a restart. */
  protected get lastTickAt(): number | undefined {
    return this.#clock.lastAt;
  }

  protected get stoodIn(): number {
    return this.#clock.stoodIn;
  }

  #tickWasLate(lastAt: number, now: number, what: string): void {
    const message = `No tick came for ${formatDuration(now - lastAt)}; ${what}.`;
    this.addEvents([{ id: `tick_late_${lastAt}`, type: "tick.late", at: now, message }]);
  }

  /** Drops old events. Offers those that a crash or an unreachable subscription has left. */
  protected tidyEvents(now: number): void {
    this.#events.trim(now);
    this.ctx.waitUntil(this.#publisher.publish());
  }

  /** Stores a job's events and its health in one commit. */
  async tell({ entry, failing, events }: JobReport): Promise<void> {
    this.addEvents(events);
    this.noteHealth(entry, { failing, overdue: false });
  }

  async note(events: readonly ReportedEvent[]): Promise<void> {
    this.addEvents(events);
  }

  async putSubscription(id: string, interest: Interest, isNew: boolean, most?: number): Promise<boolean> {
    const others = this.#subscriptions.list().filter((each) => each.id !== id);
    if (most !== undefined && others.length >= most) return false;
    if (isNew) this.#subscriptions.remove(id);
    this.#subscriptions.put(id, interest, this.#events.lastSeq);
    return true;
  }

  async removeSubscription(id: string): Promise<void> {
    this.#subscriptions.remove(id);
  }

  async subscriptionIds(): Promise<string[]> {
    return this.#subscriptions.list().map(({ id }) => id);
  }

  async events(query: EventQuery): Promise<Found<ListedEvent, EventKey>> {
    return this.#events.list(query);
  }

  async eventsAfter(seq: number, filter: EventFilter, limit: number): Promise<FeedPart> {
    const { firstSeq, lastSeq } = this.#events;
    const { items, stoppedAt } = this.#events.after(seq, filter, limit);
    return { events: items, firstSeq, readTo: stoppedAt ?? lastSeq, isWhole: stoppedAt === undefined };
  }

  async eventCounts(): Promise<EventCount[]> {
    return this.#events.counts();
  }
}
