/** The jobs that are running now, among those that were read for the next fires. */
import type { Job } from "../../api/jobs.ts";
import { OwnerChips } from "../../parts/owner-chips.tsx";
import { StatusMark } from "../../parts/status.tsx";
import { link } from "../../route.ts";

const SHOWN = 20;

/** `jobs` is undefined until they were read. */
export function RunningNow({ jobs }: { readonly jobs: readonly Job[] | undefined }) {
  const running = (jobs ?? []).filter((job) => job.running !== undefined);
  return (
    <section class="card" aria-labelledby="running-now">
      <h2 id="running-now">Running now{running.length === 0 ? "" : ` (${running.length})`}</h2>
      {jobs !== undefined && running.length === 0 ? <p class="none">No job is running.</p> : null}
      {running.length === 0 ? null : (
        <ul class="attention" aria-label="Running now">
          {running.slice(0, SHOWN).map((job) => (
            <li key={job.id}>
              <a href={link("jobs", job.id)}>
                <StatusMark status="running" /> {job.name}
              </a>
              <OwnerChips job={job} />
              {job.running === 1 ? null : <span class="reason">{job.running} runs at once</span>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
