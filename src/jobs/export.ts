/**
 * An export of every job, part by part. It needs the memory of a few jobs and the calls of one invocation, for any number.
 */
import * as z from "zod";
import { groupSize } from "../directory/export-jobs.ts";
import { entriesAfter, isSameJob } from "../directory/job-list.ts";
import { SHARD_COUNT } from "../domain/directory-shard.ts";
import { cursorsOf, type Page, pageOfFound } from "../domain/page.ts";
import type { Env } from "../env.ts";
import { allShards, type EntryKey } from "../objects/directory.ts";
import type { CallBudget } from "../outbound/call-budget.ts";
import { JobState } from "../schema/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";

/** The most jobs in one part. */
export const MAX_PART = 1_000;

/**
 * The means of an export. `budget` has the calls of this invocation, and `callsPerWake` is the number that an object may
 * make.
 */
export type ExportCall = { readonly env: Env; readonly budget: CallBudget; readonly callsPerWake: number };

/** The cursors of parts. */
export const exportCursors = cursorsOf("export", z.object({ createdAt: z.int(), id: z.string() }));

/**
 * The jobs of the part after this entry, newest first. There are at most `limit`, and no more than the calls allow. A job
 * that is created meanwhile may be left out, but no other job is. Throws if a part of the directory cannot be reached or no
 * call is left. So an export is whole or breaks off; a missing job would be noticed only when it is needed.
 */
export async function exportPart(
  { env, budget, callsPerWake }: ExportCall,
  after: EntryKey | undefined,
  limit: number,
): Promise<Page<EntryKey, EntryKey>> {
  if (!budget.take(SHARD_COUNT)) throw new Error(USED_UP);
  const reach = Math.max(1, Math.min(limit, budget.left * groupSize(callsPerWake)));
  const found = await entriesAfter(env, { states: JobState.options }, after, reach + 1);
  return pageOfFound(found, reach, ({ createdAt, id }) => ({ createdAt, id }));
}

/** The jobs of a part, group by group, without those that were deleted meanwhile. Throws as {@link exportPart} does. */
export async function* exportedJobs(
  { env, budget, callsPerWake }: ExportCall,
  entries: readonly EntryKey[],
): AsyncGenerator<readonly ExportedJob[]> {
  const shards = allShards(env);
  const size = groupSize(callsPerWake);
  for (let from = 0; from < entries.length; from += size) {
    const group = entries.slice(from, from + size);
    const shard = shards[(from / size) % shards.length];
    if (shard === undefined || !budget.take()) throw new Error(USED_UP);
    const jobs = await shard.exportJobs(group.map(({ id }) => id));
    yield group.flatMap((entry, index) => {
      const job = jobs[index];
      return job !== undefined && isSameJob(job, entry) ? [job] : [];
    });
  }
}

/** Every job, newest first. Throws as {@link exportPart} does. */
export async function* everyJob(call: ExportCall): AsyncGenerator<readonly ExportedJob[]> {
  let after: EntryKey | undefined;
  do {
    const { items, next } = await exportPart(call, after, MAX_PART);
    yield* exportedJobs(call, items);
    after = next;
  } while (after !== undefined);
}

const USED_UP = "The calls of this invocation are used up: export in parts, with limit and cursor";
