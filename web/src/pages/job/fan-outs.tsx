/** The fan-outs of a job for all users, with their progress. */
import type { FanOut } from "../../api/fan-outs.ts";
import type { Job } from "../../api/jobs.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { type Part, ProgressBar } from "../../parts/progress.tsx";
import { StatusText } from "../../parts/status.tsx";
import { At } from "../../parts/times.tsx";
import { link } from "../../route.ts";
import { type Live, useLiveFanOuts } from "./live.ts";

export function FanOuts({ job, live }: { readonly job: Job; readonly live: Live }) {
  const { fanOuts, loading, problem } = useLiveFanOuts(job.id, live);
  return (
    <section class="fan-outs" aria-labelledby="fan-outs-title">
      <h2 id="fan-outs-title">Fan-outs</h2>
      <ProblemBox problem={problem} />
      {fanOuts.length === 0 ? <p class="none">{loading ? "Loading…" : "It has not fanned out yet."}</p> : null}
      <ul>
        {fanOuts.slice(0, 10).map((one) => (
          <li key={one.id}>
            <a href={link("jobs", job.id, "fan-outs", one.id)}>
              <StatusText status={one.status} /> <At instant={one.started_at} />
            </a>
            <ProgressBar label={`Fan-out of ${one.started_at}`} total={one.total} parts={partsOf(one)} />
            <span class="numbers">{countsInWords(one)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** The parts of the bar. */
export const partsOf = (fanOut: FanOut): readonly Part[] => [
  { name: "succeeded", class: "is-success", count: fanOut.succeeded },
  { name: "failed", class: "is-error", count: fanOut.failed },
  { name: "skipped", class: "is-skipped", count: fanOut.skipped },
];

/** `240 of 300 users: 236 succeeded, 4 failed`. */
export function countsInWords({ total, succeeded, failed, skipped, pending }: FanOut): string {
  const number = (count: number) => count.toLocaleString("en");
  const parts = [`${number(succeeded)} succeeded`];
  if (failed > 0) parts.push(`${number(failed)} failed`);
  if (skipped > 0) parts.push(`${number(skipped)} skipped`);
  return `${number(total - pending)} of ${number(total)} ${total === 1 ? "user" : "users"}: ${parts.join(", ")}`;
}
