/**
 * One fan-out of an all_users job (docs/contract.md §9), as the Job object keeps it. A due time or a client opens it,
 * a source of users feeds it page by page, and it ends when every user's run has ended. Pure steps; the shell is
 * durable-objects/job/fan-outs/.
 *
 *   running --every page handed over, every run ended--> success, or error where users failed and none succeeded
 *           --the source of users failed for good, and the runs begun by then have ended--> error
 */

import type { JobDefinition } from "../../schema/job.ts";
import { MINUTE_MS, SECOND_MS } from "../../schema/limits.ts";
import type { Trigger } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import { aim, type Cursor, firesOf, type JobRecord } from "../job/job.ts";
import { addSpend, dayOf, type Spend } from "../run/budget.ts";
import { mayStart } from "../run/gate.ts";
import { decideMissed } from "../run/missed.ts";
import { skipFire } from "../run/new-run.ts";
import { decideRetry, type RetryPolicy } from "../run/retry.ts";
import type { Run } from "../run/run.ts";
import { type FanOutCause, fanOutId, scheduledRunId } from "../run/run-id.ts";
import type { TickState } from "../run/tick.ts";
import { boundOf, shardsFor } from "./shard.ts";

/** The progress of reading a source of users; `cursor` is the source's own, any JSON. */
export type SourceProgress = {
  readonly cursor?: unknown;
  /** Users handed to the shards so far, repeats included. */
  readonly handed: number;
  /** Failures in a row of reading the same page. */
  readonly failures: number;
  /** Failures in a row of every other step: handing a page over, or asking the shards. */
  readonly stalls?: number;
  readonly done: boolean;
  /** Why the source was given up. */
  readonly error?: string;
};

/** Users of a fan-out by the outcome of their runs. `total` counts the users known so far, each once. */
export type FanOutCounts = {
  readonly total: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  /** The cost that the runs have reported; absent if there is none. */
  readonly spend?: { readonly usd: number; readonly tokens: number };
};

export type FanOutStatus = "running" | "success" | "error";

export type FanOut = {
  /** Counts the job's fan-outs upward. */
  readonly number: number;
  readonly id: string;
  readonly trigger: Trigger;
  /** Epoch ms, as all instants here. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly finishedAt?: number;
  /** The number of earlier fires that it also stands for. */
  readonly missed: number;
  /** The job as it was when the fan-out began. A later change does not affect a running fan-out. */
  readonly definition: JobDefinition;
  readonly origin?: string;
  /** The number of FanOut objects that share the users. It is fixed, since a user's run is found by it. */
  readonly shards: number;
  /** Shards that were handed users. */
  readonly activeShards: readonly number[];
  readonly source: SourceProgress;
  readonly status: FanOutStatus;
  readonly error?: string;
  /** Complete once the fan-out has ended. Before that the shards have the counts. */
  readonly counts: FanOutCounts;
  /** When the job next looks after the fan-out. */
  readonly wakeAt: number;
  /** An agent answered 410, and the job has been paused for it. */
  readonly agentGone: boolean;
};

export const NO_USERS: FanOutCounts = { total: 0, succeeded: 0, failed: 0, skipped: 0 };

/** A fire that the next tick or the one after it answers is on time. The catch-up window does not apply to it. */
export const TICK_GRACE_MS = 2 * MINUTE_MS;

/** The effect of a tick on a job. The next due time moves, and the fire opens a fan-out or leaves a skipped run. */
export type FireVerdict = {
  readonly cursor: Cursor;
  readonly open?: FanOut;
  readonly skipped?: Run;
};

export type FireContext = {
  readonly now: number;
  /** The minute that the tick is for; see {@link answeredUntil}. */
  readonly tickAt: number;
  /** Why nothing fires (`MODE`, `USER_JOBS`), if so. */
  readonly held?: string | undefined;
  /** The job's newest fan-out, if it has had one. */
  readonly newest?: Pick<FanOut, "number" | "id" | "status"> | undefined;
};

/**
 * The time up to which a tick answers fires. `tickAt` is the minute that the tick is for. A tick that comes late answers
 * its own minute only, since later fires belong to the next tick. A tick that is more than a minute late stands for all
 * ticks that did not come. A tick may be a minute ahead of the clock; one further ahead counts as a tick for now
 * (docs/contract.md §3).
 */
export const answeredUntil = (tickAt: number, now: number): number =>
  Math.abs(now - tickAt) <= MINUTE_MS ? tickAt : now;

