/**
 * The events in the order in which the directory got them, for readers that return. A reader has a place in every shard.
 */
import type { EventFilter } from "../domain/event/event-filter.ts";
import { eventsFor } from "../domain/event/event-filter.ts";
import type { Caller } from "../domain/job/access.ts";
import type { Env } from "../env.ts";
import { allShards } from "../objects/directory.ts";
import type { ListedEvent } from "../objects/events.ts";

/** A reader's place in each shard. */
export type FeedPlace = readonly number[];

/** `isCut`: events after the place were dropped already. */
export type FeedPage = {
  readonly isCut: boolean;
  readonly events: readonly ListedEvent[];
  readonly place: FeedPlace;
  readonly hasMore: boolean;
};

/** The place after the latest event. */
export async function endOfFeed(env: Pick<Env, "DIRECTORY">): Promise<FeedPlace> {
  const answers = await Promise.all(allShards(env).map((shard) => shard.eventsAfter(Number.MAX_SAFE_INTEGER, {}, 1)));
  return answers.map(({ readTo }) => readTo);
}

/** Up to `limit` events after `from` that the caller may see, older ones first, and the place to continue from. */
export async function readFeed(
  env: Pick<Env, "DIRECTORY">,
  caller: Caller,
  filter: EventFilter,
  from: FeedPlace,
  limit: number,
): Promise<FeedPage> {
  const visible = eventsFor(filter, caller);
  if (visible === undefined) return { events: [], place: from, hasMore: false, isCut: false };
  const answers = await Promise.all(
    allShards(env).map((shard, index) => shard.eventsAfter(from[index] ?? 0, visible, limit + 1)),
  );
  const queues = answers.map(({ events }) => [...events]);
  const place = [...from];
  const taken: ListedEvent[] = [];
  while (taken.length < limit) {
    const next = earliest(queues);
    const event = next === undefined ? undefined : queues[next]?.shift();
    if (next === undefined || event === undefined) break;
    taken.push(event);
    place[next] = event.seq;
  }
  // If a shard has nothing left to show, the part that was searched is not searched again.
  for (const [index, { readTo }] of answers.entries()) if (queues[index]?.length === 0) place[index] = readTo;
  const isCut = answers.some(({ firstSeq }, index) => (from[index] ?? 0) < firstSeq - 1);
  const hasMore = queues.some((queue) => queue.length > 0) || answers.some(({ isWhole }) => !isWhole);
  return { events: taken, place, hasMore, isCut };
}

/** The shard whose next event is the oldest. Within a shard the order of arrival counts, so a place is enough. */
function earliest(queues: readonly (readonly ListedEvent[])[]): number | undefined {
  let found: number | undefined;
  for (const [index, [head]] of queues.entries()) {
    const best = found === undefined ? undefined : queues[found]?.[0];
    if (head !== undefined && (best === undefined || head.at < best.at)) found = index;
  }
  return found;
}
