/**
 * A beat and its state machine (docs/contract.md §8). Every step is a pure function from one beat to the next and is
 * recorded before its effect. So a kill at any moment leaves a row that shows how far the beat had come:
 *
 *   queued -> deciding --run--> executing --answer--> notifying -> ended
 *                 \--skip--> ended   \--empty answer--> ended     any failure -> ended (error), perhaps with a retry
 *
 * A beat that a gate stops is created as ended. Equal ones in a row share one entry with a count.
 */
import type {
  BeatOutcome,
  BeatTrigger,
  Beat as BeatView,
  Decision,
  Notified,
  TokenUsage,
} from "../../schema/heartbeat.ts";
import { MAX_OUTPUT_BYTES, MINUTE_MS } from "../../schema/limits.ts";
import { cutUtf8 } from "../text/cut-text.ts";
import { formatDuration } from "../time/duration.ts";
import { formatInstant } from "../time/instant.ts";

const MAX_ERROR_BYTES = 4_096;
const MAX_DECISION_TEXT_BYTES = 4_096;
const MAX_EVENT_ERROR_BYTES = 300;
/** A failed beat is tried again after this, or after half its interval if that is shorter. */
const MAX_RETRY_DELAY_MS = MINUTE_MS;

export type BeatPhase = "queued" | "deciding" | "executing" | "notifying" | "ended";

/** Instants are epoch ms. */
export type Beat = {
  readonly id: string;
  /** Counts the heartbeat's entries upward; the log is shown newest first by it. */
  readonly seq: number;
  readonly trigger: BeatTrigger;
  readonly attempt: number;
  /** The beat that this one repeats. Its calls carry that beat's id, so an agent recognises the repeat. */
  readonly retryOf?: string;
  readonly phase: BeatPhase;
  /** Set when the beat ends. */
  readonly outcome?: BeatOutcome;
  /** The due time that this beat answers. For a manual beat, the time of the request. */
  readonly dueAt: number;
  readonly startedAt: number;
  readonly finishedAt?: number;
  readonly reason?: string;
  readonly decision?: Decision;
  readonly decisionText?: string;
  readonly answer?: string;
  readonly answerTruncated?: boolean;
  readonly error?: string;
  readonly notified?: readonly Notified[];
  readonly tokens?: { readonly decision?: TokenUsage; readonly main?: TokenUsage };
  readonly missed?: number;
  /** When the beat is tried again. */
  readonly retryAt?: number;
  /** Set when another beat has repeated this one. */
  readonly repeated?: true;
  /** The number of equal beats that the entry stands for. More than 1 only if a gate ended them. */
  readonly count: number;
  /** The time of the last of them. */
  readonly lastAt: number;
  /** The time up to which due beats are handled. It is carried from entry to entry, so a beat needs no second row. */
  readonly handledAt: number;
};

export type NewBeat = Pick<Beat, "id" | "seq" | "trigger" | "dueAt" | "handledAt"> & {
  readonly missed?: number;
  readonly retryOf?: string;
};

/** Why a beat ends before any model is asked. */
export type Idle = { readonly outcome: "skipped" | "empty"; readonly reason: string };

/** A beat that the next alarm runs. */
export function queueBeat(beat: NewBeat, now: number): Beat {
  const { missed, ...rest } = beat;
  return {
    ...rest,
    ...(missed ? { missed } : {}),
    attempt: beat.retryOf === undefined ? 1 : 2,
    phase: "queued",
    startedAt: now,
    count: 1,
    lastAt: now,
  };
}

/** A beat that a gate ended. */
export const idleBeat = (beat: NewBeat, idle: Idle, now: number): Beat => ({
  ...queueBeat(beat, now),
  phase: "ended",
  outcome: idle.outcome,
  reason: idle.reason,
  finishedAt: now,
});

/**
 * The entry that stands for both beats, or undefined if they differ. Only scheduled beats that a gate ended are merged. The
 * log keeps every manual beat and every beat with a model call.
 */
export function foldIdle(last: Beat | undefined, next: Beat): Beat | undefined {
  if (last === undefined || !isFoldable(last) || !isFoldable(next)) return undefined;
  if (last.outcome !== next.outcome || last.reason !== next.reason) return undefined;
  const missed = (last.missed ?? 0) + (next.missed ?? 0);
  return {
    ...last,
    count: last.count + next.count,
    dueAt: next.dueAt,
    finishedAt: next.lastAt,
    lastAt: next.lastAt,
    handledAt: next.handledAt,
    ...(missed > 0 ? { missed } : {}),
  };
}

/** Whether the beat may be merged. A skip by decision has a reason too, but it has cost a model call. */
const isFoldable = (beat: Beat): boolean =>
  beat.trigger === "schedule" &&
  beat.phase === "ended" &&
  beat.decision === undefined &&
  (beat.outcome === "empty" || beat.outcome === "skipped");

export const isInProgress = (beat: Beat): boolean => beat.phase !== "ended";

/** The fast model is about to be asked. */
export const beginDeciding = (beat: Beat): Beat => ({ ...beat, phase: "deciding" });

/** The fast model has decided; on `run` the main model is about to be asked. */
export function decided(beat: Beat, decision: Decision, usage: TokenUsage | undefined, now: number): Beat {
  const known = withTokens({ ...beat, decision }, "decision", usage);
  if (decision.action === "run") return { ...known, phase: "executing" };
  return { ...known, phase: "ended", outcome: "skipped", reason: decision.reason, finishedAt: now, lastAt: now };
}

/** The fast model wrote something other than a decision. The text is kept. */
export const decidedWrongly = (
  beat: Beat,
  text: string,
  error: string,
  usage: TokenUsage | undefined,
  now: number,
): Beat => ({
  ...failed(withTokens(beat, "decision", usage), error, now),
  decisionText: cutUtf8(text, MAX_DECISION_TEXT_BYTES).text,
});

