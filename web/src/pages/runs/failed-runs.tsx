/** Runs of several jobs in a table: their status, the reason, and a button to repeat them. */
import { retryRun } from "../../api/jobs.ts";
import type { NamedRun } from "../../api/runs.ts";
import { Action } from "../../parts/button.tsx";
import { StatusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { At } from "../../parts/times.tsx";
import { mayChange } from "../../session.ts";
import { linkTo } from "../events/events-page.tsx";

export function FailedRuns({ runs }: { readonly runs: readonly NamedRun[] }) {
  if (runs.length === 0) return null;
  return (
    <Table label="Runs" columns={["Ended", "Status", "Job", "Result"]} hasActions>
      {runs.map((run) => (
        <tr key={run.id}>
          <td>
            <At instant={run.finished_at ?? run.started_at} />
          </td>
          <td>
            <StatusText status={run.status} />
          </td>
          <td>
            <a href={linkTo(run.job_id, run.id)}>{run.job_name ?? run.job_id}</a>
            {run.user_id === undefined ? null : <small class="chip">{run.user_id}</small>}
          </td>
          <td>{run.error ?? run.output ?? ""}</td>
          <td class="row-actions">
            {mayChange.value && run.status === "error" ? (
              <Action tone="quiet" act={() => retryRun(run.job_id, run.id)} done="The run was started once more">
                Run again
              </Action>
            ) : null}
          </td>
        </tr>
      ))}
    </Table>
  );
}
