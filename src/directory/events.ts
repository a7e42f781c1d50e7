/** The events and the ended runs of all jobs, spread over the shards by the jobs' owners. */
import * as z from "zod";
import { type EventFilter, eventsFor } from "../domain/event/event-filter.ts";
import type { JobReport, ReportedEvent } from "../domain/event/report.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Caller } from "../domain/job/access.ts";
import { ownersMatching } from "../domain/job/job-filter.ts";
import { ok } from "../domain/result.ts";
import { cursorsOf } from "../domain/text/cursor.ts";
import type { Env } from "../env.ts";
import { allShards, shardFor, shardsFor } from "../objects/directory.ts";
import type { EventCount, EventKey, ListedEvent } from "../objects/events.ts";
import { mergeSorted } from "./shards.ts";

const cursors = {
  events: cursorsOf("events", z.tuple([z.int(), z.string()])),
  runs: cursorsOf("runs", z.tuple([z.int(), z.string()])),
};

/** Tells the directory what a job reports. Throws when the shard cannot be reached: tell it again. */
export async function tellDirectory(env: Pick<Env, "DIRECTORY">, report: JobReport): Promise<void> {
  await shardFor(env, report.entry.owner).tell(report);
}

/** Notes events that no job reports: only those who see all jobs see them. */
export async function noteEvents(env: Pick<Env, "DIRECTORY">, events: readonly ReportedEvent[]): Promise<void> {
  await shardFor(env, "system").note(events);
}

export type EventPage = { readonly items: readonly ListedEvent[]; readonly next_cursor?: string };

/** A page of events that the caller may see, newest first. Errors: `validation_failed` on `cursor`. */
export async function listEvents(
  env: Pick<Env, "DIRECTORY">,
  caller: Caller,
  filter: EventFilter,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Outcome<EventPage>> {
  const codec = filter.runs === undefined ? cursors.events : cursors.runs;
  const key = page.cursor === undefined ? ok(undefined) : codec.decode(page.cursor);
  if (!key.ok) return key;
  const visible = eventsFor(filter, caller);
  if (visible === undefined) return ok({ items: [] });
  const before = key.value === undefined ? undefined : { at: key.value[0], id: key.value[1] };
  // One more than is shown tells whether there is a next page.
  const query = { filter: visible, limit: page.limit + 1, before };
  const lists = await Promise.all(shardsFor(env, ownersMatching(visible)).map((shard) => shard.events(query)));
  const found = mergeSorted(lists, newestFirst, page.limit + 1);
  const items = found.slice(0, page.limit);
  const last = items.at(-1);
  return ok(
    found.length > page.limit && last !== undefined
      ? { items, next_cursor: codec.encode([last.at, last.id]) }
      : { items },
  );
}

/** How many events of each type there ever were. */
export async function countEvents(env: Pick<Env, "DIRECTORY">): Promise<EventCount[]> {
  const counts = (await Promise.all(allShards(env).map((shard) => shard.eventCounts()))).flat();
  const types = [...new Set(counts.map(({ type }) => type))];
  return types.map((type) => ({
    type,
    count: counts.filter((each) => each.type === type).reduce((sum, { count }) => sum + count, 0),
  }));
}

/** Ids are ASCII, so JavaScript's order is SQLite's. */
const newestFirst = (a: EventKey, b: EventKey): number => b.at - a.at || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