/**
 * The due fire of an all_users job, or undefined if none is due. The decision rests on the job's state, not on the tick. So
 * the next tick replaces one that never came, and a tick that comes twice finds nothing due (docs/contract.md §3,
 * docs/fan-out.md).
 */
export function decideFire(state: TickState, context: FireContext): FireVerdict | undefined {
  const { job, record, cursor } = state;
  const { now, held, newest } = context;
  const at = answeredUntil(context.tickAt, now);
  const firstDueAt = cursor.nextDueAt;
  if (firstDueAt === null || firstDueAt > at) return undefined;
  const gate = mayStart("due", { record, cursor, held }, now);
  if (!gate.may && (gate.why === "finished" || gate.why === "paused")) return undefined;

  const catchupWindowMs = Math.max(job.catchupWindowMs, TICK_GRACE_MS);
  const verdict = decideMissed({ ...job, catchupWindowMs }, firesOf(job, record), firstDueAt, at);
  const { dueAt, missed } = verdict;
  const moveOn = (to: Cursor): Cursor => aim(job, record, to, dueAt);

  const going = newest?.status === "running";
  const reason =
    (gate.may ? undefined : gate.reason) ??
    (verdict.kind === "too_late" ? verdict.reason : undefined) ??
    (going ? "skipped: the previous fan-out was still going" : undefined);
  if (reason !== undefined) {
    const cause = { id: scheduledRunId(record.id, dueAt), trigger: "schedule", dueAt, missed } as const;
    const skipped = skipFire(record, cursor, { ...cause, reason, held: !gate.may && gate.why === "held" }, now);
    return { cursor: moveOn(skipped.cursor), skipped: skipped.run };
  }
  const open = openFanOut(
    record,
    dueAt,
    { trigger: "schedule", dueAt, missed, number: (newest?.number ?? 0) + 1 },
    now,
  );
  // After a pause and resume, a due time that an early tick has answered comes again. Its fan-out is its trace already.
  if (open.id === newest?.id) return { cursor: moveOn(cursor) };
  return { cursor: moveOn({ ...cursor, fires: cursor.fires + 1 }), open };
}

/** A new fan-out. No users have been handed over yet. */
export function openFanOut(
  record: JobRecord,
  cause: FanOutCause,
  opened: Pick<FanOut, "trigger" | "dueAt" | "missed" | "number">,
  now: number,
): FanOut {
  return {
    ...opened,
    id: fanOutId(record.id, cause),
    startedAt: now,
    definition: record.definition,
    ...compact({ origin: record.origin }),
    // One shard knows the spend of all users. Several shards would have to ask each other before each call.
    shards: record.definition.budget === undefined ? shardsFor(boundOf(record.definition)) : 1,
    activeShards: [],
    source: { handed: 0, failures: 0, done: false },
    status: "running",
    counts: NO_USERS,
    wakeAt: now,
    agentGone: false,
  };
}

/** A page of users has been handed to `shards`. `cursor` leads to the next page; undefined means there is none. */
export function pageHanded(
  fanOut: FanOut,
  page: { readonly users: number; readonly cursor?: unknown; readonly shards: Iterable<number> },
  now: number,
): FanOut {
  const { cursor, users } = page;
  const handed = fanOut.source.handed + users;
  return {
    ...fanOut,
    activeShards: [...new Set([...fanOut.activeShards, ...page.shards])].sort((a, b) => a - b),
    source: { handed, failures: 0, done: cursor === undefined, ...compact({ cursor }) },
    wakeAt: now,
  };
}

/**
 * The source could not be read. It is asked again after a backoff by the job's `retry`. When the retries are used up, the
 * fan-out takes no more users.
 */
export function sourceFailed(
  fanOut: FanOut,
  failure: { readonly reason: string; readonly retryable: boolean },
  context: { readonly policy: RetryPolicy; readonly now: number; readonly random: number },
): FanOut {
  const { policy, now, random } = context;
  const failures = fanOut.source.failures + 1;
  const decision = decideRetry({ attempt: failures, policy, random });
  if (failure.retryable && decision.retry) {
    return { ...fanOut, source: { ...fanOut.source, failures }, wakeAt: now + decision.delayMs };
  }
  const handed = fanOut.source.handed;
  const error = `the users could not be read ${handed === 0 ? "at all" : `beyond the first ${handed}`}: ${failure.reason}`;
  return { ...fanOut, source: { ...fanOut.source, failures, done: true, error }, wakeAt: now };
}

/**
 * The number of stalls in a row after which a fan-out takes no more users, some eight minutes. After as many again it ends.
 */
