/** Every job there is, a page at a time, so that an export of any length takes the memory of one page. */
import * as z from "zod";
import { askTwice, entriesAfter, isSameJob } from "../directory/job-list.ts";
import type { Outcome } from "../domain/failure.ts";
import { ok } from "../domain/result.ts";
import { cursorsOf } from "../domain/text/cursor.ts";
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

/** A part of an export: its jobs, read as they are taken, and the cursor of the next part, if there is one. */
export type ExportPart = { readonly entries: readonly EntryKey[]; readonly nextCursor?: string };

const cursors = cursorsOf("export", z.tuple([z.int(), z.string()]));

/** Which jobs the part after `cursor` has, newest first, at most `limit`. Errors: `validation_failed` on `cursor`. */
export async function exportPart(env: Env, cursor: string | undefined, limit: number): Promise<Outcome<ExportPart>> {
  const key = cursor === undefined ? ok(undefined) : cursors.decode(cursor);
  if (!key.ok) return key;
  const after = key.value === undefined ? undefined : { createdAt: key.value[0], id: key.value[1] };
  const entries = await entriesAfter(env, { states: JobState.options }, after, limit + 1);
  const part = entries.slice(0, limit);
  const last = part.at(-1);
  return ok(
    entries.length > limit && last !== undefined
      ? { entries: part, nextCursor: cursors.encode([last.createdAt, last.id]) }
      : { entries: part },
  );
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
