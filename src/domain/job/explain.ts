/** Why a job did or did not run at a time (docs/contract.md §6, `explain`). */
import { compact } from "../compact.ts";
import { type ExplainedFanOut, explainByFanOut } from "../fan-out/explain-fan-out.ts";
import type { Run } from "../run/run.ts";
import type { TickState } from "../run/tick.ts";
import { exclusionOf } from "../time/describe.ts";
import { exclusionAt } from "../time/exclude.ts";
import { formatInstant } from "../time/instant.ts";
import { scheduleZone } from "../time/schedule.ts";
import type { Explanation } from "./explanation.ts";
import { firesOf, firstAfterPause, type JobRecord, stateOf } from "./job.ts";

export type ExplainContext = {
  /** The time in question, and the present; epoch ms. */
  readonly at: number;
  readonly now: number;
  /** Why nothing fires at present, if so. */
  readonly held?: string | undefined;
  /** The fan-outs of an all_users job, newest first. */
  readonly fanOuts?: readonly ExplainedFanOut[];
  /**
   * The number of open sockets of the agent whose mailbox holds the job's run. Undefined if it is not known, or no mailbox
   * holds one.
   */
  readonly connected?: number | undefined;
  /** The number of runs that the log keeps. */
  readonly retention: number;
};

/**
 * Explains why the job did or did not run at `context.at`. If that time has passed, the words also say when it runs next.
 *
 * @param log the job's kept runs, newest first
 */
export function explain(state: TickState, log: readonly Run[], context: ExplainContext): Explanation {
  const { at, now } = context;
  if (at > now) {
    const future = explainFuture(state, context);
    const excluded = future.verdict === "in_future" ? excludedAt(state, future, at, "is") : undefined;
    return excluded === undefined ? future : { ...future, explanation: `${excluded} ${future.explanation}` };
  }
  const past = explainPast(state, log, context);
  const asked = askedFor(log, past.dueAt, at);
  const words = [
    excludedAt(state, past, at, "was"),
    past.explanation,
    asked && explainAskedFor(asked, context),
    explainNext(state, past, context),
  ];
  return {
    ...past,
    ...(past.run === undefined && asked !== undefined ? { run: asked } : {}),
    explanation: words.filter((sentence) => sentence !== undefined).join(" "),
  };
}

/** The exclusion that keeps the schedule from being due at that time. Undefined if there is none. */
function excludedAt({ job }: TickState, { dueAt }: Explanation, at: number, verb: "was" | "is"): string | undefined {
  const { exclusions } = job.schedule;
  if (exclusions.length === 0 || dueAt === at) return undefined;
  const exclusion = exclusionAt(exclusions, scheduleZone(job.schedule), at);
  if (exclusion === undefined) return undefined;
  return `Nothing ${verb} due at ${formatInstant(at)}: the schedule excludes that time (no fire ${exclusionOf(exclusion)}).`;
}

/** The newest run by `at` that no fire of the schedule began, if the fire in question is older. Times are epoch ms. */
const askedFor = (log: readonly Run[], dueAt: number | undefined, at: number): Run | undefined =>
  log.find(
    (run) => run.trigger !== "schedule" && run.startedAt <= at && (dueAt === undefined || run.startedAt > dueAt),
  );

function explainAskedFor(run: Run, { connected }: ExplainContext): string {
  const { id, trigger, startedAt, phase, status, error } = run;
  const how =
    phase !== "ended"
      ? `is still running${phase === "offered" ? `: ${explainOffer(run, connected)}` : ""}`
      : status === "success"
        ? "succeeded"
        : `ended as ${status}: ${error ?? "unknown"}`;
  return `Run ${id} (${trigger}) was asked for, started at ${formatInstant(startedAt)} and ${how}.`;
}

/** When the job runs next, in words. Undefined if the words are known already. */
function explainNext({ record, cursor }: TickState, past: Explanation, { held }: ExplainContext): string | undefined {
  if (past.verdict === "paused" || past.verdict === "finished") return undefined;
  if (stateOf(record) === "finished") return "The job has finished and will not run again.";
  if (stateOf(record) === "paused") {
    const dueAt = firstAfterPause(record, cursor);
    const next = dueAt === undefined ? "" : ` It is due next at ${formatInstant(dueAt)}.`;
    return `The job is paused${reasonOf(record)}${untilWords(record)}.${next}`;
  }
  if (held !== undefined) return `Nothing fires at present (${held}).`;
  return cursor.nextDueAt === null ? undefined : `It is due next at ${formatInstant(cursor.nextDueAt)}.`;
}

const reasonOf = ({ pausedReason }: JobRecord): string => (pausedReason === undefined ? "" : ` (${pausedReason})`);

/** The end of a pause, in words: by hand, or by itself at a time. */
function untilWords({ id, resumeAt }: JobRecord): string {
  const call = `POST /v1/jobs/${id}/resume`;
  if (resumeAt === undefined) return ` and runs only once it is resumed: ${call}`;
  return ` until ${formatInstant(resumeAt)}, when it resumes by itself; ${call} resumes it now`;
}

