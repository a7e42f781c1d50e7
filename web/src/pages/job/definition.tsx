/** The stored definition of the job. */
import type { ComponentChildren } from "preact";
import type { JobInput } from "../../../../src/schema/job.ts";
import type { Job } from "../../api/jobs.ts";
import { CopyButton } from "../../parts/copy.tsx";
import { curl } from "../../parts/empty.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { At } from "../../parts/times.tsx";

export function Definition({ job }: { readonly job: Job }) {
  const rows: readonly (readonly [string, ComponentChildren])[] = [
    ["Session", job.session_mode === "new" ? "a new one for every run" : "the same for every run"],
    ["While a run is active", OVERLAPS[job.overlap]],
    ["Retries", `${job.retry.max_attempts} attempts, ${job.retry.min_backoff} to ${job.retry.max_backoff} apart`],
    ["Timeout", `${job.timeout} to answer, ${job.completion_timeout} to complete after a 202`],
    ["Missed fires", `caught up for ${job.catchup_window}`],
    ...(job.exec_scope === "all_users"
      ? [
          [
            "Fan-out",
            `${job.fan_out?.concurrency ?? 50} users at once${job.fan_out?.rate_per_minute === undefined ? "" : `, ${job.fan_out.rate_per_minute} a minute`}`,
          ] as const,
        ]
      : []),
    ...(job.pacing === undefined
      ? []
      : [["Pacing", `the agent may set the next run, ${job.pacing.min} to ${job.pacing.max} ahead`] as const]),
    ...(job.continuity ? [["Continuity", "each call carries the run before it"] as const] : []),
    ...(job.report === undefined || job.report === "problems"
      ? []
      : [["Reports", job.report === "all" ? "every run" : "nothing"] as const]),
    ["Agent", job.agent_id ?? "the default one"],
    ["Created", <At key="created" instant={job.created_at} />],
    ["Updated", <At key="updated" instant={job.updated_at} />],
    ["Id", <code key="id">{job.id}</code>],
  ];
  return (
    <section class="card" aria-labelledby="definition-title">
      <h2 id="definition-title">Definition</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {job.message === undefined ? null : (
        <>
          <h3>Message</h3>
          <TextBlock label="Message" text={job.message} />
        </>
      )}
      {job.payload === undefined ? null : (
        <>
          <h3>Payload</h3>
          <TextBlock label="Payload" text={JSON.stringify(job.payload, null, 2)} />
        </>
      )}
      <CopyButton what="Command" text={curl("POST", "/v1/jobs", writtenOf(job))}>
        Copy as curl
      </CopyButton>
    </section>
  );
}

/** The fields that the API writes and no client sends. */
const READ_ONLY: Readonly<Record<Exclude<keyof Job, keyof JobInput>, true>> = {
  consecutive_failures: true,
  created_at: true,
  created_by: true,
  etag: true,
  health: true,
  id: true,
  last_error: true,
  last_run_at: true,
  last_status: true,
  next_run_after_pause: true,
  next_run_at: true,
  paused_reason: true,
  paused_until: true,
  run_count: true,
  running: true,
  spent: true,
  state: true,
  updated_at: true,
  updated_by: true,
};

/** The body with which a client would create this job. */
export const writtenOf = (job: Job): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(job).filter(([field]) => !Object.hasOwn(READ_ONLY, field)));

const OVERLAPS: Readonly<Record<Job["overlap"], string>> = {
  skip: "a further fire is skipped",
  buffer_one: "one further fire waits",
  cancel_other: "a further fire cancels it",
  allow_all: "further fires run beside it",
};
