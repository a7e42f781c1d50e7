/** The list of jobs: entries from the directory, newest first, joined with the jobs themselves. */
import * as z from "zod";
import type { Outcome } from "../domain/failure.ts";
import { ADMIN, type Caller } from "../domain/job/access.ts";
import { type JobFilter, matchesFilter, narrowToCaller, ownersMatching } from "../domain/job/job-filter.ts";
import { PHANTOM_AFTER_MS } from "../domain/limits/sweep.ts";
import { mergeFound, newestFirst } from "../domain/merged-list.ts";
import { cursorsOf, type Found, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import { parseInstant } from "../domain/time/instant.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import type { EntryKey, ListedEntry } from "../objects/directory.ts";
import { shardFor, shardsFor } from "../objects/directory.ts";
import { type JobRpc, jobObject } from "../objects/job.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import type { Job } from "../schema/job.ts";
import { MAX_LOOKS } from "../schema/limits.ts";

const cursors = cursorsOf("jobs", z.object({ createdAt: z.int(), id: z.string() }));

/**
 * The rounds of reading a page. Entries without a job are rare; after this many rounds the page is returned short, with a
 * cursor.
 */
const MAX_ROUNDS = 8;

const order = newestFirst<EntryKey>(({ createdAt }) => createdAt);

/** The query of a page. `limit` is at least 1; `now` is epoch ms. */
export type JobsQuery = {
  readonly filter: JobFilter;
  readonly limit: number;
  readonly cursor: string | undefined;
  readonly now: number;
  /** The number of jobs asked at once. Left out: all of the page. */
  readonly atOnce?: number;
};

/**
 * The question that a list asks each of its jobs. The answer includes the job, so that the list can check that it is the
 * right one.
 */
export type Question<T> = (job: JobRpc) => Promise<Outcome<{ readonly job: Job; readonly answer: T }>>;

/**
 * A page of the jobs that the caller may see and the filter accepts, as they are now. `limit` is at least 1; `now` is epoch
 * ms. A job that is being created or deleted, or cannot be read, is left out and the page filled up. Pages continue after
 * the last entry's key, so nothing is skipped or repeated while other jobs come and go. Errors: `validation_failed` on
 * `cursor`.
 */
export async function listJobs(
  env: Env,
  caller: Caller,
  query: Omit<JobsQuery, "atOnce">,
): Promise<Outcome<ShownPage<Job>>> {
  return askJobs(env, caller, query, readItself);
}

const readItself: Question<Job> = async (object) => {
  const job = await object.read(ADMIN);
  return job.ok ? ok({ job: job.value, answer: job.value }) : job;
};

/**
 * A page like {@link listJobs}, with each job's answer to a question in place of the job. It makes one call for each job on
 * the page.
 */
export async function askJobs<T>(
  env: Env,
  caller: Caller,
  { filter, limit, cursor, now, atOnce = Number.POSITIVE_INFINITY }: JobsQuery,
  ask: Question<T>,
): Promise<Outcome<ShownPage<T>>> {
  const place = cursors.after(cursor);
  if (!place.ok) return place;
  const narrowed = narrowToCaller(filter, caller);
  if (narrowed === undefined) return ok({ items: [] });
  let after: EntryKey | undefined = place.value;
  let looks = 0;
  const found: { readonly entry: ListedEntry; readonly answer: T }[] = [];
  for (let round = 0; round < MAX_ROUNDS; round++) {
    // One more than the page shows whether there is a next page.
    const wanted = limit + 1 - found.length;
    const { items: entries, stoppedAt } = await entriesAfter(env, narrowed, after, wanted);
    const jobs = await mapLimit(entries, (entry) => answerOf(env, entry, ask, now), atOnce);
    // If the platform allows no further call, the page ends there, so that no job is skipped.
    const refusedAt = jobs.indexOf("refused");
    const read = refusedAt === -1 ? entries : entries.slice(0, refusedAt);
    for (const [i, entry] of read.entries()) {
      const asked = jobs[i];
      if (asked === undefined || asked === "refused" || !matchesFilter(asked.job, narrowed, caller)) continue;
      found.push({ entry, answer: asked.answer });
    }
    if (refusedAt !== -1) {
      const last = read.at(-1);
      if (round === 0 && last === undefined) throw new Error("The platform allowed no call for a job of the list");
      after = found.length > limit ? found[limit - 1]?.entry : (last ?? after);
      break;
    }
    if (entries.length < wanted && stoppedAt === undefined) return ok({ items: found.map(({ answer }) => answer) });
    after = found.length > limit ? found[limit - 1]?.entry : (stoppedAt ?? entries.at(-1));
    if (found.length > limit || (stoppedAt !== undefined && (found.length > 0 || ++looks === MAX_LOOKS))) break;
  }
  const items = found.slice(0, limit).map(({ answer }) => answer);
  return ok(cursors.shown(after === undefined ? { items } : { items, next: keyOf(after) }));
}

const keyOf = ({ createdAt, id }: EntryKey): EntryKey => ({ createdAt, id });

/**
 * A page of entries after this one, newest first, with or without a job. If the search stopped before the end, it says
 * where.
 */
export async function entriesAfter(
  env: Env,
  filter: JobFilter,
  after: EntryKey | undefined,
  limit: number,
): Promise<Found<ListedEntry, EntryKey>> {
  const place = after === undefined ? undefined : keyOf(after);
  const owners = ownersMatching(filter);
  const founds = await Promise.all(
    shardsFor(env, owners).map((shard) =>
      shard.page({ filter, limit, after: place, owners: owners === "any" ? undefined : owners }),
    ),
  );
  return mergeFound(founds, order, limit);
}

/**
 * The answer of the entry's job, or undefined if there is none. It is asked as the operator, because a missing job must not
 * be confused with a foreign one: an entry that has waited too long for its job is dropped.
 *
 * A job that fails to answer twice is left out and logged, so that the others can be seen. Its entry alone has neither
 * schedule nor message to show. A job whose definition only a later version can read does answer.
 */
async function answerOf<T>(
  env: Env,
  entry: ListedEntry,
  ask: Question<T>,
  now: number,
): Promise<{ readonly job: Job; readonly answer: T } | "refused" | undefined> {
  try {
    const asked = await askTwice(() => ask(jobObject(env, entry.id)));
    if (asked.ok && isSameJob(asked.value.job, entry)) return asked.value;
    if (now - entry.reservedAt > PHANTOM_AFTER_MS) await shardFor(env, entry.owner).dropPhantom(entry);
  } catch (error) {
    if (isCallRefusal(error)) return "refused";
    logError("A job could not be read and is left out of a list", { job_id: entry.id }, error);
  }
  return undefined;
}

/**
 * Asks a second time after a failure. `ask` must take a new stub each time, since a stub that has thrown stays broken,
 * while a reset object answers the next call.
 */
export const askTwice = <T>(ask: () => Promise<T>): Promise<T> => ask().catch(ask);

/** Whether the entry is this job's. A place that was given up may still be listed beside the final one with the same id. */
export function isSameJob(job: Pick<Job, "created_at">, entry: EntryKey): boolean {
  const createdAt = parseInstant(job.created_at);
  return createdAt.ok && createdAt.value === entry.createdAt;
}
