/** A run as clients see it (docs/contract.md §5). */

import type { Run as RunView } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import { formatInstant } from "../time/instant.ts";
import type { Attempt, Run } from "./run.ts";

export function runView(jobId: string, run: Run): RunView {
  return {
    id: run.id,
    job_id: jobId,
    session_id: run.sessionId,
    ...compact({ user_id: run.userId }),
    status: run.status,
    trigger: run.trigger,
    scheduled_at: formatInstant(run.dueAt),
    started_at: formatInstant(run.startedAt),
    ...(run.finishedAt === undefined ? {} : { finished_at: formatInstant(run.finishedAt) }),
    ...compact({ error: run.error }),
    attempt: run.attempt,
    ...(run.phase === "pending" && run.wakeAt !== undefined ? { next_attempt_at: formatInstant(run.wakeAt) } : {}),
    ...(run.phase === "waiting" && run.wakeAt !== undefined
      ? { completion_due_at: formatInstant(run.claim?.completeBy ?? run.wakeAt) }
      : {}),
    ...offerView(run),
    ...compact({ retry_of: run.retryOf, count: run.count }),
    ...(run.lastDueAt === undefined ? {} : { last_scheduled_at: formatInstant(run.lastDueAt) }),
    ...compact({ missed: run.missed, http_status: run.httpStatus, output: run.output }),
    ...(run.outputTruncated ? { output_truncated: true } : {}),
    ...(run.attempts === undefined ? {} : { attempts: run.attempts.map(attemptView) }),
    ...(run.unchanged ? { unchanged: true } : {}),
    ...compact({ cost_usd: run.costUsd, tokens: run.tokens, control_error: run.controlError }),
    ...(run.nextAt === undefined ? {} : { next_at: formatInstant(run.nextAt) }),
    ...compact({ progress: run.progress }),
  };
}

/** A run for a caller who may report on it but not read it. Its contents are left out. */
export function reportedView(run: RunView): RunView {
  const {
    output: _output,
    output_truncated: _cut,
    error: _error,
    attempts: _attempts,
    progress: _progress,
    ...rest
  } = run;
  return rest;
}

/** The state of a run in the mailbox of an agent without an address (docs/contract.md §14). */
export function offerView(run: Partial<Pick<Run, "offeredAt" | "claim" | "phase">>): {
  readonly offered_at?: string;
  readonly claimed_at?: string;
  readonly lease_expires_at?: string;
} {
  const { offeredAt, claim, phase } = run;
  return {
    ...(offeredAt === undefined ? {} : { offered_at: formatInstant(offeredAt) }),
    ...(claim === undefined ? {} : { claimed_at: formatInstant(claim.at) }),
    ...(claim === undefined || phase !== "waiting" ? {} : { lease_expires_at: formatInstant(claim.leaseEndsAt) }),
  };
}
const attemptView = ({ attempt, startedAt, finishedAt, httpStatus, error }: Attempt) => ({
  attempt,
  started_at: formatInstant(startedAt),
  ...(finishedAt === undefined ? {} : { finished_at: formatInstant(finishedAt) }),
  ...compact({ http_status: httpStatus, error }),
});
