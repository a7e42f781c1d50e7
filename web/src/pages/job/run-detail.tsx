/** One run in full: its outcome, its output, and a button to stop it. */
import { cancelRun, getRun, type Job, type Run, retryRun } from "../../api/jobs.ts";
import { now } from "../../clock.ts";
import { costOf } from "../../money.ts";
import { Action } from "../../parts/button.tsx";
import { CopyButton } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { ProgressBar } from "../../parts/progress.tsx";
import { useResource } from "../../parts/resource.ts";
import { durationOf } from "../../parts/run-strip.tsx";
import { StatusText } from "../../parts/status.tsx";
import { TextBlock } from "../../parts/text-block.tsx";
import { At, Countdown } from "../../parts/times.tsx";
import { mayChange } from "../../session.ts";
import { msOf, roundSpan, span } from "../../time/format.ts";
import { callAsCurl } from "./call-as-curl.ts";
import { writtenOf } from "./definition.tsx";

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
        <Facts job={job} run={run} />
      )}
    </section>
  );
}

function Facts({ job, run }: { readonly job: Job; readonly run: Run }) {
  const isRunning = run.status === "running";
  if (isRunning) now.value;
  const lateMs = Math.max(0, msOf(run.started_at) - msOf(run.scheduled_at));
  return (
    <>
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
      {run.progress === undefined ? null : <Progress run={run} />}
      {run.error === undefined ? null : (
        <div class={run.status === "skipped" ? "reason" : "problem"}>
          <strong>
            {run.status === "skipped" ? "Why it was skipped" : isRunning ? "The last attempt failed" : "Error"}
          </strong>
          <p>{run.error}</p>
        </div>
      )}
      <dl class="facts">
        <Fact name="Due">
          <At instant={run.scheduled_at} />
        </Fact>
        {run.status === "skipped" ? null : (
          <>
            <Fact name="Started">
              <At instant={run.started_at} /> <small>{span(lateMs)} after it was due</small>
            </Fact>
            <Fact name={isRunning ? "Running for" : "Took"}>{span(durationOf(run))}</Fact>
            <Fact name="Attempt">
              {run.attempt} of {job.retry.max_attempts}
            </Fact>
          </>
        )}
        {run.next_attempt_at === undefined ? null : (
          <Fact name="Next attempt in">
            <Countdown instant={run.next_attempt_at} />
          </Fact>
        )}
        {run.completion_due_at === undefined || !isRunning ? null : (
          <Fact name="Times out in">
            <Countdown instant={run.completion_due_at} />
          </Fact>
        )}
        <Fact name="Trigger">{run.trigger}</Fact>
        {run.missed === undefined ? null : (
          <Fact name="Stands for">{run.missed + 1} fires that came due meanwhile</Fact>
        )}
        {run.count === undefined || run.last_scheduled_at === undefined ? null : (
          <Fact name="Stands for">
            {run.count} fires, until <At instant={run.last_scheduled_at} />
          </Fact>
        )}
        {run.http_status === undefined ? null : <Fact name="Agent answered">{run.http_status}</Fact>}
        <Mailbox run={run} />
        {run.next_at === undefined ? null : (
          <Fact name="Asked to be woken">
            in {roundSpan(msOf(run.next_at) - msOf(run.finished_at ?? run.started_at))}, at <At instant={run.next_at} />
          </Fact>
        )}
        {run.unchanged ? <Fact name="Found">nothing new</Fact> : null}
        {run.cost_usd === undefined && run.tokens === undefined ? null : (
          <Fact name="Cost">{costOf(run.cost_usd, run.tokens)}</Fact>
        )}
        {run.control_error === undefined ? null : <Fact name="Not understood">{run.control_error}</Fact>}
        {run.user_id === undefined ? null : <Fact name="User">{run.user_id}</Fact>}
        <Fact name="Session">
          <code>{run.session_id}</code>
        </Fact>
        <Fact name="Id">
          <code>{run.id}</code>
        </Fact>
      </dl>
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

/** The way of a run to an agent without an address: offered, claimed, and the end of its lease. */
function Mailbox({ run }: { readonly run: Run }) {
  if (run.offered_at === undefined) return null;
  return (
    <>
      <Fact name="Offered">
        <At instant={run.offered_at} />
        {run.claimed_at === undefined && run.status === "running" ? <small> waiting to be claimed</small> : null}
      </Fact>
      {run.claimed_at === undefined ? null : (
        <Fact name="Claimed">
          <At instant={run.claimed_at} />
        </Fact>
      )}
      {run.lease_expires_at === undefined || run.status !== "running" ? null : (
        <Fact name="Lease ends in">
          <Countdown instant={run.lease_expires_at} />
        </Fact>
      )}
    </>
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

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
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
