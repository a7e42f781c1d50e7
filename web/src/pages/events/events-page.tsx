/** The events of all jobs, newest first: failures, recoveries, pauses, and the operator's events. */
import { type Event, listEvents } from "../../api/events.ts";
import { useEverySeen } from "../../clock.ts";
import { Empty } from "../../parts/empty.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { At } from "../../parts/times.tsx";
import { link, route, setQuery } from "../../route.ts";

const REFRESH_MS = 10_000;
const TYPES = [
  ["", "All"],
  ["run.failed,fan_out.failed,heartbeat.failed", "Failures"],
  ["run.recovered", "Recoveries"],
  ["job.paused,budget.reached", "Pauses and budgets"],
  ["job.overdue,tick.late", "Late"],
] as const;

export function EventsPage() {
  const { query } = route.value;
  const type = query.get("type") ?? "";
  const jobId = query.get("job_id") ?? undefined;
  const filter = { type: type === "" ? undefined : type, job_id: jobId };
  const pages = usePages<Event>(JSON.stringify(filter), (cursor, signal) => listEvents(filter, cursor, signal));
  useEverySeen(REFRESH_MS, pages.refresh);
  return (
    <>
      <h1>Events</h1>
      <p class="lead">
        What happened that somebody may want to know, kept for 30 days.{" "}
        {jobId === undefined ? null : <a href={link("events")}>Show the events of all jobs</a>}
      </p>
      <Tabs label="Kind of event" options={TYPES} value={type} onSelect={(value) => setQuery({ type: value })} />
      <ProblemBox problem={pages.problem} onRetry={pages.reload} />
      {pages.items.length === 0 ? null : (
        <Table label="Events" columns={["At", "Event", "Job", "What happened"]}>
          {pages.items.map((event) => (
            <EventRow key={event.id} event={event} />
          ))}
        </Table>
      )}
      <MoreButton pages={pages}>Show older events</MoreButton>
      {pages.items.length === 0 && !pages.loading && pages.problem === undefined ? (
        <Empty title="No events yet">
          <p>Failures, recoveries and pauses appear here. Successful runs are not listed.</p>
        </Empty>
      ) : null}
    </>
  );
}

function EventRow({ event }: { readonly event: Event }) {
  const { job_id: jobId, job_name: name = jobId, run } = event;
  return (
    <tr>
      <td>
        <At instant={event.at} />
      </td>
      <td>
        <StatusText status={statusOf(event.type)}>{event.type}</StatusText>
      </td>
      <td>{jobId === undefined ? null : <a href={linkTo(jobId, run?.id)}>{name}</a>}</td>
      <td>{event.message}</td>
    </tr>
  );
}

/** The page of a job, with one of its runs open. */
export const linkTo = (jobId: string, runId: string | undefined): string =>
  runId === undefined ? link("jobs", jobId) : `${link("jobs", jobId)}?run=${encodeURIComponent(runId)}`;

function statusOf(type: string): "error" | "success" | "paused" | "skipped" {
  if (type.endsWith(".failed")) return "error";
  if (type === "run.recovered" || type === "run.succeeded") return "success";
  return type === "job.paused" ? "paused" : "skipped";
}
