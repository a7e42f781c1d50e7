/**
 * One attempt of one run: by the builtin's handler, by the job handler, or by the agent over HTTP. The listeners come after
 * it. Registered code runs for a job only here, and the Job and FanOut objects make their calls only here.
 */

import { compact } from "../domain/compact.ts";
import { BUILTIN_LABEL } from "../domain/job/builtin-label.ts";
import type { AttemptOutcome } from "../domain/run/attempt-outcome.ts";
import { readSteeringAnswer } from "../domain/run/control.ts";
import { LISTENER_OBJECTED } from "../domain/run/run.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { errorText } from "../domain/text/error-text.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { Env, Settings } from "../env.ts";
import { registeredBuiltin } from "../hooks/builtins.ts";
import { type EndedRun, type JobHandler, registeredJobHandler, registeredListeners } from "../hooks/job-hooks.ts";
import { settle, settleWithin } from "../outbound/settle.ts";
import type { JobDefinition } from "../schema/job.ts";
import { MAX_OUTPUT_BYTES, SECOND_MS } from "../schema/limits.ts";
import type { CompleteBody } from "../schema/run.ts";
import { calledRun, type RunToCall } from "./body.ts";
import { callAgent, type JobToCall } from "./call-agent.ts";
import type { CallIo } from "./call-io.ts";

/** The job to run. `maxAttempts` tells whether a failed attempt ends the run. */
export type JobToRun = JobToCall & { readonly maxAttempts: number };

/** The least time that an attempt leaves its listeners, even after a timeout. */
const LEAST_LISTENER_MS = 5 * SECOND_MS;
/** The time that the listeners of a completion share, since the agent's call waits for them. */
const COMPLETION_LISTENERS_MS = 10 * SECOND_MS;

/**
 * The time by which listeners may outlast the attempt's deadline. A loop that still waits after that gives the call up
 * (docs/architecture.md, invariant 9).
 */
export const ATTEMPT_GRACE_MS = 2 * LEAST_LISTENER_MS;

/** Makes one attempt and never throws. The listeners share the time that the handler or the agent has left. */
export async function callJob(
  env: Env,
  settings: Settings,
  job: JobToRun,
  run: RunToCall,
  io: CallIo,
): Promise<AttemptOutcome> {
  const startedAt = io.now();
  const handler = handlerOf(job.definition);
  const answer =
    handler === "missing"
      ? MISSING_HANDLER
      : handler === undefined
        ? await callAgent(env, settings, job, run, io)
        : await callHandler(handler, job, run, io);
  const ended = endedBy(answer, run.attempt >= job.maxAttempts);
  if (ended === undefined || registeredListeners().length === 0) return answer;
  const left = io.deadline.timeoutMs - (io.now() - startedAt);
  const objection = await tellListeners(job.definition, run, ended, Math.max(LEAST_LISTENER_MS, left));
  if (objection === undefined || answer.kind !== "success") return answer;
  const { httpStatus, steering } = answer;
  return {
    kind: "refused",
    reason: objection,
    ...compact({ httpStatus, steering }),
  };
}

/**
 * Notifies the listeners about the agent's completion of a run. If one of them objects, the run becomes an error. Never
 * throws.
 */
export async function notifyListeners(
  definition: JobDefinition,
  run: RunToCall,
  body: CompleteBody,
): Promise<CompleteBody> {
  if (registeredListeners().length === 0) return body;
  const output =
    typeof body.output === "string" ? body.output : body.output === undefined ? undefined : JSON.stringify(body.output);
  const ending: Ending = {
    status: body.status,
    ...compact({ error: body.error, output }),
  };
  const objection = await tellListeners(definition, run, ending, COMPLETION_LISTENERS_MS);
  return objection === undefined || body.status === "error" ? body : { ...body, status: "error", error: objection };
}

const MISSING_HANDLER: AttemptOutcome = {
  kind: "refused",
  reason: "this builtin's handler is not registered in the code that runs here; deploy it again, or delete the job",
};

