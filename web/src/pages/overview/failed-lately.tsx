/** The runs that failed in the last 24 hours, over all jobs. */
import { listAllRuns } from "../../api/runs.ts";
import { now, useEverySeen } from "../../clock.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { link } from "../../route.ts";
import { FailedRuns } from "../runs/failed-runs.tsx";

const REFRESH_MS = 10_000;
const DAY_MS = 24 * 3_600_000;
const SHOWN = 10;

export function FailedLately() {
  const list = useResource("failed", (signal) => {
    const since = new Date(now.peek() - DAY_MS).toISOString();
    return listAllRuns({ status: "error", since }, undefined, SHOWN, signal);
  });
  useEverySeen(REFRESH_MS, list.reload);
  const runs = list.value?.items ?? [];
  return (
    <section class="card" aria-labelledby="failed-lately">
      <div class="section-head">
        <h2 id="failed-lately">Failed in the last 24 hours</h2>
        <a href={`${link("runs")}?status=error`}>All failed runs</a>
      </div>
      <ProblemBox problem={list.problem} onRetry={list.reload} />
      {list.value !== undefined && runs.length === 0 ? <p class="none">Nothing failed.</p> : null}
      <FailedRuns runs={runs} />
    </section>
  );
}
