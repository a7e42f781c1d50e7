/**
 * A run and its state machine (docs/contract.md §4, §5). Every transition is a pure function from one run to the next:
 *
 *   pending --call--> calling --2xx--> ended (success)
 *      ^                 |--202------> waiting --complete / time out--> ended
 *      |                 |--offered--> offered --claim--> waiting      (an agent without an address, docs/contract.md §14)
 *      |                 |--refused--> ended (error)
 *      +---retryable-----+   cancel ends a run in any phase; a skipped run is created as ended.
 *
 * Clients see `status`. `phase` says what a running run waits for.
 */
import type { RunStatus } from "../../schema/job.ts";
import { MAX_OUTPUT_BYTES, SECOND_MS } from "../../schema/limits.ts";
import type { Payload } from "../../schema/payload.ts";
import type { CompleteBody, Progress, Trigger } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import { formatDuration } from "../time/duration.ts";
import type { AttemptOutcome } from "./attempt-outcome.ts";
import { decideRetry, type RetryPolicy } from "./retry.ts";

/** The longest error text. A longer one is cut. */
const MAX_ERROR_BYTES = 4_096;

/** The delay of a call that the platform did not allow. The next invocation has calls again. */
const POSTPONED_MS = SECOND_MS;

/** The beginning of a run's error when its agent succeeded but a run listener failed (docs/contract.md §10). */
export const LISTENER_OBJECTED = "a run listener failed: ";

/**
 * The phases of a run. pending: an attempt waits for its time. calling: an attempt is being made. offered: the run is in a
 * mailbox, unclaimed. waiting: the agent has it and will report its end. ended: nothing changes it any more.
 */
export type RunPhase = "pending" | "calling" | "offered" | "waiting" | "ended";

/** A run that its agent has taken out of its mailbox. All fields but `leaseMs` are epoch ms. */
export type Claim = {
  readonly at: number;
  /** The length of the lease, which each progress renews, and its end. */
  readonly leaseMs: number;
  readonly leaseEndsAt: number;
  /** When the run ends as not completed, as after a 202. */
  readonly completeBy: number;
  /** Set if a socket holds the run. Its mailbox counts the runs of a socket. */
  readonly bySocket: boolean;
};

/** One attempt of a run, as its log shows it; instants in epoch ms. */
export type Attempt = {
  readonly attempt: number;
  readonly startedAt: number;
  /** When the agent took the run with a 202. */
  readonly acceptedAt?: number;
  readonly finishedAt?: number;
  readonly httpStatus?: number;
  readonly error?: string;
};

/** The number of attempts that a run shows, each with the beginning of its error. */
const MAX_ATTEMPTS_SHOWN = 10;
const MAX_ATTEMPT_ERROR_BYTES = 500;

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
  /** The attempt that is being made or comes next, from 1. */
  readonly attempt: number;
  /**
   * The deadline of the phase. pending: when the attempt is made. offered: when the offer expires. waiting: when the
   * completion or the lease expires.
   */
  readonly wakeAt?: number;
  /** When the run was put into a mailbox, also after it was claimed; epoch ms. */
  readonly offeredAt?: number;
  /** The agent that owns this mailbox. */
  readonly offeredTo?: string;
  readonly claim?: Claim;
  readonly error?: string;
  readonly httpStatus?: number;
  readonly output?: string;
  readonly outputTruncated?: boolean;
  readonly progress?: Progress;
  /** The number of earlier fires, missed in downtime, that this run or skip also stands for. */
  readonly missed?: number;
  /** The number of fires, held in a row, that this skip stands for, and the due time of the last. */
  readonly count?: number;
  readonly lastDueAt?: number;
  /** The last attempts, oldest first. */
  readonly attempts?: readonly Attempt[];
  /** The agent's control of the run (docs/contract.md §15), and the faults in it. */
  readonly unchanged?: true;
  readonly costUsd?: number;
  readonly tokens?: number;
  readonly controlError?: string;
  /** The agent's input in place of the job's own message and payload. */
  readonly message?: string;
  readonly payload?: Payload;
  /** The run that this one repeats. */
  readonly retryOf?: string;
  /** When the job fires next because the agent asked for it. */
  readonly nextAt?: number;
};

