/**
 * One call of an agent with an example run (docs/contract.md §14). It shows an operator at once whether the agent can be
 * reached.
 */
import { findAgent } from "../directory/agents.ts";
import { notFound, type Outcome } from "../domain/failure.ts";
import { defineJob } from "../domain/job/definition.ts";
import { ok } from "../domain/result.ts";
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { Env, Settings } from "../env.ts";
import { TimedDeadline } from "../outbound/deadline.ts";
import type { AgentTest } from "../schema/agent.ts";
import { JobInput } from "../schema/job.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { composeCall, pushRun } from "./call-agent.ts";
import { resolveAgent } from "./resolve.ts";

const TIMEOUT_MS = 30 * SECOND_MS;
/** The id of the example job. No job has it, so a completion of the example finds nothing. */
const EXAMPLE_JOB = "example";
const EXAMPLE = {
  name: "Test call",
  message: "This is a test call from Reveille. Nothing needs to be done.",
  schedule: { every: "1d" },
};

/** Calls the agent with the example. `clock` gives epoch ms. Errors: `not_found` if no such agent is registered. */
export async function testAgent(
  env: Env,
  settings: Settings,
  agentId: string,
  origin: string,
  clock: () => number,
): Promise<Outcome<AgentTest>> {
  const begunAt = clock();
  const took = () => formatDuration(Math.max(0, clock() - begunAt));
  if ((await findAgent(env, settings, agentId, begunAt)) === undefined) return notFound("agent");
  const agent = await resolveAgent(env, settings, agentId, begunAt);
  if (!agent.ok) return ok({ ok: false, error: agent.error, took: took() });
  const job = defineJob(JobInput.parse({ ...EXAMPLE, agent_id: agentId }));
  if (!job.ok) throw new Error("The example job is not valid");
  const run = {
    id: `${EXAMPLE_JOB}-t${begunAt}`,
    jobId: EXAMPLE_JOB,
    sessionId: `${agentId}:scheduler:${EXAMPLE_JOB}`,
    trigger: "manual",
    dueAt: begunAt,
    startedAt: begunAt,
    attempt: 1,
  } as const;
  const body = await composeCall(settings, { definition: job.value.definition, origin }, run, begunAt);
  const deadline = new TimedDeadline(TIMEOUT_MS);
  try {
    const answer = await pushRun(env, agent.value, body, { now: clock, deadline });
    return ok({ ...resultOf(answer), took: took() });
  } finally {
    deadline.close();
  }
}

function resultOf(answer: AttemptOutcome): Omit<AgentTest, "took"> {
  const status = "httpStatus" in answer && answer.httpStatus !== undefined ? { status: answer.httpStatus } : {};
  switch (answer.kind) {
    case "success":
    case "accepted":
      return { ok: true, ...status };
    case "gone":
    case "retryable":
    case "refused":
      return { ok: false, ...status, error: answer.reason };
    default:
      return { ok: false, error: "no call could be made just now; try again" };
  }
}
