/** The facts of a run, one a line. */
import type { ComponentChildren } from "preact";
import type { Job, Run } from "../../api/jobs.ts";
import { costOf } from "../../money.ts";
import { durationOf } from "../../parts/run-strip.tsx";
import { At, Countdown } from "../../parts/times.tsx";
import { msOf, roundSpan, span } from "../../time/format.ts";

export function RunFacts({ job, run }: { readonly job: Job; readonly run: Run }) {
  const isRunning = run.status === "running";
  const lateMs = Math.max(0, msOf(run.started_at) - msOf(run.scheduled_at));
  return (
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
      {run.missed === undefined ? null : <Fact name="Stands for">{run.missed + 1} fires that came due meanwhile</Fact>}
      {run.count === undefined || run.last_scheduled_at === undefined ? null : (
        <Fact name="Stands for">
          {run.count} fires, until <At instant={run.last_scheduled_at} />
        </Fact>
      )}
      {run.http_status === undefined ? null : <Fact name="Agent answered">{run.http_status}</Fact>}
      <MailboxFacts run={run} />
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
  );
}

/** The way of a run to an agent without an address: offered, claimed, and the end of its lease. */
function MailboxFacts({ run }: { readonly run: Run }) {
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

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
