/** One job, its runs and its fan-outs as they change. They are loaded once, and the job's events keep them up to date. */
import { useEffect, useState } from "preact/hooks";
import { type FanOut, getFanOut, listFanOuts } from "../../api/fan-outs.ts";
import { listenToJob } from "../../api/job-stream.ts";
import { getJob, type Job, listRuns, type Run, type RunFilter } from "../../api/jobs.ts";
import { type Pages, type Resource, usePages, useResource } from "../../parts/resource.ts";
import { mergeUpdates, type Started } from "./merge-updates.ts";

const PAGE_SIZE = 50;
/** The number of runs from events that are kept beside the list. The list itself has them when it is read again. */
const MAX_TOLD = 200;

/** The changes from a job's events since the page listens, newest first. */
export type Live = {
  readonly runs: readonly Run[];
  readonly fanOuts: readonly FanOut[];
  readonly deleted: boolean;
  /** False while the stream of events is lost. */
  readonly connected: boolean;
  /**
   * The number of times that the stream has been opened again. A change between the last reading of a list and that moment
   * is in neither, so read the list again.
   */
  readonly opened: number;
};

/** Listens to the events of `job` once it is loaded, and shows its changes. */
function useLive(id: string, { value, put }: Resource<Job>): Live {
  const [runs, setRuns] = useState<readonly Run[]>([]);
  const [fanOuts, setFanOuts] = useState<readonly FanOut[]>([]);
  const [deleted, setDeleted] = useState(false);
  const [connected, setConnected] = useState(true);
  const [opened, setOpened] = useState(0);
  const found = value !== undefined;
  useEffect(() => {
    if (!found) return undefined;
    const controller = new AbortController();
    listenToJob(
      id,
      {
        onJob: put,
        onRun: (run) => setRuns((old) => withNewest(run, old)),
        onFanOut: (fanOut) => setFanOuts((old) => withNewest(fanOut, old)),
        onDeleted: () => setDeleted(true),
        onConnection: (connection) => {
          setConnected(connection !== "lost");
          if (connection === "opened") setOpened((old) => old + 1);
        },
      },
      controller.signal,
    );
    return () => {
      controller.abort();
      setRuns([]);
      setFanOuts([]);
    };
  }, [id, found, put]);
  return { runs, fanOuts, deleted, connected, opened };
}

const withNewest = <T extends Started>(one: T, others: readonly T[]): readonly T[] =>
  [one, ...others.filter(({ id }) => id !== one.id)].slice(0, MAX_TOLD);

/** Reads a list again each time that the stream is opened again. */
function useReloadWhenOpened(opened: number, reload: () => void): void {
  useEffect(() => {
    if (opened > 0) reload();
  }, [opened, reload]);
}

export type LiveJob = {
  readonly job: Resource<Job>;
  readonly runs: Pages<Run>;
  readonly live: Live;
};

/** @param filter the runs that are listed; events of others are left out */
export function useLiveJob(id: string, filter: RunFilter): LiveJob {
  const { status, user_id, unchanged } = filter;
  const job = useResource<Job>(id, (signal) => getJob(id, signal));
  const runs = usePages<Run>(`${id} ${status} ${user_id} ${unchanged}`, (cursor, signal) =>
    listRuns(id, filter, cursor, PAGE_SIZE, signal),
  );
  const live = useLive(id, job);
  useReloadWhenOpened(live.opened, runs.reload);
  const fits = (run: Run) =>
    (status === undefined || run.status === status) &&
    (user_id === undefined || run.user_id === user_id) &&
    (unchanged === undefined || run.unchanged !== true);
  return { job, runs: { ...runs, items: mergeUpdates(runs.items, live.runs, fits) }, live };
}

/** The newest fan-outs of a job with a live stream. */
export function useLiveFanOuts(jobId: string, live: Live) {
  const list = useResource(jobId, (signal) => listFanOuts(jobId, undefined, signal));
  useReloadWhenOpened(live.opened, list.reload);
  const fanOuts = mergeUpdates(list.value?.items ?? [], live.fanOuts);
  return { fanOuts, loading: list.value === undefined, problem: list.problem };
}

/** One fan-out, with its job. */
export function useLiveFanOut(jobId: string, id: string) {
  const job = useResource<Job>(jobId, (signal) => getJob(jobId, signal));
  const fanOut = useResource<FanOut>(`${jobId} ${id}`, (signal) => getFanOut(jobId, id, signal));
  const live = useLive(jobId, job);
  useReloadWhenOpened(live.opened, fanOut.reload);
  const listed = fanOut.value === undefined ? [] : [fanOut.value];
  const [value] = mergeUpdates(listed, live.fanOuts, (one) => one.id === id);
  return { job: job.value, fanOut: { ...fanOut, value }, live };
}
