/** Reads jobs for an export, group by group. A shard of the directory reads each group, with calls of its own. */
import type { Outcome } from "../domain/failure.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";
import { askTwice } from "./job-list.ts";

/** The number of jobs in memory at a time. The largest take some 200 KB each. */
const MAX_GROUP = 100;

/** The number of jobs that are read at the same time. Most jobs are asleep and must read their storage first. */
const JOBS_AT_ONCE = 20;

/** The number of jobs that one call reads. */
export const groupSize = (callsPerWake: number): number => Math.min(MAX_GROUP, callsPerWake);

/** The jobs with these ids, in their order. A deleted job is undefined. If one cannot be read, this logs it and throws. */
export async function exportEach(
  env: Pick<Env, "JOB">,
  jobIds: readonly string[],
): Promise<(ExportedJob | undefined)[]> {
  return mapLimit(
    jobIds,
    async (id) => {
      const job = await exported(env, id);
      return job.ok ? job.value : undefined;
    },
    JOBS_AT_ONCE,
  );
}

async function exported(env: Pick<Env, "JOB">, id: string): Promise<Outcome<ExportedJob>> {
  try {
    return await askTwice(() => jobObject(env, id).exported());
  } catch (error) {
    logError("A job could not be read, so the export was aborted", { job_id: id }, error);
    throw error;
  }
}