const MAX_STALLS = 12;
const FIRST_STALL_MS = 5 * SECOND_MS;

/**
 * A step of the fan-out failed outside its source: a shard could not be reached, or there is a bug. The step is retried
 * after a growing pause. Such a fan-out always ends, as an error (docs/contract.md §9). `known` are the counts of the
 * shards that have answered.
 */
export function stalled(fanOut: FanOut, reason: string, known: FanOutCounts, now: number): FanOut {
  const stalls = (fanOut.source.stalls ?? 0) + 1;
  const wakeAt = now + Math.min(MINUTE_MS, FIRST_STALL_MS * 2 ** (stalls - 1));
  if (stalls < MAX_STALLS) return { ...fanOut, source: { ...fanOut.source, stalls }, wakeAt };
  const error = fanOut.source.error ?? `it could not go on after ${stalls} tries: ${reason}`;
  const source = { ...fanOut.source, done: true, error, stalls: 0 };
  return fanOut.source.done ? endFanOut({ ...fanOut, source }, known, now) : { ...fanOut, source, wakeAt };
}

/** The fan-out at its end. Every run has ended, and no more users will come. */
export function endFanOut(fanOut: FanOut, counts: FanOutCounts, now: number): FanOut {
  const { handed } = fanOut.source;
  const allFailed = counts.failed > 0 && counts.succeeded === 0;
  const error =
    fanOut.source.error ??
    (allFailed ? `all ${counts.failed} users' runs ended as error` : undefined) ??
    // An empty result is an error: if the shards have lost their users, somebody must look into it.
    (handed > 0 && counts.total === 0 ? `none of the ${handed} users handed to the shards was run` : undefined);
  return {
    ...fanOut,
    status: error === undefined ? "success" : "error",
    ...compact({ error }),
    finishedAt: now,
    counts,
  };
}

/** The spend of a fan-out's runs on the last day of their job's spend. The rest was spent on earlier days. */
export type LastDay = { readonly day: string; readonly spend: Spend };

/**
 * Counts the ended fan-out in the job's own figures (docs/contract.md §5). Each user's run counts as one, and the outcome
 * is the fan-out's. For a fan-out that ran over midnight, `lastDay` says what was spent on which day. Otherwise the next
 * day would begin with the whole sum.
 */
export function countFanOut(cursor: Cursor, fanOut: FanOut, now: number, lastDay?: LastDay): Cursor {
  const { lastError: _lastError, ...rest } = cursor;
  const failed = fanOut.status === "error";
  const { succeeded, failed: failures, spend = { usd: 0, tokens: 0 } } = fanOut.counts;
  const { schedule } = fanOut.definition;
  const all = { runs: succeeded + failures, ...spend };
  const last = lastDay ?? { day: dayOf(schedule, now), spend: all };
  const before = {
    runs: all.runs - last.spend.runs,
    usd: all.usd - last.spend.usd,
    tokens: all.tokens - last.spend.tokens,
  };
  const spent = addSpend(addSpend(cursor.spent, before, dayOf(schedule, fanOut.startedAt)), last.spend, last.day);
  return {
    ...rest,
    spent,
    runCount: cursor.runCount + fanOut.counts.succeeded + fanOut.counts.failed,
    consecutiveFailures: failed ? cursor.consecutiveFailures + 1 : 0,
    lastRunAt: fanOut.startedAt,
    lastStatus: failed ? "error" : "success",
    ...compact({ lastError: fanOut.error }),
  };
}

export const sumCounts = (parts: Iterable<FanOutCounts>): FanOutCounts => {
  let sum = NO_USERS;
  for (const part of parts) {
    sum = {
      total: sum.total + part.total,
      succeeded: sum.succeeded + part.succeeded,
      failed: sum.failed + part.failed,
      skipped: sum.skipped + part.skipped,
      ...spendOf(sum, part),
    };
  }
  return sum;
};

function spendOf(a: FanOutCounts, b: FanOutCounts): Pick<FanOutCounts, "spend"> {
  const usd = (a.spend?.usd ?? 0) + (b.spend?.usd ?? 0);
  const tokens = (a.spend?.tokens ?? 0) + (b.spend?.tokens ?? 0);
  return usd + tokens === 0 ? {} : { spend: { usd, tokens } };
}

/** The fan-out, if it has not ended. */
export const goingOf = (fanOut: FanOut | undefined): FanOut | undefined =>
  fanOut?.status === "running" ? fanOut : undefined;
