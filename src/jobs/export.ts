/** Every job there is, part by part. An export of any length takes the memory of a few, and the calls of one invocation. */
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

/** The most jobs of one part. */
export const MAX_PART = 1_000;

/** The means of an export: `budget` holds the calls of this invocation, `callsPerWake` those of an object. */
export type ExportCall = { readonly env: Env; readonly budget: CallBudget; readonly callsPerWake: number };

/** The cursors of parts. */
export const exportCursors = cursorsOf("export", z.object({ createdAt: z.int(), id: z.string() }));

/**
 * The jobs of the part after this entry, newest first. At most `limit`, and no more than there are calls for. A job
 * that is made meanwhile may be left out; one that was there all the time is not. Throws where a part of the
 * directory cannot be reached, or no call is left: an export is whole or broken off, since one that silently lacks a
 * job would be found out only when it is needed.
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

/** The jobs of a part, group by group, those left out that are gone by now. Throws as {@link exportPart} does. */
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
