/**
 * The contract of the directory's shards about events. `durable-objects/directory/object.ts` implements it. Instants
 * are epoch ms.
 */
import type { EventFilter } from "../domain/event/event-filter.ts";
import type { JobReport, ReportedEvent } from "../domain/event/report.ts";
import type { Found } from "../domain/page.ts";
import type { Interest } from "../domain/subscription/match.ts";
import type { EventType } from "../schema/event.ts";

/** The place of an event in a list. Lists are in the order of (at, id), descending. */
export type EventKey = { readonly at: number; readonly id: string };

/** An event as a shard keeps it. `seq` counts the shard's events in the order of their arrival. */
export type ListedEvent = ReportedEvent & { readonly seq: number };

export type EventQuery = {
  readonly filter: EventFilter;
  readonly limit: number;
  /** Only events before this one. */
  readonly before?: EventKey | undefined;
};

/**
 * Events of one shard in the order of their arrival. `readTo` is the number up to which the search went. If `isWhole`, that
 * is the last there is, and fewer were found than asked for. `firstSeq` is the number of the oldest kept event.
 */
export type FeedPart = {
  readonly events: readonly ListedEvent[];
  readonly firstSeq: number;
  readonly readTo: number;
  readonly isWhole: boolean;
};

export type EventCount = { readonly type: EventType; readonly count: number };

/** The events of one shard. */
export interface EventsRpc {
  /** Takes a report of a job of this shard. Repeating it changes nothing. */
  tell(report: JobReport): Promise<void>;
  /** Takes events that no job reports. */
  note(events: readonly ReportedEvent[]): Promise<void>;
  /** Events, newest first. */
  events(query: EventQuery): Promise<Found<ListedEvent, EventKey>>;
  /** The events after the `seq`-th, in the order of their arrival. */
  eventsAfter(seq: number, filter: EventFilter, limit: number): Promise<FeedPart>;
  eventCounts(): Promise<EventCount[]>;

  /**
   * Whether no tick has come for two minutes, and when the last came. A caller that gets `isMissing` does the tick's work,
   * and the next caller hears that a tick has come. Only the first shard is asked.
   */
  standIn(now: number): Promise<{ readonly isMissing: boolean; readonly lastAt: number }>;

  /**
   * Notes a subscription, which gets this shard's further events. A new one gets no earlier events, even if its id was in
   * use. False, and nothing is noted, if there are `most` others.
   */
  putSubscription(id: string, interest: Interest, isNew: boolean, most?: number): Promise<boolean>;
  removeSubscription(id: string): Promise<void>;
  /** The ids of all subscriptions, in order. */
  subscriptionIds(): Promise<string[]>;
}
