/**
 * One attempt of one run: by the builtin's handler, by the job handler, or by the agent over HTTP; then the listeners. This is
 * the only place where registered code runs for a job, and the Job and FanOut objects' only way to make a call.
 */

import type { Answer } from "../domain/run/attempt-outcome.ts";
import { LISTENER_OBJECTED } from "../domain/run/run.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { Env, Settings } from "../env.ts";
import { BUILTIN_LABEL, registeredBuiltin } from "../hooks/builtins.ts";
import { type EndedRun, type JobHandler, registeredJobHandler, registeredListeners } from "../hooks/job-hooks.ts";
import type { JobDefinition } from "../schema/job.ts";
import { MAX_OUTPUT_BYTES } from "../schema/limits.ts";
import type { CompleteBody } from "../schema/run.ts";
import { calledRun, type RunToCall } from "./body.ts";
import { type CallIo, callAgent, type JobToCall } from "./call-agent.ts";

/** `maxAttempts` tells whether a failed attempt ends the run. */
export type JobToRun = JobToCall & { readonly maxAttempts: number };

/** Never throws. */
export async function callJob(
  env: Env,
  settings: Settings,
  job: JobToRun,
  run: RunToCall,
  io: CallIo,
): Promise<Answer> {
  const handler = handlerOf(job.definition);
  const answer =
    handler === "missing"
      ? MISSING_HANDLER
      : handler === undefined
        ? await callAgent(env, settings, job, run, io)
        : await callHandler(handler, job, run, io);
  const ended = endedBy(answer, run.attempt >= job.maxAttempts);
  if (ended === undefined || registeredListeners().length === 0) return answer;
  const objection = await tellListeners(job.definition, run, ended);
  if (objection === undefined || answer.kind !== "success") return answer;
  const { httpStatus } = answer;
  return { kind: "refused", reason: objection, ...(httpStatus === undefined ? {} : { httpStatus }) };
}

/** The agent's completion of a run after the listeners have heard of it: an error where one of them objects. */
export async function heardCompletion(
  definition: JobDefinition,
  run: RunToCall,
  body: CompleteBody,
): Promise<CompleteBody> {
  if (registeredListeners().length === 0) return body;
  const output =
    typeof body.output === "string" ? body.output : body.output === undefined ? undefined : JSON.stringify(body.output);
  const objection = await tellListeners(definition, run, {
    status: body.status,
    ...(body.error === undefined ? {} : { error: body.error }),
    ...(output === undefined ? {} : { output }),
  });
  return objection === undefined || body.status === "error" ? body : { ...body, status: "error", error: objection };
}

const MISSING_HANDLER: Answer = {
  kind: "refused",
  reason: "this builtin's handler is not registered in the code that runs here; deploy it again, or delete the job",
};

/** The handler to run, `missing` where a builtin's is gone from the code, undefined where the agent is to be called. */
function handlerOf({ owner_kind, name, labels }: JobDefinition): JobHandler | "missing" | undefined {
  if (owner_kind === "system") {
    const builtin = registeredBuiltin(name);
    if (builtin?.handler !== undefined) return builtin.handler;
    if (builtin === undefined && labels?.[BUILTIN_LABEL]?.startsWith("handler:")) return "missing";
  }
  return registeredJobHandler();
}

async function callHandler(handler: JobHandler, job: JobToRun, run: RunToCall, io: CallIo): Promise<Answer> {
  const { deadline } = io;
  const call = async (): Promise<unknown> =>
    handler({
      job: { id: run.jobId, ...job.definition },
      run: calledRun(run),
      sessionId: run.sessionId,
      signal: deadline.signal,
    });
  const waited = await deadline.wait(call());
  switch (waited.kind) {
    case "value":
      return waited.value instanceof Error
        ? { kind: "refused", reason: messageOf(waited.value) }
        : asOutput(waited.value);
    case "failed":
      return { kind: "refused", reason: messageOf(waited.error) };
    case "timeout":
      return {
        kind: "retryable",
        reason: `timed out after ${formatDuration(deadline.timeoutMs)}: the handler has not returned`,
      };
    case "aborted":
      return { kind: "aborted" };
  }
}

function asOutput(value: unknown): Answer {
  const text = typeof value === "string" ? value : writeJson(value);
  if (text === undefined || text === "") return { kind: "success" };
  const output = cutUtf8(text, MAX_OUTPUT_BYTES);
  return { kind: "success", output: output.text, ...(output.truncated ? { outputTruncated: true } : {}) };
}

/** Undefined for what JSON has no form for: nothing, functions, circles. The handler has done its work all the same. */
function writeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

type Ending = Pick<EndedRun, "status" | "error" | "output">;

/** How the answer ends the run, or undefined where the run goes on or was ended by somebody else. */
function endedBy(answer: Answer, isLastAttempt: boolean): Ending | undefined {
  switch (answer.kind) {
    case "success":
      return { status: "success", ...(answer.output === undefined ? {} : { output: answer.output }) };
    case "gone":
    case "refused":
      return { status: "error", error: answer.reason };
    case "retryable":
      return isLastAttempt ? { status: "error", error: answer.reason } : undefined;
    case "accepted":
    case "postponed":
    case "aborted":
      return undefined;
  }
}

/** Calls every listener, also after one has failed; answers why the run is an error, if one says so. */
async function tellListeners(definition: JobDefinition, run: RunToCall, ending: Ending): Promise<string | undefined> {
  const job = { id: run.jobId, ...definition };
  const ended = { ...calledRun(run), ...ending };
  let objection: string | undefined;
  for (const listener of registeredListeners()) {
    try {
      const answer = await listener({ job, run: ended, sessionId: run.sessionId });
      if (answer instanceof Error) objection ??= LISTENER_OBJECTED + messageOf(answer);
    } catch (error) {
      objection ??= LISTENER_OBJECTED + messageOf(error);
    }
  }
  return objection;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);
