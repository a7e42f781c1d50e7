/** The last runs of a job in the list, and the job itself. They are kept up to date while the row is visible. */
import { useEffect, useState } from "preact/hooks";
import { getJob, type Job, listRuns, type Run } from "../../api/jobs.ts";
import { afterSeen } from "../../clock.ts";
import { inTurn } from "../../parts/in-turn.ts";
import { STRIP_LENGTH } from "../../parts/run-strip.tsx";

/** The pause after a due fire, and between looks at an active run. */
const LOOK_AGAIN_MS = 1_500;
/** The delay after which a due fire counts as waiting, for a mode or for an agent. Asking more often would not help. */
const OVERDUE_MS = 10_000;
const MAX_TIMER_MS = 2 ** 31 - 1;

export type LastRuns = { readonly value: readonly Run[] | undefined; refresh(): void };

/** Asks when the row becomes visible and when a fire is due, and repeatedly while a run is active. */
export function useLastRuns(job: Job, onChange: (job: Job) => void, onGone: (id: string) => void): LastRuns {
  const [runs, setRuns] = useState<readonly Run[]>();
  const [round, setRound] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    inTurn(async () => {
      const [list, current] = await Promise.all([
        listRuns(job.id, {}, undefined, STRIP_LENGTH, controller.signal),
        round === 0 ? undefined : getJob(job.id, controller.signal),
      ]);
      if (controller.signal.aborted) return;
      if (list.ok) setRuns(list.value.items);
      else if (list.error.status === 404) onGone(job.id);
      if (current?.ok) onChange(current.value);
    }, controller.signal);
    return () => controller.abort();
  }, [job.id, job.run_count, job.last_run_at, round]);

  const isRunning = runs?.some((run) => run.status === "running") ?? false;
  const nextAt = job.next_run_at;
  useEffect(() => {
    const waitMs = lookAgainIn(nextAt === undefined ? undefined : Date.parse(nextAt) - Date.now(), isRunning);
    return waitMs > MAX_TIMER_MS ? undefined : afterSeen(waitMs, () => setRound((old) => old + 1));
  }, [nextAt, isRunning, round]);
  return { value: runs, refresh: () => setRound((old) => old + 1) };
}

function lookAgainIn(untilDueMs: number | undefined, isRunning: boolean): number {
  if (isRunning) return LOOK_AGAIN_MS;
  if (untilDueMs === undefined) return Number.POSITIVE_INFINITY;
  return untilDueMs < -OVERDUE_MS ? OVERDUE_MS : Math.max(0, untilDueMs) + LOOK_AGAIN_MS;
}
