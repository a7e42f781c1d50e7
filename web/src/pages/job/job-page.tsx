/** One job: its definition, its past and future runs, and why it did or did not run. */
import { useEffect, useState } from "preact/hooks";
import { announce, announceProblem } from "../../announce.ts";
import { deleteJob, type Job, pauseJob, resumeJob, runJob } from "../../api/jobs.ts";
import { useShortcuts } from "../../keys.ts";
import { Action } from "../../parts/button.tsx";
import { Confirm } from "../../parts/dialog.tsx";
import { Icon } from "../../parts/icon.tsx";
import { OwnerChips } from "../../parts/owner-chips.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { jobMark, jobWord, StatusText } from "../../parts/status.tsx";
import { Ago, NextFire, Paused } from "../../parts/times.tsx";
import { go, link, route, setQuery } from "../../route.ts";
import { mayChange } from "../../session.ts";
import { asWritten, inWords, zoneOf } from "../../time/fires.ts";
import { Definition } from "./definition.tsx";
import { ExplainBox } from "./explain-box.tsx";
import { FanOuts } from "./fan-outs.tsx";
import { type LiveJob, useLiveJob } from "./live.ts";
import { RunDetail } from "./run-detail.tsx";
import { RunList } from "./run-list.tsx";
import { Spending } from "./spending.tsx";
import { Timeline } from "./timeline.tsx";

export function JobPage({ id }: { readonly id: string }) {
  const { query } = route.value;
  const shown = useLiveJob(id, {
    status: query.get("status") ?? undefined,
    user_id: query.get("user_id") ?? undefined,
    unchanged: query.get("unchanged") ?? undefined,
  });
  const { value: job, problem, reload } = shown.job;
  if (shown.live.deleted) {
    return (
      <div class="empty">
        <h1>The job was deleted</h1>
        <a href={link("jobs")}>All jobs</a>
      </div>
    );
  }
  if (job === undefined)
    return problem === undefined ? <p class="loading">Loading…</p> : <ProblemBox problem={problem} onRetry={reload} />;
  return <LoadedJob job={job} shown={shown} />;
}

function LoadedJob({ job, shown }: { readonly job: Job; readonly shown: LiveJob }) {
  const { runs, live } = shown;
  const selected = route.value.query.get("run") ?? undefined;
  useEffect(() => {
    document.title = `${job.name} · Reveille`;
  }, [job.name]);
  const select = (run: string | undefined) => setQuery({ run });
  return (
    <>
      <JobHead job={job} connected={live.connected} onChange={shown.job.put} />
      <Timeline job={job} runs={runs.items} selected={selected} onSelect={select} />
      {job.exec_scope === "all_users" ? <FanOuts job={job} live={live} /> : null}
      <div class="job-body">
        <RunList job={job} runs={runs} selected={selected} onSelect={select} />
        <div class="job-side">
          {selected === undefined ? null : (
            <RunDetail
              key={selected}
              job={job}
              runId={selected}
              known={runs.items.find((run) => run.id === selected)}
              onClose={() => select(undefined)}
            />
          )}
          <Spending job={job} />
          <ExplainBox job={job} />
          <Definition job={job} />
        </div>
      </div>
    </>
  );
}

type JobHeadProps = { readonly job: Job; readonly connected: boolean; readonly onChange: (job: Job) => void };

function JobHead({ job, connected, onChange }: JobHeadProps) {
  const zone = zoneOf(job.schedule);
  return (
    <header class="job-head">
      <a class="back" href={link("jobs")}>
        <Icon name="back" /> Jobs
      </a>
      <div class="page-head">
        <h1>{job.name}</h1>
        {mayChange.value ? <JobActions job={job} onChange={onChange} /> : null}
      </div>
      {job.description === undefined ? null : <p class="description">{job.description}</p>}
      <div class="job-facts">
        <div>
          <StatusText status={jobMark(job)}>{jobWord(job)}</StatusText>
          <OwnerChips job={job} />
          {connected ? null : <span class="chip is-lost">reconnecting…</span>}
        </div>
        <div>
          {inWords(job.schedule)} <code>{asWritten(job.schedule)}</code>
        </div>
        <div class="job-next">
          {job.next_run_at === undefined ? (
            <span class="none">
              {job.state === "paused" ? (
                <Paused until={job.paused_until} reason={job.paused_reason} />
              ) : (
                "Nothing scheduled"
              )}
            </span>
          ) : (
            <>
              <span class="caption">Next run in</span> <NextFire instant={job.next_run_at} zone={zone} />
            </>
          )}
        </div>
        <div>
          <span class="caption">
            {job.run_count === 1 ? "1 run" : `${job.run_count.toLocaleString("en")} runs`}
            {job.last_run_at === undefined ? "" : ", the last"}
          </span>
          {job.last_run_at === undefined || job.last_status === undefined ? null : (
            <>
              <StatusText status={job.last_status} /> <Ago instant={job.last_run_at} />
            </>
          )}
        </div>
      </div>
    </header>
  );
}

function JobActions({ job, onChange }: { readonly job: Job; readonly onChange: (job: Job) => void }) {
  const [deleting, setDeleting] = useState(false);
  const isPaused = job.state === "paused";
  const togglePaused = () => (isPaused ? resumeJob(job.id) : pauseJob(job.id));
  useShortcuts({
    e: () => go(link("jobs", job.id, "edit")),
    r: async () => {
      const answer = await runJob(job.id);
      if (answer.ok) announce("Started");
      else announceProblem(answer.error);
    },
    p: async () => {
      const answer = await togglePaused();
      if (answer.ok) onChange(answer.value);
      else announceProblem(answer.error);
    },
  });
  return (
    <div class="actions">
      {job.state === "finished" ? null : (
        <>
          <Action icon="run" tone="main" act={() => runJob(job.id)} done="Started">
            Run now
          </Action>
          <Action
            icon={isPaused ? "resume" : "pause"}
            act={togglePaused}
            onDone={onChange}
            done={isPaused ? "Active again" : "Paused"}
          >
            {isPaused ? "Resume" : "Pause"}
          </Action>
        </>
      )}
      <a class="button" href={link("jobs", job.id, "edit")}>
        Edit
      </a>
      <button type="button" class="button danger" onClick={() => setDeleting(true)}>
        Delete
      </button>
      {deleting ? (
        <Confirm
          title="Delete this job?"
          confirm="Delete job and runs"
          act={() => deleteJob(job.id)}
          done={`${job.name} was deleted`}
          onDone={() => go(link("jobs"))}
          onClose={() => setDeleting(false)}
        >
          <p>
            <strong>{job.name}</strong> will not fire again, and its log of runs goes with it. This cannot be undone; to
            stop it for a while, pause it.
          </p>
        </Confirm>
      ) : null}
    </div>
  );
}