function explainPast(state: TickState, log: readonly Run[], context: ExplainContext): Explanation {
  const { record, job } = state;
  const { at } = context;
  if (at < record.createdAt) {
    return { verdict: "before_creation", explanation: `The job was made only at ${formatInstant(record.createdAt)}.` };
  }
  const dueAt = firesOf(job, record).last(at);
  const chosen = explainChosen(record.anchorAt, log, dueAt, context);
  if (chosen !== undefined) return chosen;
  if (dueAt === null || dueAt < record.anchorAt) return explainNothingDue(state, log, context);

  const run = log.find((candidate) => candidate.trigger === "schedule" && isOf(candidate, dueAt));
  if (run !== undefined) return { ...explainRun(run, dueAt, context), dueAt, run };
  const fanned = explainByFanOut(context.fanOuts ?? [], dueAt);
  if (fanned !== undefined) return fanned;
  const standIn = log.find((candidate) => standsFor(candidate, dueAt, log));
  if (standIn !== undefined) {
    return {
      verdict: "coalesced",
      explanation: `The fire due at ${formatInstant(dueAt)} was missed while nothing could run; run ${standIn.id}, for the later due time ${formatInstant(standIn.dueAt)}, stands for it and ${(standIn.missed ?? 1) - 1} more.`,
      dueAt,
      run: standIn,
    };
  }
  return { ...explainTraceless(state, log, dueAt, context), dueAt };
}

/**
 * Explains a time that the agent chose (`control.next_in`, `next_at`). It is the cause of a run, or the reason why the
 * schedule's own fire did not come. `since` is when the present schedule began. `dueAt` is its last fire by the time in
 * question.
 */
function explainChosen(
  since: number,
  log: readonly Run[],
  dueAt: number | null,
  context: ExplainContext,
): Explanation | undefined {
  const { at } = context;
  const after = Math.max(since, dueAt ?? since);
  const run = log.find(({ trigger, dueAt: due }) => trigger === "schedule" && due <= at && due > after);
  if (run !== undefined) return { ...explainRun(run, run.dueAt, context), dueAt: run.dueAt, run };
  const asked = log.find(({ nextAt = 0, finishedAt = 0 }) => dueAt !== null && finishedAt <= dueAt && dueAt < nextAt);
  if (asked?.nextAt === undefined || dueAt === null) return undefined;
  const explanation = `No fire was due at ${formatInstant(dueAt)}: in run ${asked.id} the agent asked for ${formatInstant(asked.nextAt)} in its place.`;
  return { verdict: "not_due", explanation, dueAt, run: asked };
}

/** Whether a run belongs to this due time. A skip of several held fires belongs to each of them. */
const isOf = (run: Run, dueAt: number): boolean => run.dueAt <= dueAt && dueAt <= (run.lastDueAt ?? run.dueAt);

function explainOffer({ offeredAt, startedAt, offeredTo }: Run, connected: number | undefined): string {
  const since = `it is waiting to be claimed since ${formatInstant(offeredAt ?? startedAt)}`;
  if (connected === undefined) return since;
  const who =
    connected === 0 ? "nobody is connected" : `${connected} socket${connected === 1 ? " is" : "s are"} connected`;
  return `${since}; ${who} to the mailbox of agent "${offeredTo}"`;
}

function explainRun(run: Run, dueAt: number, { connected }: ExplainContext): Explanation {
  const due = formatInstant(dueAt);
  if (run.status === "skipped") {
    return { verdict: "skipped", explanation: `The fire due at ${due} was not run: ${run.error ?? "skipped"}.` };
  }
  const lag = run.startedAt - dueAt;
  const started = `The fire due at ${due} started ${lag} ms later as run ${run.id}`;
  if (run.phase === "ended") {
    const how = run.status === "success" ? "succeeded" : `ended as an error: ${run.error ?? "unknown"}`;
    return { verdict: "ran", explanation: `${started} and ${how}, after ${attempts(run.attempt)}.` };
  }
  const waits: Record<Exclude<Run["phase"], "ended">, string> = {
    offered: explainOffer(run, connected),
    calling: `attempt ${run.attempt} is being made`,
    pending: `attempt ${run.attempt} waits until ${formatInstant(run.wakeAt ?? dueAt)}${run.error ? `, since: ${run.error}` : ""}`,
    waiting: `the agent answered 202 and has until ${formatInstant(run.wakeAt ?? dueAt)} to complete it`,
  };
  return { verdict: "running", explanation: `${started} and is still running: ${waits[run.phase]}.` };
}

const attempts = (count: number): string => (count === 1 ? "1 attempt" : `${count} attempts`);

/** Whether a run after downtime stands for this fire, and so for all fires since the run before. */
function standsFor(run: Run, dueAt: number, log: readonly Run[]): boolean {
  if (!run.missed || run.trigger !== "schedule" || run.dueAt <= dueAt) return false;
  return !log.some((other) => other.trigger === "schedule" && other.dueAt >= dueAt && other.dueAt < run.dueAt);
}

