/** One job of the list, with its schedule, its next fire and its last runs. It is kept up to date while it is visible. */
import { announce } from "../../announce.ts";
import { type Job, pauseJob, resumeJob, runJob } from "../../api/jobs.ts";
import { useShortcuts } from "../../keys.ts";
import { Action } from "../../parts/button.tsx";
import { OwnerChips } from "../../parts/owner-chips.tsx";
import { RunStrip } from "../../parts/run-strip.tsx";
import { jobMark, jobWord, StatusMark } from "../../parts/status.tsx";
import { NextFire, Paused } from "../../parts/times.tsx";
import { link } from "../../route.ts";
import { mayChange } from "../../session.ts";
import { asWritten, inWords, zoneOf } from "../../time/fires.ts";
import { useLastRuns } from "./last-runs.ts";

export type JobRowProps = {
  readonly job: Job;
  /** From 1. */
  readonly position: number;
  /** The number of rows. -1 while it is not known. */
  readonly size: number;
  readonly isCurrent: boolean;
  readonly onCurrent: () => void;
  readonly onChange: (job: Job) => void;
  /** Called when the job has been deleted elsewhere. */
  readonly onGone: (id: string) => void;
  readonly isSelected: boolean;
  readonly onToggle: () => void;
};

export function JobRow({
  job,
  position,
  size,
  isCurrent,
  onCurrent,
  onChange,
  onGone,
  isSelected,
  onToggle,
}: JobRowProps) {
  const runs = useLastRuns(job, onChange, onGone);
  const isPaused = job.state === "paused";
  const zone = zoneOf(job.schedule);
  // The zone is in the line below, where it is not cut off.
  const words = inWords(job.schedule).replace(` (${zone})`, "");
  const togglePaused = () => (isPaused ? resumeJob(job.id) : pauseJob(job.id));
  const run = async () => {
    const answer = await runJob(job.id);
    runs.refresh();
    return answer;
  };
  return (
    <li
      class={`job-row in-${job.state}`}
      aria-posinset={position}
      aria-setsize={size}
      data-current={isCurrent ? "" : undefined}
      onFocusCapture={onCurrent}
    >
      {isCurrent ? <RowKeys job={job} run={run} togglePaused={togglePaused} onChange={onChange} /> : null}
      <div class="job-what">
        {mayChange.value ? (
          <input type="checkbox" aria-label={`Select ${job.name}`} checked={isSelected} onChange={onToggle} />
        ) : null}
        <a class="job-name" href={link("jobs", job.id)} tabIndex={isCurrent ? 0 : -1}>
          <StatusMark status={jobMark(job)} />
          <span>{job.name}</span>
          {jobWord(job) === "active" ? null : <small class="job-state">{jobWord(job)}</small>}
        </a>
        <OwnerChips job={job} tabIndex={isCurrent ? 0 : -1} />
      </div>
      <div class="job-when">
        <span class="words" title={inWords(job.schedule)}>
          {words}
        </span>
        <small>
          <code>{asWritten(job.schedule)}</code> {job.schedule.cron === undefined ? null : zone}
        </small>
      </div>
      <div class="job-next">
        {job.next_run_at === undefined ? (
          <span class="none">{isPaused ? <Paused until={job.paused_until} /> : "Nothing scheduled"}</span>
        ) : (
          <NextFire instant={job.next_run_at} zone={zone} />
        )}
      </div>
      <div class="job-runs">
        <RunStrip runs={runs.value} />
        <LastOutcome job={job} isRunning={runs.value?.some(({ status }) => status === "running") ?? false} />
      </div>
      <div class="job-actions">
        {mayChange.value && job.state !== "finished" ? (
          <>
            <Action icon="run" tone="quiet" label={`Run ${job.name} now`} act={run} done={`${job.name} was started`} />
            <Action
              icon={isPaused ? "resume" : "pause"}
              tone="quiet"
              label={`${isPaused ? "Resume" : "Pause"} ${job.name}`}
              act={togglePaused}
              onDone={onChange}
              done={`${job.name} is ${isPaused ? "active again" : "paused"}`}
            />
          </>
        ) : null}
      </div>
    </li>
  );
}

/** Takes r and p while the focus is on this row. */
function RowKeys({
  job,
  run,
  togglePaused,
  onChange,
}: {
  readonly job: Job;
  readonly run: () => ReturnType<typeof runJob>;
  readonly togglePaused: () => ReturnType<typeof pauseJob>;
  readonly onChange: (job: Job) => void;
}) {
  const isInside = () => document.activeElement?.closest("[data-current]") !== null && mayChange.value;
  useShortcuts({
    r: async () => {
      if (isInside() && (await run()).ok) announce(`${job.name} was started`);
    },
    p: async () => {
      if (!isInside()) return;
      const answer = await togglePaused();
      if (!answer.ok) return;
      onChange(answer.value);
      announce(`${job.name} is ${answer.value.state}`);
    },
  });
  return null;
}

function LastOutcome({ job, isRunning }: { readonly job: Job; readonly isRunning: boolean }) {
  if (isRunning) return <small class="is-running">running</small>;
  if (job.last_status === undefined) return <small class="none">No runs yet</small>;
  const failures = job.consecutive_failures;
  return (
    <small class={`is-${job.last_status}`}>{failures > 1 ? `${failures} failures in a row` : job.last_status}</small>
  );
}
