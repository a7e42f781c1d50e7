/** The active runs and the next fires, among the newest active jobs. */
import { type Job, listJobs } from "../../api/jobs.ts";
import { useEverySeen } from "../../clock.ts";
import { useResource } from "../../parts/resource.ts";
import { NextFire } from "../../parts/times.tsx";
import { link } from "../../route.ts";
import { inWords, zoneOf } from "../../time/fires.ts";
import { RunningNow } from "./running-now.tsx";

const REFRESH_MS = 10_000;
/** The number of jobs that are read, one page of the list. The next of ten thousand jobs would take a hundred calls. */
const LOOKED_AT = 100;
const SHOWN = 8;

export function NowAndNext() {
  const list = useResource("next", (signal) => listJobs({ state: "active" }, undefined, LOOKED_AT, signal));
  useEverySeen(REFRESH_MS, list.reload);
  const due = (list.value?.items ?? []).filter(isDue).sort((a, b) => a.next_run_at.localeCompare(b.next_run_at));
  return (
    <>
      <RunningNow jobs={list.value?.items} />
      <section class="card" aria-labelledby="next-due">
        <h2 id="next-due">Next due</h2>
        {list.value !== undefined && due.length === 0 ? <p class="none">Nothing is scheduled.</p> : null}
        {due.length === 0 ? null : (
          <table class="plain-table" aria-label="Next due">
            <tbody>
              {due.slice(0, SHOWN).map((job) => (
                <tr key={job.id}>
                  <td>
                    <a href={link("jobs", job.id)}>{job.name}</a>
                  </td>
                  <td>{inWords(job.schedule)}</td>
                  <td>
                    <NextFire instant={job.next_run_at} zone={zoneOf(job.schedule)} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
        {list.value?.next_cursor === undefined ? null : (
          <p class="hint">Running and next: of the newest {LOOKED_AT} active jobs. The forecast counts all of them.</p>
        )}
      </section>
    </>
  );
}

const isDue = (job: Job): job is Job & { readonly next_run_at: string } => job.next_run_at !== undefined;
