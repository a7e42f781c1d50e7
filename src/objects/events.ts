/**
 * The contract of the directory's shards about events. `durable-objects/directory/object.ts` implements it. Instants
 * are epoch ms.
 */
import type { EventFilter } from "../domain/event/event-filter.ts";
import type { JobReport, ReportedEvent } from "../domain/event/report.ts";
import type { Found } from "../domain/page.ts";
import type { Interest } from "../domain/subscription/match.ts";
import type { EventType } from "../schema/event.ts";

/** Where an event stands in a list: lists run by (at, id) backwards. */
export type EventKey = { readonly at: number; readonly id: string };

/** An event as a shard keeps it; `seq` counts the shard's events in the order of telling. */
export type ListedEvent = ReportedEvent & { readonly seq: number };

export type EventQuery = {
  readonly filter: EventFilter;
  readonly limit: number;
  /** Only events before this one. */
  readonly before?: EventKey | undefined;
};

/**
 * Events of one shard in the order of telling. `readTo`: everything up to this number was looked at, which is the last there is if
 * `isWhole` (and fewer were found than asked for). `firstSeq`: the number of the oldest that is kept.
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
  /** Takes in what a job of this shard reports. Told again, it changes nothing. */
  tell(report: JobReport): Promise<void>;
  /** Takes in events that no job reports. */
  note(events: readonly ReportedEvent[]): Promise<void>;
  /** Newest first. */
  events(query: EventQuery): Promise<Found<ListedEvent, EventKey>>;
  /** Those told after the `seq`-th, in the order of telling. */
  eventsAfter(seq: number, filter: EventFilter, limit: number): Promise<FeedPart>;
  eventCounts(): Promise<EventCount[]>;

  /**
   * Whether no tick has come for two minutes, and when the last came. The one who is told so does its work: the next one
   * who asks is told that a tick has come. Only the first shard is asked.
   */
  standIn(now: number): Promise<{ readonly isMissing: boolean; readonly lastAt: number }>;

  /** Notes a subscription, which this shard offers its further events to. A new one gets none of before, also where its id was taken then. False, and nothing is noted, where there are `most` others. */
  putSubscription(id: string, interest: Interest, isNew: boolean, most?: number): Promise<boolean>;
  removeSubscription(id: string): Promise<void>;
  /** The ids of all subscriptions, in order. */
  subscriptionIds(): Promise<string[]>;
}
