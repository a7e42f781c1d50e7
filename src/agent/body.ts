/** The body of a call to the agent, field by field as CONTRACT.md §4 has it. */

import type { Run } from "../domain/run/run.ts";
import { formatInstant } from "../domain/time/instant.ts";
import type { CalledJob, CalledRun } from "../schema/agent-call.ts";

/** Where and with what token the agent reports the end of a run that it answered with 202. */
export type Completion = { readonly url: string; readonly token: string };

export type JobRunBody = {
  readonly type: "job.run";
  /** When this attempt was made. */
  readonly timestamp: string;
  readonly data: {
    readonly run: CalledRun;
    readonly job: CalledJob;
    readonly message?: string;
    readonly payload?: Readonly<Record<string, unknown>>;
    readonly complete: Completion;
  };
};

/** What of a run the agent is told, with the id of its job; instants in epoch ms, `attempt` from 1. */
export type RunToCall = Pick<Run, "id" | "sessionId" | "userId" | "trigger" | "dueAt" | "startedAt" | "attempt"> & {
  readonly jobId: string;
};

/**
 * The body of one attempt at `now` (epoch ms). `message` and `payload` are the job's, or what stands in for them; empty ones
 * are left out.
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
      complete,
    },
  };
}

/** `data.run` of a call, and what code is told of a run. */
export const calledRun = (run: RunToCall): CalledRun => ({
  id: run.id,
  job_id: run.jobId,
  session_id: run.sessionId,
  ...(run.userId ? { user_id: run.userId } : {}),
  trigger: run.trigger,
  scheduled_at: formatInstant(run.dueAt),
  started_at: formatInstant(run.startedAt),
  attempt: run.attempt,
});
