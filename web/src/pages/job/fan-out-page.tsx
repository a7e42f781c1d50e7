/** One fan-out, live: its progress, and the users for whom it failed. */
import { useEffect } from "preact/hooks";
import { listRuns, type Run } from "../../api/jobs.ts";
import { Icon } from "../../parts/icon.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { ProgressBar } from "../../parts/progress.tsx";
import { type Pages, usePages } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { At } from "../../parts/times.tsx";
import { link } from "../../route.ts";
import { countsInWords, partsOf } from "./fan-outs.tsx";
import { useLiveFanOut } from "./live.ts";

export function FanOutPage({ jobId, id }: { readonly jobId: string; readonly id: string }) {
  const { job, fanOut, live } = useLiveFanOut(jobId, id);
  const failed = usePages<Run>(`${jobId} ${id}`, (cursor, signal) =>
    listRuns(jobId, { fan_out_id: id, status: "error" }, cursor, 50, signal),
  );
  const { value } = fanOut;
  const failures = value?.failed;
  useEffect(() => {
    if (failures !== undefined) failed.reload();
  }, [failures, failed.reload]);
  return (
    <>
      <a class="back" href={link("jobs", jobId)}>
        <Icon name="back" /> {job?.name ?? "Job"}
      </a>
      <h1>Fan-out</h1>
      <ProblemBox problem={fanOut.problem} onRetry={fanOut.reload} />
      {live.deleted ? <p class="problem">The job was deleted, and its fan-outs with it.</p> : null}
      {value === undefined ? null : (
        <section class="card fan-out">
          <div class="run-head">
            <StatusText status={value.status} />
            {live.connected ? null : <span class="chip is-lost">reconnecting…</span>}
            <span>
              <At instant={value.started_at} />
              {value.finished_at === undefined ? null : (
                <>
                  {" "}
                  to <At instant={value.finished_at} />
                </>
              )}
            </span>
          </div>
          <ProgressBar label="Users done" total={value.total} parts={partsOf(value)} />
          <p class="numbers" aria-live="polite">
            {countsInWords(value)}
            {value.pending > 0 ? `, ${value.pending.toLocaleString("en")} to go` : ""}
          </p>
          {value.error === undefined ? null : <p class="problem">{value.error}</p>}
        </section>
      )}
      <FailingUsers runs={failed} jobId={jobId} />
    </>
  );
}

function FailingUsers({ runs, jobId }: { readonly runs: Pages<Run>; readonly jobId: string }) {
  return (
    <section aria-labelledby="failing-title">
      <h2 id="failing-title">Failing users</h2>
      <ProblemBox problem={runs.problem} onRetry={runs.reload} />
      {runs.items.length === 0 ? (
        <p class="none">{runs.loading ? "Loading…" : "None."}</p>
      ) : (
        <Table columns={["User", "Attempts", "Error"]}>
          {runs.items.map((run) => (
            <tr key={run.id}>
              <td>
                <a href={`${link("jobs", jobId)}?run=${encodeURIComponent(run.id)}`}>{run.user_id ?? run.id}</a>
              </td>
              <td>{run.attempt}</td>
              <td>{run.error}</td>
            </tr>
          ))}
        </Table>
      )}
      <MoreButton pages={runs} />
    </section>
  );
}
