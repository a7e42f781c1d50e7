/** Every job there is, a page at a time, so that an export of any length takes the memory of one page. */
import * as z from "zod";
import { askTwice, entriesAfter, isSameJob } from "../directory/job-list.ts";
import type { Outcome } from "../domain/failure.ts";
import { cursorsOf, pageOf, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import type { EntryKey } from "../objects/directory.ts";
import { jobObject } from "../objects/job.ts";
import { JobState } from "../schema/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";

export type ExportPage = {
  readonly jobs: readonly ExportedJob[];
  /** Where the next page goes on; left out after the last one. */
  readonly next?: EntryKey;
};

/**
 * The jobs after this entry, newest first, at most `limit` of them. A job that is made meanwhile may be left out; one that was
 * there all the time is not. Throws where a part of the directory, or a job, cannot be reached, and logs which: an export is whole or
 * broken off, since one that silently lacks a job would be found out only when it is needed.
 */
export async function exportPage(env: Env, after: EntryKey | undefined, limit: number): Promise<ExportPage> {
  const entries = await entriesAfter(env, { states: JobState.options }, after, limit);
  const jobs = await exportedJobs(env, entries);
  const last = entries.at(-1);
  return entries.length < limit || last === undefined ? { jobs } : { jobs, next: last };
}

const cursors = cursorsOf("export", z.object({ createdAt: z.int(), id: z.string() }));

/** The entries of the part after `cursor`, newest first, at most `limit`. Errors: `validation_failed` on `cursor`. */
export async function exportPart(
  env: Env,
  cursor: string | undefined,
  limit: number,
): Promise<Outcome<ShownPage<EntryKey>>> {
  const after = cursors.after(cursor);
  if (!after.ok) return after;
  const entries = await entriesAfter(env, { states: JobState.options }, after.value, limit + 1);
  return ok(cursors.shown(pageOf(entries, limit, ({ createdAt, id }) => ({ createdAt, id }))));
}

/** The jobs of these entries, those left out that are gone by now. Throws as {@link exportPage} does. */
export async function exportedJobs(env: Env, entries: readonly EntryKey[]): Promise<ExportedJob[]> {
  const found = await Promise.all(entries.map(({ id }) => exported(env, id)));
  return found.flatMap((job, index) => {
    const entry = entries[index];
    return job.ok && entry !== undefined && isSameJob(job.value, entry) ? [job.value] : [];
  });
}

async function exported(env: Env, id: string): Promise<Outcome<ExportedJob>> {
  try {
    return await askTwice(() => jobObject(env, id).exported());
  } catch (error) {
    logError("A job could not be read, so the export was broken off", { job_id: id }, error);
    throw error;
  }
}