function explainTraceless(state: TickState, log: readonly Run[], dueAt: number, context: ExplainContext): Explanation {
  const { record, cursor } = state;
  const due = formatInstant(dueAt);
  if (record.buffered?.dueAt === dueAt) {
    return {
      verdict: "waiting",
      explanation: `The fire due at ${due} waits for the active run to end (overlap: buffer_one).`,
    };
  }
  if (cursor.nextDueAt !== null && cursor.nextDueAt <= context.now) {
    return { verdict: "overdue", explanation: `The fire due at ${due} has not been handled yet; it is being started.` };
  }
  const oldest = log.at(-1);
  if (log.length >= context.retention && oldest !== undefined && oldest.dueAt > dueAt) {
    return {
      verdict: "log_expired",
      explanation: `The log keeps the newest ${context.retention} runs and begins at ${formatInstant(oldest.dueAt)}; what happened to the fire due at ${due} is no longer known.`,
    };
  }
  if (stateOf(record) === "paused") {
    return {
      verdict: "paused",
      explanation: `The fire due at ${due} was not run: the job is paused${reasonOf(record)}${untilWords(record)}.`,
    };
  }
  if (stateOf(record) === "finished") {
    return { verdict: "finished", explanation: finishedBefore(state, log, dueAt) };
  }
  return { verdict: "no_trace", explanation: `The fire due at ${due} was not run: the job was paused at that time.` };
}

/** The words for a one-time job that was paused at its time. It has no other fire, so resuming finished it. */
function finishedBefore({ record }: TickState, log: readonly Run[], dueAt: number): string {
  const { at } = record.definition.schedule;
  const isMissed = at !== undefined && record.finishedAt !== undefined && record.finishedAt > dueAt && log.length === 0;
  const why = isMissed
    ? `the job was paused at that time, and has no other. Give it one with PATCH /v1/jobs/${record.id} {"schedule": {"at": …}}.`
    : "the job had finished.";
  return `The fire due at ${formatInstant(dueAt)} was not run: ${why}`;
}

function explainNothingDue({ record }: TickState, log: readonly Run[], context: ExplainContext): Explanation {
  if (record.anchorAt > record.createdAt && context.at < record.anchorAt) {
    const run = log.find((candidate) => candidate.dueAt <= context.at);
    return {
      verdict: "other_schedule",
      explanation: `The job had another schedule then: the present one holds since ${formatInstant(record.anchorAt)}.${run === undefined ? "" : ` The last run before that time is ${run.id}.`}`,
      ...compact({ run }),
    };
  }
  if (record.definition.schedule.manual) {
    const how = `run it with POST /v1/jobs/${record.id}/run`;
    return {
      verdict: "not_due",
      explanation: `Nothing is ever due: the job is manual and never fires by itself; ${how}.`,
    };
  }
  return {
    verdict: "not_due",
    explanation: `Nothing was due by ${formatInstant(context.at)}: the first fire of the schedule comes later.`,
  };
}

function explainFuture(state: TickState, { at, now, held }: ExplainContext): Explanation {
  const { record, job, cursor } = state;
  const asked = formatInstant(at);
  if (stateOf(record) === "finished") {
    return {
      verdict: "finished",
      explanation: `The job has finished and will not run at ${asked}. Give it a new time with PATCH.`,
    };
  }
  const { resumeAt } = record;
  const isPaused = stateOf(record) === "paused";
  if (isPaused && resumeAt === undefined) {
    return { verdict: "paused", explanation: `The job is paused and will not run at ${asked} unless it is resumed.` };
  }
  if (isPaused && resumeAt !== undefined && at <= resumeAt) {
    return { verdict: "paused", explanation: `The job will not run at ${asked}: it is paused${untilWords(record)}.` };
  }
  if (held !== undefined) return { verdict: "held", explanation: `Nothing fires at present (${held}).` };
  const dueAt = firesOf(job, record).last(at);
  if (isPaused && resumeAt !== undefined) return explainResumed(record, dueAt, { resumeAt, at });
  if (cursor.nextDueAt === null || dueAt === null || dueAt <= now) {
    const next =
      cursor.nextDueAt === null
        ? "No further fire is due"
        : `The next fire is due only at ${formatInstant(cursor.nextDueAt)}`;
    return { verdict: "in_future", explanation: `${next}, so nothing will run by ${asked}.` };
  }
  const when = dueAt === at ? `at ${asked}` : `before ${asked}, the last time at ${formatInstant(dueAt)}`;
  return { verdict: "in_future", explanation: `The job will run ${when}.`, dueAt };
}

/** Explains a time after the end of the pause. `dueAt` is the last fire of the schedule by then; epoch ms. */
function explainResumed(
  record: JobRecord,
  dueAt: number | null,
  { resumeAt, at }: { readonly resumeAt: number; readonly at: number },
): Explanation {
  const asked = formatInstant(at);
  const pause = `The job is paused${untilWords(record)}`;
  if (dueAt === null || dueAt <= resumeAt) {
    return { verdict: "paused", explanation: `${pause}. No fire is due between then and ${asked}.` };
  }
  const when = dueAt === at ? `at ${asked}` : `before ${asked}, the last time at ${formatInstant(dueAt)}`;
  return { verdict: "in_future", explanation: `${pause}. It will run ${when}.`, dueAt };
}
