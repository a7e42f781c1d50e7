/** Reads jobs for an export, group by group. Each by a shard of the directory, whose invocation has calls of its own. */
import type { Outcome } from "../domain/failure.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { mapLimit } from "../map-limit.ts";
import { jobObject } from "../objects/job.ts";
import type { ExportedJob } from "../schema/job-export.ts";
import { askTwice } from "./job-list.ts";

/** So many jobs are in memory at a time: at their largest some 200 KB each. */
const MAX_GROUP = 100;

/** Most jobs are asleep, and one that wakes reads its storage first: others can be asked meanwhile. */
const JOBS_AT_ONCE = 20;

/** The number of jobs that one call reads. */
export const groupSize = (callsPerWake: number): number => Math.min(MAX_GROUP, callsPerWake);

/** The jobs with these ids, in their order; undefined for those that are gone by now. Throws if one cannot be read, and logs which. */
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
    logError("A job could not be read, so the export was broken off", { job_id: id }, error);
    throw error;
  }
}
