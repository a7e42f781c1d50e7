/**
 * One attempt of one run, from the job's definition to the agent's answer: the agent, the body and the signature.
 * `domain/run/run.ts` decides what the answer means for the run.
 */

import { fillTemplate } from "../domain/agent/body-template.ts";
import { compact } from "../domain/compact.ts";
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { traceparent } from "../domain/run/traceparent.ts";
import type { Env, Settings } from "../env.ts";
import { logError } from "../log.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import { withoutTrailingSlashes } from "../outbound/endpoint.ts";
import type { JobRunBody } from "../schema/agent-call.ts";
import type { JobDefinition } from "../schema/job.ts";
import { jobRunBody, type RunToCall, templateValues } from "./body.ts";
import type { CallIo } from "./call-io.ts";
import { offerRun } from "./offer.ts";
import { type DeliveryIo, deliver } from "./push.ts";
import { type Agent, resolveChannel } from "./resolve.ts";
import { mintToken, RUN_TOKEN_TTL_MS } from "./token.ts";

/** The part of a job that a call needs. */
export type JobToCall = {
  readonly definition: JobDefinition;
  /** Scheme and host for `complete.url`, unless PUBLIC_URL is set. */
  readonly origin?: string | undefined;
};

/**
 * Delivers one attempt to the job's agent, over its URL or into its mailbox, and never throws. If the agent cannot be
 * looked up, another attempt may help. A missing agent, an agent without a secret, or a deployment without TOKEN_SECRET is
 * `refused` with a reason that says what to set. So no call is made without a signature or without a way to report back.
 */
export async function callAgent(
  env: Env,
  settings: Settings,
  job: JobToCall,
  run: RunToCall,
  io: CallIo,
): Promise<AttemptOutcome> {
  if (settings.TOKEN_SECRET === undefined) return { kind: "refused", reason: NO_TOKEN_SECRET };
  const now = io.now();
  const about = { job_id: run.jobId, run_id: run.id };
  let agent: Agent;
  try {
    const channel = await resolveChannel(env, settings, job.definition.agent_id, now);
    if (!channel.ok) return { kind: "refused", reason: channel.error };
    if (channel.value.kind === "mailbox") return offerRun(env, channel.value.agentId, job, run, io);
    agent = channel.value.agent;
  } catch (error) {
    if (isCallRefusal(error)) return { kind: "postponed" };
    logError("An agent could not be reached", about, error);
    return { kind: "retryable", reason: "the agent could not be looked up: the directory could not be reached" };
  }
  let body: JobRunBody;
  try {
    body = await composeCall(settings, job, run, now);
  } catch (error) {
    logError("A run's token could not be made", about, error);
    return { kind: "retryable", reason: "the run's own token could not be made; check TOKEN_SECRET" };
  }
  return pushRun(env, agent, body, io);
}

/** Calls the agent's URL once, with our own body or with the agent's filled template. */
export function pushRun(env: Env, agent: Agent, body: JobRunBody, io: CallIo): Promise<AttemptOutcome> {
  const { url, secret, headers, body: template, fetch: fetchAgent } = agent;
  const { run } = body.data;
  return deliver(
    {
      url,
      secret,
      headers,
      id: run.id,
      sessionId: run.session_id,
      traceparent: traceparent(run.id, run.attempt),
      body: template === undefined ? body : fillTemplate(template, templateValues(body)),
    },
    { fetch: fetchAgent ?? outgoingFetch(env), now: io.now, deadline: io.deadline },
  );
}

const NO_TOKEN_SECRET = "TOKEN_SECRET is not set, so the run cannot be given its own token";

/** The body of one attempt (docs/contract.md §4), with the run's own token. Throws without a usable TOKEN_SECRET. */
export async function composeCall(
  settings: Settings,
  job: JobToCall,
  run: RunToCall,
  now: number,
): Promise<JobRunBody> {
  if (settings.TOKEN_SECRET === undefined) throw new Error(NO_TOKEN_SECRET);
  const caller = { role: "run", job_id: run.jobId, run_id: run.id, ...compact({ claimed_at: run.claim?.at }) } as const;
  const token = await mintToken(caller, settings.TOKEN_SECRET, now, now + RUN_TOKEN_TTL_MS);
  const origin = withoutTrailingSlashes(settings.PUBLIC_URL ?? job.origin ?? "");
  const complete = { url: `${origin}/v1/jobs/${run.jobId}/runs/${run.id}/complete`, token };
  const { message = job.definition.message, payload = job.definition.payload } = run;
  return jobRunBody({ run, job: { id: run.jobId, ...job.definition }, message, payload, complete, now });
}

function outgoingFetch({ NETWORK: network }: Env): DeliveryIo["fetch"] {
  return network === undefined ? fetch : (url, init) => network.fetch(url, init);
}
