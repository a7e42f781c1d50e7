/** One run in full: its outcome, its output, and a button to stop it. */
import { cancelRun, getRun, type Job, type Run, retryRun } from "../../api/jobs.ts";
import { now } from "../../clock.ts";
import { Action } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { ProgressBar } from "../../parts/progress.tsx";
import { useResource } from "../../parts/resource.ts";
import { StatusText } from "../../parts/status.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { At } from "../../parts/times.tsx";
import { mayChange } from "../../session.ts";
import { callAsCurl } from "./call-as-curl.ts";
import { writtenOf } from "./definition.tsx";
import { RunFacts } from "./run-facts.tsx";

export type RunDetailProps = {
  readonly job: Job;
  readonly runId: string;
  /** The run in the live list, if it is there. */
  readonly known: Run | undefined;
  readonly onClose: () => void;
};

export function RunDetail({ job, runId, known, onClose }: RunDetailProps) {
  const loaded = useResource(`${job.id} ${runId}`, (signal) => getRun(job.id, runId, signal));
  const run = known ?? loaded.value;
  return (
    <section class="card run-detail" aria-label="Run">
      <div class="section-head">
        <h2>Run</h2>
        <button type="button" class="button quiet icon-only" aria-label="Close the run" onClick={onClose}>
          <Icon name="close" />
        </button>
      </div>
      {run === undefined ? (
        loaded.problem === undefined ? (
          <p class="loading">Loading…</p>
        ) : (
          <ProblemBox problem={loaded.problem} />
        )
      ) : (
        <RunBody job={job} run={run} />
      )}
    </section>
  );
}

function RunBody({ job, run }: { readonly job: Job; readonly run: Run }) {
  if (run.status === "running") now.value;
  return (
    <>
      <RunHead job={job} run={run} />
      {run.progress === undefined ? null : <Progress run={run} />}
      <Reason run={run} />
      <RunFacts job={job} run={run} />
      <Attempts run={run} />
      {run.output === undefined ? null : (
        <>
          <h3>Output{run.output_truncated ? " (the first 16 KiB)" : ""}</h3>
          <TextBlock label="Output" text={pretty(run.output)} />
        </>
      )}
    </>
  );
}

/** The status, and what can be done with the run. */
function RunHead({ job, run }: { readonly job: Job; readonly run: Run }) {
  const isRunning = run.status === "running";
  return (
    <div class="run-head">
      <StatusText status={run.status} />
      {isRunning && mayChange.value ? (
        <Action tone="danger" act={() => cancelRun(job.id, run.id)} done="The run was cancelled">
          Cancel
        </Action>
      ) : null}
      {!isRunning && run.status !== "skipped" && mayChange.value && job.state !== "finished" ? (
        <Action act={() => retryRun(job.id, run.id)} done="Started once more">
          Run again
        </Action>
      ) : null}
      {run.status === "skipped" ? null : (
        <CopyButton what="Commands" text={callAsCurl(writtenOf(job), job, run)}>
          Copy call as curl
        </CopyButton>
      )}
    </div>
  );
}

/** Why the run was skipped or failed. */
function Reason({ run }: { readonly run: Run }) {
  if (run.error === undefined) return null;
  const failed = run.status === "running" ? "The last attempt failed" : "Error";
  return (
    <div class={run.status === "skipped" ? "reason" : "problem"}>
      <strong>{run.status === "skipped" ? "Why it was skipped" : failed}</strong>
      <p>{run.error}</p>
    </div>
  );
}

/** All attempts, with the answer to each. */
function Attempts({ run: { attempts = [] } }: { readonly run: Run }) {
  if (attempts.length < 2) return null;
  return (
    <>
      <h3>Attempts</h3>
      <ol class="attempts-list">
        {attempts.map((one) => (
          <li key={one.attempt} value={one.attempt}>
            <At instant={one.started_at} />{" "}
            {one.error ?? (one.http_status === undefined ? "under way" : `answered ${one.http_status}`)}
          </li>
        ))}
      </ol>
    </>
  );
}

function Progress({ run }: { readonly run: Run }) {
  const { percent, message } = run.progress ?? {};
  return (
    <div class="run-progress">
      {percent === undefined ? null : (
        <ProgressBar
          label="Progress of the run"
          total={100}
          parts={[{ name: "done", class: "is-running", count: percent }]}
        />
      )}
      <p>
        {percent === undefined ? null : <strong>{Math.round(percent)}%</strong>} {message}
      </p>
    </div>
  );
}

/** JSON with line breaks. Any other text stays. */
function pretty(output: string): string {
  try {
    return JSON.stringify(JSON.parse(output), null, 2);
  } catch {
    return output;
  }
}