/** The run before this one, as a job with `continuity` passes it to the agent. */
export type PreviousRun = Pick<Run, "id" | "status" | "startedAt" | "finishedAt" | "output" | "error">;

/** The part of a job's definition that its runs need. Durations are in ms. */
export type RunRules = {
  readonly retry: RetryPolicy;
  readonly completionTimeoutMs: number;
  readonly claimTimeoutMs: number;
};

export type NewRun = Pick<Run, "id" | "seq" | "sessionId" | "trigger" | "dueAt"> & {
  readonly userId?: string | undefined;
  readonly missed?: number | undefined;
} & RunInput;

/** The input of a run that differs from its job's own. */
export type RunInput = {
  readonly message?: string | undefined;
  readonly payload?: Payload | undefined;
  readonly retryOf?: string | undefined;
};

/** A run whose first attempt is made at `now`. */
export function startRun(run: NewRun, now: number): Run {
  const { userId, missed, message, payload, retryOf, ...rest } = run;
  return {
    ...rest,
    ...compact({ userId, missed: missed || undefined, message, payload, retryOf }),
    status: "running",
    phase: "pending",
    startedAt: now,
    attempt: 1,
    wakeAt: now,
  };
}

/** A new run that is skipped for a reason. It is the trace of its due time. */
export function skipRun(run: Run, reason: string, now: number): Run {
  const { wakeAt: _wakeAt, ...rest } = run;
  return { ...rest, status: "skipped", phase: "ended", finishedAt: now, error: reason };
}

/** The run with its attempt begun at `now`, by default when it is due. It is recorded before the agent is called. */
export function beginAttempt(run: Run, now: number = run.wakeAt ?? run.startedAt): Run {
  const { wakeAt: _wakeAt, attempts = [], ...rest } = run;
  const begun = { attempt: run.attempt, startedAt: now };
  // A postponed attempt, which the platform did not allow, is replaced and not repeated.
  const earlier = attempts.filter(({ attempt }) => attempt !== run.attempt);
  return { ...rest, phase: "calling", attempts: [...earlier, begun].slice(-MAX_ATTEMPTS_SHOWN) };
}

/** The attempts with the result of the last one. That attempt ended at `now`, or was only accepted. */
function noteAttempt(
  attempts: readonly Attempt[] | undefined,
  seen: {
    readonly httpStatus?: number | undefined;
    readonly error?: string | undefined;
    readonly acceptedAt?: number | undefined;
  },
  endedAt: number | undefined,
): { readonly attempts?: readonly Attempt[] } {
  const last = attempts?.at(-1);
  if (attempts === undefined || last === undefined || last.finishedAt !== undefined) {
    return attempts === undefined ? {} : { attempts };
  }
  const { httpStatus = last.httpStatus, error, acceptedAt = last.acceptedAt } = seen;
  const noted: Attempt = {
    ...last,
    ...compact({ acceptedAt, finishedAt: endedAt, httpStatus }),
    ...(error === undefined ? {} : { error: cutUtf8(error, MAX_ATTEMPT_ERROR_BYTES).text }),
  };
  return { attempts: [...attempts.slice(0, -1), noted] };
}

