/** The runs of all jobs that need a look, newest first: "what failed?" in one list. */
import { listAllRuns, type NamedRun } from "../../api/runs.ts";
import { useEverySeen } from "../../clock.ts";
import { Empty } from "../../parts/empty.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages } from "../../parts/resource.ts";
import { Tabs } from "../../parts/tabs.tsx";
import { route, setQuery } from "../../route.ts";
import { FailedRuns } from "./failed-runs.tsx";

const REFRESH_MS = 10_000;
const STATUSES = [
  ["", "All"],
  ["error", "Failed"],
  ["success", "Succeeded"],
  ["skipped", "Skipped"],
] as const;

export function RunsPage() {
  const { query } = route.value;
  const status = query.get("status") ?? "";
  const filter = {
    status: status === "" ? undefined : status,
    agent_id: query.get("agent_id") ?? undefined,
    user_id: query.get("user_id") ?? undefined,
  };
  const pages = usePages<NamedRun>(JSON.stringify(filter), (cursor, signal) => listAllRuns(filter, cursor, 50, signal));
  useEverySeen(REFRESH_MS, pages.refresh);
  return (
    <>
      <h1>Runs</h1>
      <p class="lead">
        Failed runs of every job, and all runs of jobs with <code>report: all</code>.
      </p>
      <Tabs
        label="Status of runs"
        options={STATUSES}
        value={status}
        onSelect={(value) => setQuery({ status: value })}
      />
      <ProblemBox problem={pages.problem} onRetry={pages.reload} />
      <FailedRuns runs={pages.items} />
      <MoreButton pages={pages}>Show older runs</MoreButton>
      {pages.items.length === 0 && !pages.loading && pages.problem === undefined ? (
        <Empty title="No such run">
          <p>
            A job's own page lists all of its runs. Give a job <code>report: all</code> to see its good runs here too.
          </p>
        </Empty>
      ) : null}
    </>
  );
}
