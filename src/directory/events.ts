/** The events and the ended runs of all jobs, spread over the shards by the jobs' owners. */
import * as z from "zod";
import { type EventFilter, eventsFor } from "../domain/event/event-filter.ts";
import type { JobReport, ReportedEvent } from "../domain/event/report.ts";
import type { Outcome } from "../domain/failure.ts";
import type { Caller } from "../domain/job/access.ts";
import { ownersMatching } from "../domain/job/job-filter.ts";
import { mergeFound, newestFirst } from "../domain/merged-list.ts";
import { cursorsOf, pageOfFound, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { allShards, shardFor, shardsFor } from "../objects/directory.ts";
import type { EventCount, EventKey, ListedEvent } from "../objects/events.ts";

const Place = z.object({ at: z.int(), id: z.string() });
const cursors = { events: cursorsOf("events", Place), runs: cursorsOf("all-runs", Place) };
const order = newestFirst<EventKey>(({ at }) => at);

/** Sends a job's report to the directory. Throws if the shard cannot be reached; send it again then. */
export async function tellDirectory(env: Pick<Env, "DIRECTORY">, report: JobReport): Promise<void> {
  await shardFor(env, report.entry.owner).tell(report);
}

/** Notes events that no job reports. Only callers who see all jobs see them. */
export async function noteEvents(env: Pick<Env, "DIRECTORY">, events: readonly ReportedEvent[]): Promise<void> {
  await shardFor(env, "system").note(events);
}

/** A page of events that the caller may see, newest first. Errors: `validation_failed` on `cursor`. */
export async function listEvents(
  env: Pick<Env, "DIRECTORY">,
  caller: Caller,
  filter: EventFilter,
  page: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Outcome<ShownPage<ListedEvent>>> {
  const codec = filter.runs === undefined ? cursors.events : cursors.runs;
  const before = codec.after(page.cursor);
  if (!before.ok) return before;
  const visible = eventsFor(filter, caller);
  if (visible === undefined) return ok({ items: [] });
  // One more than the page shows whether there is a next page.
  const query = { filter: visible, limit: page.limit + 1, before: before.value };
  // A user's run of a fan-out is stored with its job, which has another owner.
  const owners = visible.runs?.ofAllUsers === true && visible.user_id !== undefined ? "any" : ownersMatching(visible);
  const founds = await Promise.all(shardsFor(env, owners).map((shard) => shard.events(query)));
  const found = mergeFound(founds, order, page.limit + 1);
  return ok(codec.shown(pageOfFound(found, page.limit, ({ at, id }) => ({ at, id }))));
}

/** The number of events of each type since the beginning. */
export async function countEvents(env: Pick<Env, "DIRECTORY">): Promise<EventCount[]> {
  const counts = (await Promise.all(allShards(env).map((shard) => shard.eventCounts()))).flat();
  const types = [...new Set(counts.map(({ type }) => type))];
  return types.map((type) => ({
    type,
    count: counts.filter((each) => each.type === type).reduce((sum, { count }) => sum + count, 0),
  }));
}
