/** One job with its runs, as they change: loaded once, then kept up to date by the job's events. */
import { useEffect, useState } from "preact/hooks";
import { listenToJob } from "../../api/events.ts";
import { getJob, type Job, listRuns, type Run, type RunFilter } from "../../api/jobs.ts";
import { type Pages, type Resource, usePages, useResource } from "../../parts/resource.ts";
import { mergeRuns } from "./merge-runs.ts";

const PAGE_SIZE = 50;
/** Runs told of by events that are kept beside the list; the list itself has them as well when it is next read. */
const MAX_TOLD = 200;

export type LiveJob = {
  readonly job: Resource<Job>;
  readonly runs: Pages<Run>;
  readonly deleted: boolean;
  /** False while the stream of events is lost. */
  readonly connected: boolean;
};

/** @param filter which runs are listed; events of others are left out */
export function useLiveJob(id: string, filter: RunFilter): LiveJob {
  const { status, user_id } = filter;
  const job = useResource<Job>(id, (signal) => getJob(id, signal));
  const runs = usePages<Run>(`${id} ${status} ${user_id}`, (cursor, signal) =>
    listRuns(id, filter, cursor, PAGE_SIZE, signal),
  );
  const [told, setTold] = useState<readonly Run[]>([]);
  const [deleted, setDeleted] = useState(false);
  const [connected, setConnected] = useState(true);
  const { put } = job;
  const { reload } = runs;
  const found = job.value !== undefined;
  useEffect(() => {
    if (!found) return undefined;
    const controller = new AbortController();
    listenToJob(
      id,
      {
        onJob: put,
        onRun: (run) => setTold((old) => [run, ...old.filter((one) => one.id !== run.id)].slice(0, MAX_TOLD)),
        onDeleted: () => setDeleted(true),
        onConnection: (connection) => {
          setConnected(connection !== "lost");
          // What ran after the list was read and before anybody listened is in neither: so the list is read once more.
          if (connection === "opened") reload();
        },
      },
      controller.signal,
    );
    return () => {
      controller.abort();
      setTold([]);
    };
  }, [id, found, put, reload]);
  const fits = (run: Run) =>
    (status === undefined || run.status === status) && (user_id === undefined || run.user_id === user_id);
  return { job, runs: { ...runs, items: mergeRuns(runs.items, told, fits) }, deleted, connected };
}
