/** Jobs that fail, that are overdue, or that Reveille or their agent has paused, each with the reason. */
import { type Job, listJobs } from "../../api/jobs.ts";
import { useEverySeen } from "../../clock.ts";
import { OwnerChips } from "../../parts/owner-chips.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { useResource } from "../../parts/resource.ts";
import { StatusMark } from "../../parts/status.tsx";
import { link } from "../../route.ts";

const REFRESH_MS = 10_000;
const SHOWN = 20;

export function NeedsAttention() {
  const failing = useResource("failing", (signal) => listJobs({ health: "failing" }, undefined, SHOWN, signal));
  const overdue = useResource("overdue", (signal) => listJobs({ health: "overdue" }, undefined, SHOWN, signal));
  const paused = useResource("paused", (signal) => listJobs({ state: "paused" }, undefined, 100, signal));
  useEverySeen(REFRESH_MS, () => {
    for (const list of [failing, overdue, paused]) list.reload();
  });
  // A job that a person has paused needs no attention, so only a pause with a reason is listed.
  const stopped = (paused.value?.items ?? []).filter((job) => job.paused_reason !== undefined);
  const groups = [
    {
      title: "Failing",
      mark: "error",
      jobs: failing.value?.items ?? [],
      more: failing.value?.next_cursor !== undefined,
    },
    {
      title: "Overdue",
      mark: "late",
      jobs: overdue.value?.items ?? [],
      more: overdue.value?.next_cursor !== undefined,
    },
    { title: "Paused with a reason", mark: "paused", jobs: stopped, more: false },
  ] as const;
  const isLoaded = [failing, overdue, paused].every(({ value }) => value !== undefined);
  const isQuiet = groups.every(({ jobs }) => jobs.length === 0);
  return (
    <section class="card" aria-labelledby="attention">
      <h2 id="attention">Needs attention</h2>
      <ProblemBox problem={failing.problem ?? overdue.problem ?? paused.problem} onRetry={failing.reload} />
      {isLoaded && isQuiet ? <p class="none">Every job is well.</p> : null}
      {groups.map(({ title, mark, jobs, more }) =>
        jobs.length === 0 ? null : (
          <div key={title} class="attention">
            <h3>
              {title} ({jobs.length}
              {more ? "+" : ""})
            </h3>
            <ul aria-label={title}>
              {jobs.map((job) => (
                <li key={job.id}>
                  <a href={link("jobs", job.id)}>
                    <StatusMark status={mark} /> {job.name}
                  </a>
                  <OwnerChips job={job} />
                  <span class="reason">{reasonOf(job)}</span>
                </li>
              ))}
            </ul>
          </div>
        ),
      )}
    </section>
  );
}

function reasonOf(job: Job): string {
  if (job.paused_reason !== undefined) return job.paused_reason;
  if (job.consecutive_failures > 0) return [inFailures(job.consecutive_failures), job.last_error].join(": ");
  return job.next_run_at === undefined ? "" : `was due ${job.next_run_at}`;
}

const inFailures = (count: number): string => (count === 1 ? "1 failure" : `${count} failures in a row`);
