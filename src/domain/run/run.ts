/**
 * A run and its state machine (CONTRACT.md §4, §5). Every transition is a pure function from one run to the next:
 *
 *   pending --call--> calling --2xx--> ended (success)
 *      ^                 |--202------> waiting --complete / time out--> ended
 *      |                 |--refused--> ended (error)
 *      +---retryable-----+   cancel ends a run in any phase; a skipped run is born ended.
 *
 * Clients see `status`; `phase` says what a running run waits for.
 */
import type { RunStatus } from "../../schema/job.ts";
import { MAX_OUTPUT_BYTES, SECOND_MS } from "../../schema/limits.ts";
import type { CompleteBody, Progress, Trigger } from "../../schema/run.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import type { Answer } from "./attempt-outcome.ts";
import { decideRetry, type RetryPolicy } from "./retry.ts";

/** An error text longer than this is cut. */
const MAX_ERROR_BYTES = 4_096;

/** A call that the platform did not allow is made this much later, when the next invocation has calls again. */
const POSTPONED_MS = SECOND_MS;

/** How the error of a run begins whose agent succeeded while a run listener, code of the operator's own, objected (CONTRACT.md §10). */
export const LISTENER_OBJECTED = "a run listener failed: ";

export type RunPhase = "pending" | "calling" | "waiting" | "ended";

export type Run = {
  readonly id: string;
  /** Counts the job's runs upward; the log is shown newest first by it. */
  readonly seq: number;
  readonly sessionId: string;
  readonly userId?: string;
  readonly trigger: Trigger;
  readonly status: RunStatus;
  readonly phase: RunPhase;
  /** The due time that this run answers, epoch ms. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly finishedAt?: number;
  /** The attempt that is being made, or that is made next; from 1. */
  readonly attempt: number;
  /** pending: when the attempt is made; waiting: when the completion is given up. */
  readonly wakeAt?: number;
  readonly error?: string;
  readonly httpStatus?: number;
  readonly output?: string;
  readonly outputTruncated?: boolean;
  readonly progress?: Progress;
  /** Earlier fires, missed in downtime, that this run or skip stands for as well. */
  readonly missed?: number;
  /** How many fires, held in a row, this skip stands for, and when the last of them was due. */
  readonly count?: number;
  readonly lastDueAt?: number;
};

/** What of a job's definition its runs are judged by; durations in ms. */
export type RunRules = { readonly retry: RetryPolicy; readonly completionTimeoutMs: number };

export type NewRun = Pick<Run, "id" | "seq" | "sessionId" | "trigger" | "dueAt"> & {
  readonly userId?: string | undefined;
  readonly missed?: number;
};

/** A run whose first attempt is made at `now`. */
export function startRun(run: NewRun, now: number): Run {
  const { userId, missed, ...rest } = run;
  return {
    ...rest,
    ...(userId === undefined ? {} : { userId }),
    ...(missed ? { missed } : {}),
    status: "running",
    phase: "pending",
    startedAt: now,
    attempt: 1,
    wakeAt: now,
  };
}

/** A new run that is not run after all, with the reason: the trace that its due time leaves. */
export function skipRun(run: Run, reason: string, now: number): Run {
  const { wakeAt: _wakeAt, ...rest } = run;
  return { ...rest, status: "skipped", phase: "ended", finishedAt: now, error: reason };
}

/** The attempt is about to be made; recorded before the agent is called. */
export function beginAttempt(run: Run): Run {
  const { wakeAt: _wakeAt, ...rest } = run;
  return { ...rest, phase: "calling" };
}