/** The handler to run. `missing`: a builtin's handler is gone from the code. Undefined: the agent is called. */
function handlerOf({ owner_kind, name, labels }: JobDefinition): JobHandler | "missing" | undefined {
  if (owner_kind === "system") {
    const builtin = registeredBuiltin(name);
    if (builtin?.handler !== undefined) return builtin.handler;
    if (builtin === undefined && labels?.[BUILTIN_LABEL]?.startsWith("handler:")) return "missing";
  }
  return registeredJobHandler();
}

async function callHandler(
  handler: JobHandler,
  job: JobToRun,
  run: RunToCall,
  { deadline }: CallIo,
): Promise<AttemptOutcome> {
  const { signal } = deadline;
  const { message, payload } = run;
  const called = { id: run.jobId, ...job.definition, ...compact({ message, payload }) };
  // The handler gets a copy, because the job in memory must not change when code changes its argument.
  const call = { ...structuredClone({ job: called, run: calledRun(run), sessionId: run.sessionId }), signal };
  const settled = await settle(() => handler(call), deadline);
  if (settled.ok) {
    const returned = settled.value;
    return returned instanceof Error ? { kind: "refused", reason: errorText(returned) } : asOutput(returned);
  }
  switch (settled.error.kind) {
    case "failed":
      return { kind: "refused", reason: settled.error.reason };
    case "timeout":
      return {
        kind: "retryable",
        reason: `timed out after ${formatDuration(deadline.timeoutMs)}: the handler has not returned`,
      };
    case "aborted":
      return { kind: "aborted" };
  }
}

function asOutput(value: unknown): AttemptOutcome {
  const text = typeof value === "string" ? value : writeJson(value);
  if (text === undefined || text === "") return { kind: "success" };
  const answer = readSteeringAnswer(text);
  const output = cutUtf8(answer?.output ?? text, MAX_OUTPUT_BYTES);
  return {
    kind: "success",
    output: output.text,
    ...(output.truncated ? { outputTruncated: true } : {}),
    ...compact({ steering: answer?.steering }),
  };
}

/**
 * The value as JSON. Undefined if JSON cannot hold it, such as a function or a circular value. The handler has still done
 * its work.
 */
function writeJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

type Ending = Pick<EndedRun, "status" | "error" | "output">;

/** The run's end by this answer. Undefined if the run continues or has already ended. */
function endedBy(answer: AttemptOutcome, isLastAttempt: boolean): Ending | undefined {
  switch (answer.kind) {
    case "success":
      return { status: "success", ...compact({ output: answer.output }) };
    case "gone":
    case "refused":
      return { status: "error", error: answer.reason };
    case "retryable":
      return isLastAttempt ? { status: "error", error: answer.reason } : undefined;
    case "accepted":
    case "offered":
    case "postponed":
    case "aborted":
      return undefined;
  }
}

/**
 * Calls every listener in turn, even after one has failed. Returns why the run is an error, if a listener says so. After
 * `limitMs` the others are called but not waited for.
 */
async function tellListeners(
  definition: JobDefinition,
  run: RunToCall,
  ending: Ending,
  limitMs: number,
): Promise<string | undefined> {
  const ended = {
    job: { id: run.jobId, ...definition },
    run: { ...calledRun(run), ...ending },
    sessionId: run.sessionId,
  };
  const endsAt = performance.now() + limitMs;
  let objection: string | undefined;
  for (const listener of registeredListeners()) {
    // It is looked at within the wrapper, since a returned value is as foreign as a thrown one.
    const hear = async (): Promise<string | undefined> => {
      const returned: unknown = await listener(structuredClone(ended));
      return returned instanceof Error ? errorText(returned) : undefined;
    };
    const answer = await settleWithin(hear, Math.max(0, endsAt - performance.now()));
    if (answer.ok) {
      if (answer.value !== undefined) objection ??= LISTENER_OBJECTED + answer.value;
    } else if (answer.error.kind === "failed") objection ??= LISTENER_OBJECTED + answer.error.reason;
    else objection ??= `${LISTENER_OBJECTED}it did not answer within ${formatDuration(Math.round(limitMs))}`;
  }
  return objection;
}
