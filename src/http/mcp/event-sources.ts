/** The sources of MCP's events: the feed of the directory's shards, and the mailboxes. */
import * as z from "zod";
import { endOfFeed, type FeedPlace, readFeed } from "../../directory/event-feed.ts";
import { endOfOffers, MAX_OFFERED, type OfferedRun, type OffersPlace, readOffers } from "../../directory/offers.ts";
import { SHARD_COUNT } from "../../domain/directory-shard.ts";
import { eventView } from "../../domain/event/event-view.ts";
import type { Caller } from "../../domain/job/access.ts";
import { type CursorCodec, cursorsOf } from "../../domain/page.ts";
import { formatInstant } from "../../domain/time/instant.ts";
import type { Env, Settings } from "../../env.ts";
import type { Event, EventType, OfferedEvent } from "../../schema/event.ts";

/** The caller of a poll. `now` is epoch ms. */
export type PollCaller = {
  readonly env: Env;
  readonly settings: Settings;
  readonly caller: Caller;
  readonly now: number;
};

/** The arguments of a poll, with parsed times (epoch ms). */
export type Wanted = {
  readonly job_id?: string | undefined;
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
};

/** An event at `at` (epoch ms). */
type Occurrence = { readonly at: number; readonly data: Event | OfferedEvent };

/** The events that a reader polls, from place to place. A cursor is a binding and a place. */
export type Source<Place> = {
  readonly cursors: CursorCodec<readonly [binding: number, place: Place]>;
  /** The place of the present. */
  readonly begin: () => Promise<Place>;
  /** `isCut`: something after the place is lost. */
  readonly read: (
    place: Place,
    limit: number,
  ) => Promise<{
    readonly occurrences: readonly Occurrence[];
    readonly place: Place;
    readonly hasMore: boolean;
    readonly isCut: boolean;
  }>;
};

const binding = z.int();
const places = z.array(z.int()).length(SHARD_COUNT).readonly();
const feedCursors = cursorsOf("mcp-events", z.tuple([binding, places]).readonly());
const mailboxPlace = z.tuple([z.int(), z.number(), z.string()]).readonly();
const offersPlace = z.tuple([z.number(), z.array(mailboxPlace).readonly()]).readonly();
const offerCursors = cursorsOf("mcp-offers", z.tuple([binding, offersPlace]).readonly());

/** The events of one type. */
export const feedSource = ({ env, caller }: PollCaller, type: EventType, wanted: Wanted): Source<FeedPlace> => ({
  cursors: feedCursors,
  begin: () => endOfFeed(env),
  async read(from, limit) {
    const { events, ...page } = await readFeed(env, caller, { ...wanted, types: [type] }, from, limit);
    return { ...page, occurrences: events.map((event) => ({ at: event.at, data: eventView(event) })) };
  },
});

/** The runs in mailboxes. */
export const offerSource = (reader: PollCaller, { since, until, ...filter }: Wanted): Source<OffersPlace> => ({
  cursors: offerCursors,
  begin: () => endOfOffers(reader, filter),
  async read(from, limit) {
    const { runs, ...page } = await readOffers(reader, filter, from, Math.min(limit, MAX_OFFERED));
    const occurrences = runs
      .map((run) => ({ at: run.offer.offeredAt, data: offeredEvent(run) }))
      .filter(({ at }) => at >= (since ?? at) && at < (until ?? at + 1));
    return { ...page, occurrences, isCut: false };
  },
});

const offeredEvent = ({ offer, agentId, jobName, run }: OfferedRun): OfferedEvent => ({
  id: `${offer.runId}_offered_${offer.offeredAt}`,
  type: "run.offered",
  at: formatInstant(offer.offeredAt),
  message: `A run of "${jobName}" waits to be claimed by the agent ${agentId}.`,
  job_id: offer.jobId,
  job_name: jobName,
  agent_id: agentId,
  run,
});