/** Applies an attempt's outcome to a run in phase `calling`. `random` in [0, 1) spreads the backoff. */
export function settleAttempt(before: Run, answer: AttemptOutcome, rules: RunRules, now: number, random: number): Run {
  const run =
    answer.kind === "postponed"
      ? before
      : { ...before, ...noteAttempt(before.attempts, seenIn(answer, now), endOf(answer, now)) };
  switch (answer.kind) {
    case "success":
      return {
        ...end(run, "success", undefined, now),
        ...compact({ httpStatus: answer.httpStatus, output: answer.output }),
        ...(answer.outputTruncated ? { outputTruncated: true } : {}),
      };
    case "accepted": {
      const { error: _error, ...rest } = run;
      return { ...rest, phase: "waiting", httpStatus: answer.httpStatus, wakeAt: now + rules.completionTimeoutMs };
    }
    case "offered": {
      const { error: _error, ...rest } = run;
      const { offeredAt, agentId: offeredTo } = answer;
      return { ...rest, phase: "offered", offeredAt, offeredTo, wakeAt: offeredAt + rules.claimTimeoutMs };
    }
    case "gone":
      return { ...end(run, "error", answer.reason, now), httpStatus: answer.httpStatus };
    case "refused":
      return {
        ...end(run, "error", answer.reason, now),
        ...compact({ httpStatus: answer.httpStatus }),
      };
    case "retryable": {
      const decision = decideRetry({
        attempt: run.attempt,
        policy: rules.retry,
        random,
        ...compact({ retryAfterMs: answer.retryAfterMs }),
      });
      const { httpStatus: _httpStatus, ...rest } = unclaimed(run);
      const seen = { ...rest, ...compact({ httpStatus: answer.httpStatus }) };
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

function seenIn(answer: AttemptOutcome, now: number) {
  return {
    acceptedAt: answer.kind === "accepted" ? now : undefined,
    httpStatus: "httpStatus" in answer ? answer.httpStatus : undefined,
    error: "reason" in answer ? answer.reason : undefined,
  };
}

/** When the attempt ended. An accepted or offered attempt ends together with its run. */
const endOf = ({ kind }: AttemptOutcome, now: number): number | undefined =>
  kind === "accepted" || kind === "offered" ? undefined : now;

/** The run after a call that no process holds any more. The call counts as an attempt. */
export const interruptAttempt = (run: Run, rules: RunRules, now: number, random: number): Run =>
  settleAttempt(
    run,
    { kind: "retryable", reason: "interrupted: the scheduler restarted during the call" },
    rules,
    now,
    random,
  );

/**
 * The run after its deadline: not claimed in time, or not completed in time (docs/contract.md §4: error `timed out`). A
 * lease that has run out is an interrupted attempt (§14).
 */
export function settleOverdue(run: Run, rules: RunRules, now: number, random: number): Run {
  if (run.phase === "offered") {
    return end(run, "error", `not claimed within ${formatDuration(rules.claimTimeoutMs)}`, now);
  }
  const { claim } = run;
  if (claim === undefined || claim.completeBy <= now) return end(run, "error", "timed out", now);
  const reason = `interrupted: the lease of ${formatDuration(claim.leaseMs)} ran out without progress or completion`;
  return settleAttempt(run, { kind: "retryable", reason }, rules, now, random);
}

/** Whether the run waits for somebody outside until its `wakeAt`. After that time {@link settleOverdue} applies. */
export const hasDeadline = ({ phase }: Run): boolean => phase === "offered" || phase === "waiting";

/** The run without its offer and its claim. */
export function unclaimed(run: Run): Run {
  const { offeredAt: _offeredAt, offeredTo: _offeredTo, claim: _claim, ...rest } = run;
  return rest;
}

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
 * Whether a report of `status` for an ended run only repeats the agent's first report (docs/contract.md §6). The reported
 * status is the run's status, unless a listener turned its success into an error. The error text shows that, so nothing
 * more is stored.
 */
export const repeatsReport = (run: Run, status: CompleteBody["status"]): boolean =>
  run.status === status ||
  (status === "success" && run.status === "error" && run.error?.startsWith(LISTENER_OBJECTED) === true);

/** The run with its progress. If the agent holds the run, this renews its deadline and its lease. */
export function progressRun(run: Run, progress: Progress, rules: RunRules, now: number): Run {
  const updated = { ...run, progress: { ...run.progress, ...progress } };
  if (run.phase !== "waiting") return updated;
  const completeBy = now + rules.completionTimeoutMs;
  if (run.claim === undefined) return { ...updated, wakeAt: completeBy };
  const leaseEndsAt = now + run.claim.leaseMs;
  return { ...updated, claim: { ...run.claim, leaseEndsAt, completeBy }, wakeAt: Math.min(leaseEndsAt, completeBy) };
}

export const isActive = (run: Run): boolean => run.phase !== "ended";

function end(run: Run, status: "success" | "error", error: string | undefined, now: number): Run {
  const { wakeAt: _wakeAt, error: _error, ...rest } = run;
  return {
    ...rest,
    ...noteAttempt(run.attempts, { error }, now),
    status,
    phase: "ended",
    finishedAt: now,
    ...(error === undefined ? {} : { error: cutUtf8(error, MAX_ERROR_BYTES).text }),
  };
}
