/** The body of a call to the agent, field by field as in docs/contract.md §4. */

import type { TemplateValues } from "../domain/agent/body-template.ts";
import { compact } from "../domain/compact.ts";
import type { PreviousRun as EarlierRun, Run } from "../domain/run/run.ts";
import { offerView } from "../domain/run/run-view.ts";
import { cutUtf8 } from "../domain/text/cut-text.ts";
import { formatInstant } from "../domain/time/instant.ts";
import type { CalledJob, CalledRun, Completion, JobRunBody, PreviousRun } from "../schema/agent-call.ts";
import { MAX_PREVIOUS_OUTPUT_BYTES } from "../schema/limits.ts";

/** The part of a run that the agent gets, with the id of its job. Instants are epoch ms; `attempt` counts from 1. */
export type RunToCall = Pick<Run, "id" | "sessionId" | "userId" | "trigger" | "dueAt" | "startedAt" | "attempt"> &
  Partial<Pick<Run, "phase" | "offeredAt" | "claim" | "message" | "payload">> & {
    readonly jobId: string;
    /** The last run of the job, or of the user, that ended as success or error, for `continuity`. */
    readonly previous?: EarlierRun | undefined;
  };

/**
 * The body of one attempt at `now` (epoch ms). `message` and `payload` are the job's, or the run's own. Empty ones are left
 * out.
 */
export function jobRunBody(call: {
  readonly run: RunToCall;
  readonly job: CalledJob;
  readonly message?: string | undefined;
  readonly payload?: Readonly<Record<string, unknown>> | undefined;
  readonly complete: Completion;
  readonly now: number;
}): JobRunBody {
  const { run, job, message, payload, complete, now } = call;
  return {
    type: "job.run",
    timestamp: formatInstant(now),
    data: {
      run: calledRun(run),
      job,
      ...(message ? { message } : {}),
      ...(payload === undefined || Object.keys(payload).length === 0 ? {} : { payload }),
      ...(run.previous === undefined ? {} : { previous: previousRun(run.previous) }),
      complete,
    },
  };
}

/** The previous run for `continuity`. Its output is cut, since the field reminds the agent and is not a store. */
const previousRun = ({ id, status, startedAt, finishedAt = startedAt, output, error }: EarlierRun): PreviousRun => ({
  run_id: id,
  status: status === "success" ? "success" : "error",
  finished_at: formatInstant(finishedAt),
  ...(output === undefined ? {} : { output: cutUtf8(output, MAX_PREVIOUS_OUTPUT_BYTES).text }),
  ...compact({ error }),
});

/** `data.run` of a call. Handlers in code get it too. */
export const calledRun = (run: RunToCall): CalledRun => ({
  id: run.id,
  job_id: run.jobId,
  session_id: run.sessionId,
  ...(run.userId ? { user_id: run.userId } : {}),
  trigger: run.trigger,
  scheduled_at: formatInstant(run.dueAt),
  started_at: formatInstant(run.startedAt),
  attempt: run.attempt,
  ...offerView(run),
});

/** The values of the placeholders of an agent's own body (docs/contract.md §14). */
export const templateValues = ({ data }: JobRunBody): TemplateValues => ({
  message: data.message,
  session_id: data.run.session_id,
  run_id: data.run.id,
  job_id: data.job.id,
  job_name: data.job.name,
  user_id: data.run.user_id,
  scheduled_at: data.run.scheduled_at,
  complete_url: data.complete.url,
  complete_token: data.complete.token,
  payload: data.payload,
});
