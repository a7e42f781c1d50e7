/**
 * One attempt of one run, from the job's definition to the agent's answer: which agent, with what body, signed how.
 * What the answer means for the run is decided by `domain/run.ts`.
 */
import { mintToken, RUN_TOKEN_TTL_MS } from "../auth/token.ts";
import type { Answer } from "../domain/answer.ts";
import type { Env, Settings } from "../env.ts";
import { logError } from "../log.ts";
import type { JobDefinition } from "../schema/job.ts";
import { resolveAgent } from "./agent.ts";
import { jobRunBody, type RunToCall } from "./body.ts";
import { deliver } from "./deliver.ts";
import { traceparent } from "./traceparent.ts";

/** The job as far as a call needs it. */
export type JobToCall = {
  readonly definition: JobDefinition;
  readonly timeoutMs: number;
  /** Scheme and host for `complete.url`, unless PUBLIC_URL is set. */
  readonly origin?: string | undefined;
};

export type CallIo = { readonly now: () => number; readonly signal: AbortSignal };

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
  const [agent, token] = await Promise.allSettled([
    resolveAgent(env, settings, job.definition.agent_id, now),
    mintToken(caller, settings.TOKEN_SECRET, now, now + RUN_TOKEN_TTL_MS),
  ]);
  if (agent.status === "rejected") {
    logError("An agent could not be looked up", { job_id: run.jobId, run_id: run.id }, agent.reason);
    return { kind: "retryable", reason: "the agent could not be looked up: the directory could not be reached" };
  }
  if (!agent.value.ok) return { kind: "refused", reason: agent.value.error };
  if (token.status === "rejected") {
    logError("A run's token could not be made", { job_id: run.jobId, run_id: run.id }, token.reason);
    return { kind: "retryable", reason: "the run's own token could not be made; check TOKEN_SECRET" };
  }
  const { url, secret, fetch: fetchAgent } = agent.value.value;
  const origin = (settings.PUBLIC_URL ?? job.origin ?? "").replace(/\/+$/, "");
  const complete = { url: `${origin}/v1/jobs/${run.jobId}/runs/${run.id}/complete`, token: token.value };
  const called = { id: run.jobId, ...job.definition };
  const { message, payload } = job.definition;
  return deliver(
    {
      url,
      secret,
      id: run.id,
      sessionId: run.sessionId,
      timeoutMs: job.timeoutMs,
      traceparent: traceparent(run.id, run.attempt),
      body: jobRunBody({ run, job: called, message, payload, complete, now }),
    },
    { fetch: fetchAgent ?? fetch, now: io.now, signal: io.signal },
  );
}