/** What an answer makes of a run in phase `calling`. `random` in [0, 1) spreads the backoff. */
export function settleAttempt(run: Run, answer: Answer, rules: RunRules, now: number, random: number): Run {
  switch (answer.kind) {
    case "success":
      return {
        ...end(run, "success", undefined, now),
        ...(answer.httpStatus === undefined ? {} : { httpStatus: answer.httpStatus }),
        ...(answer.output === undefined ? {} : { output: answer.output }),
        ...(answer.outputTruncated ? { outputTruncated: true } : {}),
      };
    case "accepted": {
      const { error: _error, ...rest } = run;
      return { ...rest, phase: "waiting", httpStatus: answer.httpStatus, wakeAt: now + rules.completionTimeoutMs };
    }
    case "gone":
      return { ...end(run, "error", answer.reason, now), httpStatus: answer.httpStatus };
    case "refused":
      return {
        ...end(run, "error", answer.reason, now),
        ...(answer.httpStatus === undefined ? {} : { httpStatus: answer.httpStatus }),
      };
    case "retryable": {
      const decision = decideRetry({
        attempt: run.attempt,
        policy: rules.retry,
        random,
        ...(answer.retryAfterMs === undefined ? {} : { retryAfterMs: answer.retryAfterMs }),
      });
      const { httpStatus: _httpStatus, ...rest } = run;
      const seen = { ...rest, ...(answer.httpStatus === undefined ? {} : { httpStatus: answer.httpStatus }) };
      if (!decision.retry) return end(seen, "error", answer.reason, now);
      return {
        ...seen,
        phase: "pending",
        attempt: run.attempt + 1,
        wakeAt: now + decision.delayMs,
        error: cutUtf8(answer.reason, MAX_ERROR_BYTES).text,
      };
    }
    case "postponed":
      return { ...run, phase: "pending", wakeAt: now + POSTPONED_MS };
    case "aborted":
      return end(run, "error", "cancelled", now);
  }
}

/** A call that nobody holds any more: the process that made it is gone. It counts as an attempt. */
export const interruptAttempt = (run: Run, rules: RunRules, now: number, random: number): Run =>
  settleAttempt(
    run,
    { kind: "retryable", reason: "interrupted: the scheduler restarted during the call" },
    rules,
    now,
    random,
  );

/** A run whose completion did not come in time (CONTRACT.md §4: error `timed out`). */
export const expireRun = (run: Run, now: number): Run => end(run, "error", "timed out", now);

/** A run that a client or the overlap policy stopped. */
export const cancelRun = (run: Run, now: number, reason = "cancelled"): Run => end(run, "error", reason, now);

/** The result that the agent reported for a run. */
export function completeRun(run: Run, body: CompleteBody, now: number): Run {
  const ended = end(
    run,
    body.status,
    body.status === "error" ? body.error || "the agent reported an error" : undefined,
    now,
  );
  if (body.output === undefined) return ended;
  const text = typeof body.output === "string" ? body.output : JSON.stringify(body.output);
  const output = cutUtf8(text, MAX_OUTPUT_BYTES);
  return { ...ended, output: output.text, ...(output.truncated ? { outputTruncated: true } : {}) };
}

/**
 * Whether an agent that reports `status` for a run that has ended only repeats itself (CONTRACT.md §6). What it reported is the run's
 * status, but where a listener made its success an error: of that the agent knows nothing. The error tells, so that nothing more is stored.
 */
export const repeatsReport = (run: Run, status: CompleteBody["status"]): boolean =>
  run.status === status ||
  (status === "success" && run.status === "error" && run.error?.startsWith(LISTENER_OBJECTED) === true);

/** Progress is shown in the run, and renews the limit for its completion where the agent has answered 202. */
export function progressRun(run: Run, progress: Progress, rules: RunRules, now: number): Run {
  const told = { ...run, progress: { ...run.progress, ...progress } };
  return run.phase === "waiting" ? { ...told, wakeAt: now + rules.completionTimeoutMs } : told;
}

export const isActive = (run: Run): boolean => run.phase !== "ended";

function end(run: Run, status: "success" | "error", error: string | undefined, now: number): Run {
  const { wakeAt: _wakeAt, error: _error, ...rest } = run;
  return {
    ...rest,
    status,
    phase: "ended",
    finishedAt: now,
    ...(error === undefined ? {} : { error: cutUtf8(error, MAX_ERROR_BYTES).text }),
  };
}