/** The main model has answered; a non-empty answer is about to be sent to the notifiers. */
export function answered(beat: Beat, text: string, usage: TokenUsage | undefined, now: number): Beat {
  const known = withTokens(beat, "main", usage);
  const answer = cutUtf8(text.trim(), MAX_OUTPUT_BYTES);
  if (answer.text === "") return { ...known, phase: "ended", outcome: "executed", finishedAt: now, lastAt: now };
  return { ...known, phase: "notifying", answer: answer.text, ...(answer.truncated ? { answerTruncated: true } : {}) };
}

/** Every notifier was called. If one failed, the beat is an error that keeps its answer. */
export function notifiedAll(beat: Beat, notified: readonly Notified[], now: number): Beat {
  const failures = notified.filter((one) => !one.ok).map((one) => `${one.type}: ${one.error ?? "failed"}`);
  const known = { ...beat, notified };
  if (failures.length > 0) return failed(known, `not everyone was notified: ${failures.join("; ")}`, now);
  return { ...known, phase: "ended", outcome: "executed", finishedAt: now, lastAt: now };
}

/** The beat ends as an error that another try would not fix. */
export const failed = (beat: Beat, error: string, now: number): Beat => ({
  ...beat,
  phase: "ended",
  outcome: "error",
  error: cutUtf8(error, MAX_ERROR_BYTES).text,
  finishedAt: now,
  lastAt: now,
});

/**
 * The beat ends as an error for a reason that may pass. The first attempt of a scheduled beat is repeated once, if there is
 * time before the next beat is due. A manual beat is not repeated, since its caller sees the error and can ask again.
 */
export function failedForNow(beat: Beat, error: string, everyMs: number, now: number): Beat {
  const ended = failed(beat, error, now);
  if (beat.trigger !== "schedule" || beat.attempt > 1) return ended;
  const retryAt = now + Math.min(MAX_RETRY_DELAY_MS, Math.floor(everyMs / 2));
  return retryAt < beat.dueAt + everyMs ? { ...ended, retryAt } : ended;
}

/**
 * A beat in progress that no living call holds, because the process that ran it is gone. It is repeated only if the main
 * model was not asked yet. Otherwise its work may be done or somebody notified, and neither must happen twice.
 */
export function interrupted(beat: Beat, everyMs: number, now: number): Beat {
  switch (beat.phase) {
    case "executing":
      return failed(
        beat,
        "interrupted: the scheduler restarted after the main model was asked; it is not asked again, since it may have done the work",
        now,
      );
    case "notifying":
      return failed(
        beat,
        "interrupted: the scheduler restarted while the notifiers were called; they are not called again, since some may have been reached",
        now,
      );
    default:
      return failedForNow(beat, "interrupted: the scheduler restarted before the decision came", everyMs, now);
  }
}

/** The beat without its retry, because the next beat is due or the heartbeat is held. */
export function withoutRetry(beat: Beat): Beat {
  const { retryAt: _retryAt, ...rest } = beat;
  return rest;
}

/** The beat whose retry begins. From now on the retry decides whether it has failed. */
export const repeated = (beat: Beat): Beat => ({ ...withoutRetry(beat), repeated: true });

function withTokens(beat: Beat, call: "decision" | "main", usage: TokenUsage | undefined): Beat {
  return usage === undefined ? beat : { ...beat, tokens: { ...beat.tokens, [call]: usage } };
}

/**
 * Whether the beat has ended as an error without a repeat to follow. That is a `heartbeat.failed` (docs/contract.md §18).
 */
export const hasFailed = (beat: Beat): boolean =>
  beat.outcome === "error" && beat.retryAt === undefined && beat.repeated !== true;

/** A failed beat as facts for its event. The id is the same at every repeat. */
export const failureOf = (name: string, beat: Beat): Failure => ({
  id: `heartbeat-${beat.id}.failed`,
  at: beat.finishedAt ?? beat.lastAt,
  message: `The heartbeat "${name}" failed: ${cutUtf8(beat.error ?? "unknown", MAX_EVENT_ERROR_BYTES).text.replace(/[\s\p{Cc}]+/gu, " ")}`,
});

type Failure = { readonly id: string; readonly at: number; readonly message: string };

/** The beat as clients see it. */
export function beatView(beat: Beat): BeatView {
  return {
    id: beat.id,
    trigger: beat.trigger,
    status: isInProgress(beat) ? "running" : "ended",
    ...defined("outcome", beat.outcome),
    ...defined("reason", beat.reason || undefined),
    ...defined("decision", beat.decision),
    ...defined("decision_text", beat.decisionText),
    ...defined("answer", beat.answer),
    ...defined("answer_truncated", beat.answerTruncated),
    ...defined("error", beat.error),
    ...(beat.notified === undefined ? {} : { notified: [...beat.notified] }),
    ...defined("tokens", beat.tokens),
    scheduled_at: formatInstant(beat.dueAt),
    started_at: formatInstant(beat.startedAt),
    ...(beat.finishedAt === undefined ? {} : { finished_at: formatInstant(beat.finishedAt) }),
    ...(beat.finishedAt === undefined || beat.count > 1
      ? {}
      : { duration: formatDuration(beat.finishedAt - beat.startedAt) }),
    attempt: beat.attempt,
    ...defined("retry_of", beat.retryOf),
    ...(beat.retryAt === undefined ? {} : { next_attempt_at: formatInstant(beat.retryAt) }),
    ...defined("missed", beat.missed),
    ...(beat.count > 1
      ? { count: beat.count, first_at: formatInstant(beat.startedAt), last_at: formatInstant(beat.lastAt) }
      : {}),
  };
}

const defined = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
