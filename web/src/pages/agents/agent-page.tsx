/** One agent: how runs reach it, whether it is connected, its jobs, and its recent failures. */
import { useState } from "preact/hooks";
import { type Job, listJobs } from "../../api/jobs.ts";
import { type Agent, type AgentTest, getAgent, testAgent } from "../../api/operator.ts";
import { listAllRuns } from "../../api/runs.ts";
import { useEverySeen } from "../../clock.ts";
import { Action } from "../../parts/button.tsx";
import { CopyBlock } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages, useResource } from "../../parts/resource.ts";
import { jobMark, jobWord, StatusText } from "../../parts/status.tsx";
import { Table } from "../../parts/table.tsx";
import { NextFire } from "../../parts/times.tsx";
import { link } from "../../route.ts";
import { isOperator } from "../../session.ts";
import { inWords, zoneOf } from "../../time/fires.ts";
import { FailedRuns } from "../runs/failed-runs.tsx";
import { AgentSecret, NewSecret } from "./agent-secret.tsx";

const REFRESH_MS = 5_000;
const FAILED_SHOWN = 10;

export function AgentPage({ id }: { readonly id: string }) {
  const agent = useResource<Agent>(id, (signal) => getAgent(id, signal));
  const [made, setMade] = useState<Agent>();
  useEverySeen(REFRESH_MS, agent.reload);
  const { value } = agent;
  return (
    <>
      <a class="back" href={link("agents")}>
        <Icon name="back" /> Agents
      </a>
      <div class="page-head">
        <h1>{id}</h1>
        {value?.url !== undefined && isOperator.value ? <NewSecret agent={value} onDone={setMade} /> : null}
      </div>
      <ProblemBox problem={agent.problem} onRetry={agent.reload} />
      {value === undefined ? null : (
        <>
          {value.url === undefined ? <Mailbox agent={value} /> : <Address agent={value} />}
          <JobsOf id={id} />
          <FailedLately id={id} />
        </>
      )}
      <AgentSecret agent={made} onClose={() => setMade(undefined)} />
    </>
  );
}

/** An agent with a URL, and a button for a test call. */
function Address({ agent }: { readonly agent: Agent }) {
  const [result, setResult] = useState<AgentTest>();
  return (
    <section class="card" aria-labelledby="delivery">
      <h2 id="delivery">Delivery</h2>
      <p>
        Runs are signed calls to <code>{agent.url}</code>.
      </p>
      {isOperator.value ? (
        <Action act={() => testAgent(agent.id)} onDone={setResult}>
          Send a test call
        </Action>
      ) : null}
      <p role="status">
        {result === undefined ? null : (
          <StatusText status={result.ok ? "success" : "error"}>{testWords(result)}</StatusText>
        )}
      </p>
    </section>
  );
}

function testWords({ ok, status, error, took }: AgentTest): string {
  const answer = status === undefined ? "no answer" : `answered ${status}`;
  return `${answer} in ${took}${ok || error === undefined ? "" : `: ${error}`}`;
}

/** An agent without an address: whether it is connected, its waiting runs, and how to connect it. */
function Mailbox({ agent: { id, connected = 0, waiting = 0 } }: { readonly agent: Agent }) {
  return (
    <section class="card" aria-labelledby="delivery">
      <h2 id="delivery">Delivery</h2>
      <p>The agent has no address: it pulls its runs from a mailbox.</p>
      <dl class="facts">
        <div>
          <dt>Connected</dt>
          <dd>{connected === 0 ? "no socket is open" : connected === 1 ? "1 socket" : `${connected} sockets`}</dd>
        </div>
        <div>
          <dt>Waiting</dt>
          <dd>{waiting === 1 ? "1 run" : `${waiting} runs`}</dd>
        </div>
      </dl>
      {connected > 0 ? null : (
        <CopyBlock what="Command" text={`npx reveille connect --agent ${id} --exec "./agent.sh"`} />
      )}
    </section>
  );
}

function JobsOf({ id }: { readonly id: string }) {
  const jobs = usePages<Job>(`jobs of ${id}`, (cursor, signal) => listJobs({ agent_id: id }, cursor, 20, signal));
  useEverySeen(REFRESH_MS, jobs.refresh);
  return (
    <section class="card" aria-labelledby="its-jobs">
      <h2 id="its-jobs">Jobs</h2>
      <ProblemBox problem={jobs.problem} onRetry={jobs.reload} />
      {jobs.items.length === 0 && !jobs.loading ? <p class="none">No active or paused job names this agent.</p> : null}
      {jobs.items.length === 0 ? null : (
        <Table label="Jobs" columns={["Job", "Health", "Schedule", "Next run"]}>
          {jobs.items.map((job) => (
            <tr key={job.id}>
              <td>
                <a href={link("jobs", job.id)}>{job.name}</a>
              </td>
              <td>
                <StatusText status={jobMark(job)}>{jobWord(job)}</StatusText>
              </td>
              <td>{inWords(job.schedule)}</td>
              <td>
                {job.next_run_at === undefined ? (
                  "–"
                ) : (
                  <NextFire instant={job.next_run_at} zone={zoneOf(job.schedule)} />
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      <MoreButton pages={jobs}>Show more jobs</MoreButton>
    </section>
  );
}

function FailedLately({ id }: { readonly id: string }) {
  const runs = useResource(`failed of ${id}`, (signal) =>
    listAllRuns({ agent_id: id, status: "error" }, undefined, FAILED_SHOWN, signal),
  );
  useEverySeen(REFRESH_MS, runs.reload);
  const items = runs.value?.items ?? [];
  return (
    <section class="card" aria-labelledby="its-failures">
      <h2 id="its-failures">Failed lately</h2>
      <ProblemBox problem={runs.problem} onRetry={runs.reload} />
      {runs.value !== undefined && items.length === 0 ? <p class="none">No run has failed.</p> : null}
      <FailedRuns runs={items} />
    </section>
  );
}
