/**
 * One attempt of one run, from the job's definition to the agent's answer: which agent, with what body, signed how.
 * What the answer means for the run is decided by `domain/run.ts`.
 */

import type { Result } from "../domain/result.ts";
import type { Answer } from "../domain/run/attempt-outcome.ts";
import type { Env, Settings } from "../env.ts";
import { logError } from "../log.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import type { Deadline } from "../outbound/deadline.ts";
import type { JobDefinition } from "../schema/job.ts";
import { jobRunBody, type RunToCall } from "./body.ts";
import { type DeliveryIo, deliver } from "./push.ts";
import { type Agent, resolveAgent } from "./resolve.ts";
import { mintToken, RUN_TOKEN_TTL_MS } from "./token.ts";
import { traceparent } from "./traceparent.ts";

/** The job as far as a call needs it. */
export type JobToCall = {
  readonly definition: JobDefinition;
  /** Scheme and host for `complete.url`, unless PUBLIC_URL is set. */
  readonly origin?: string | undefined;
};

/** `now` in epoch ms; `deadline` is the attempt's: whoever calls watches its time, and interrupts it to hang up. */
export type CallIo = { readonly now: () => number; readonly deadline: Deadline };

/**
 * Calls the agent and never throws: where the agent cannot be looked up, the attempt is worth another. A missing agent, an
 * agent without a secret, and a deployment without TOKEN_SECRET are `refused` with a reason that says what to set: no call is
 * made without a signature or without a way to report back.
 */
export async function callAgent(
  env: Env,
  settings: Settings,
  job: JobToCall,
  run: RunToCall,
  io: CallIo,
): Promise<Answer> {
  if (settings.TOKEN_SECRET === undefined) {
    return { kind: "refused", reason: "TOKEN_SECRET is not set, so the run cannot be given its own token" };
  }
  const now = io.now();
  const caller = { role: "run", job_id: run.jobId, run_id: run.id } as const;
  const about = { job_id: run.jobId, run_id: run.id };
  let agent: Result<Agent, string>;
  try {
    agent = await resolveAgent(env, settings, job.definition.agent_id, now);
  } catch (error) {
    if (isCallRefusal(error)) return { kind: "postponed" };
    logError("An agent could not be looked up", about, error);
    return { kind: "retryable", reason: "the agent could not be looked up: the directory could not be reached" };
  }
  if (!agent.ok) return { kind: "refused", reason: agent.error };
  let token: string;
  try {
    token = await mintToken(caller, settings.TOKEN_SECRET, now, now + RUN_TOKEN_TTL_MS);
  } catch (error) {
    logError("A run's token could not be made", about, error);
    return { kind: "retryable", reason: "the run's own token could not be made; check TOKEN_SECRET" };
  }
  const { url, secret, fetch: fetchAgent } = agent.value;
  const origin = (settings.PUBLIC_URL ?? job.origin ?? "").replace(/\/+$/, "");
  const complete = { url: `${origin}/v1/jobs/${run.jobId}/runs/${run.id}/complete`, token };
  const called = { id: run.jobId, ...job.definition };
  const { message, payload } = job.definition;
  return deliver(
    {
      url,
      secret,
      id: run.id,
      sessionId: run.sessionId,
      traceparent: traceparent(run.id, run.attempt),
      body: jobRunBody({ run, job: called, message, payload, complete, now }),
    },
    { fetch: fetchAgent ?? outgoingFetch(env), now: io.now, deadline: io.deadline },
  );
}

function outgoingFetch({ NETWORK: network }: Env): DeliveryIo["fetch"] {
  return network === undefined ? fetch : (url, init) => network.fetch(url, init);
}
