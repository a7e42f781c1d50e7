/** One job with its runs, as they change: loaded once, then kept up to date by the job's events. */
import { useEffect, useState } from "preact/hooks";
import { listenToJob } from "../../api/events.ts";
import { getJob, type Job, listRuns, type Run, type RunFilter } from "../../api/jobs.ts";
import { type Pages, type Resource, usePages, useResource } from "../../parts/resource.ts";

const PAGE_SIZE = 50;

export type LiveJob = {
  readonly job: Resource<Job>;
  readonly runs: Pages<Run>;
  readonly deleted: boolean;
  /** False while the stream of events is lost. */
  readonly connected: boolean;
};

/** @param filter which runs are listed; events of others are left out */
export function useLiveJob(id: string, filter: RunFilter): LiveJob {
  const job = useResource<Job>(id, (signal) => getJob(id, signal));
  const runs = usePages<Run>(`${id} ${JSON.stringify(filter)}`, (cursor, signal) =>
    listRuns(id, filter, cursor, PAGE_SIZE, signal),
  );
  const [deleted, setDeleted] = useState(false);
  const [connected, setConnected] = useState(true);
  const { put } = job;
  const { update } = runs;
  const found = job.value !== undefined;
  const { status, user_id } = filter;
  useEffect(() => {
    if (!found) return undefined;
    const controller = new AbortController();
    const fits = (run: Run) =>
      (status === undefined || run.status === status) && (user_id === undefined || run.user_id === user_id);
    listenToJob(
      id,
      {
        onJob: put,
        onRun: (run) => update((old) => merged(old, run, fits(run))),
        onDeleted: () => setDeleted(true),
        onConnected: setConnected,
      },
      controller.signal,
    );
    return () => controller.abort();
  }, [id, found, put, update, status, user_id]);
  return { job, runs, deleted, connected };
}

/** The list, newest first, with the run in its place. */
function merged(runs: readonly Run[], run: Run, fits: boolean): readonly Run[] {
  if (runs.some((one) => one.id === run.id)) {
    return fits ? runs.map((one) => (one.id === run.id ? run : one)) : runs.filter((one) => one.id !== run.id);
  }
  if (!fits) return runs;
  const after = runs.findIndex((one) => one.started_at <= run.started_at);
  return after < 0 ? [...runs, run] : runs.toSpliced(after, 0, run);
}
