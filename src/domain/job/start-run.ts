/**
 * Starts of a run by a client: run now, retry, or an event (docs/contract.md §6, §13, §19). Pure steps over the job's
 * state.
 */
import { MAX_PAYLOAD_BYTES } from "../../schema/limits.ts";
import { Payload } from "../../schema/payload.ts";
import { type Failure, invalid, type Outcome } from "../failure.ts";
import { err, ok } from "../result.ts";
import { type GateState, mayStart, type Start } from "../run/gate.ts";
import { beginRun, countEnded, type RunCause, skipFire } from "../run/new-run.ts";
import { decideOverlap, REPLACED } from "../run/overlap.ts";
import { cancelRun, isActive, type Run, type RunInput } from "../run/run.ts";
import { eventRunId, manualRunId } from "../run/run-id.ts";
import { MAX_ACTIVE_RUNS, type TickState } from "../run/tick.ts";
import { mergePatch } from "./definition.ts";
import type { Cursor } from "./job.ts";
import type { JobChange } from "./job-change.ts";

/** A run that a call has started; `run` is new. */
export type RunStarted = JobChange & { readonly run: Run };

/** Why a client may not start a run, or undefined if it may. A job that is held for the moment still accepts it. */
export function refuseStart(start: Start, state: GateState, now: number): Failure | undefined {
  const gate = mayStart(start, state, now);
  if (gate.may || gate.why === "held") return undefined;
  if (gate.why === "finished") return { kind: "job_finished" };
  return gate.why === "paused" ? { kind: "job_paused" } : { kind: "budget_exceeded", reason: gate.reason };
}

/**
 * Runs the job now, even if it is paused. The schedule does not move. `input` is for this run only. Errors: `job_finished`,
 * `budget_exceeded`; `job_already_running` while a run is active.
 */
export const changeByRunNow = (state: TickState, input: RunInput, nonce: string, now: number): Outcome<RunStarted> =>
  startNow(state, { ...input, id: manualRunId(state.record.id, now, nonce), trigger: "manual", dueAt: now }, now);

/** The parts of a run that its repeat takes over. */
export type Repeated = Pick<Run, "id" | "dueAt" | "phase"> &
  RunInput & { readonly userId?: string | undefined; readonly seq?: number };

/**
 * Repeats an ended run with the input that it had. Errors: as {@link changeByRunNow}; `job_already_running` if the run has
 * not ended.
 */
export function changeByRetry(state: TickState, old: Repeated, nonce: string, now: number): Outcome<RunStarted> {
  if (old.phase !== "ended") return err({ kind: "job_already_running", run_id: old.id });
  const { dueAt, userId, seq = Number.POSITIVE_INFINITY } = old;
  // A run without its own message had the job's message of that time.
  const former = state.record.formerInputs?.find(({ untilSeq }) => seq <= untilSeq);
  const { message = former?.message, payload = former?.payload } = old;
  const id = manualRunId(state.record.id, now, nonce);
  return startNow(state, { id, trigger: "manual", dueAt, userId, message, payload, retryOf: old.id }, now);
}

function startNow(state: TickState, cause: RunCause, now: number): Outcome<RunStarted> {
  const refused = refuseStart("manual", state, now);
  if (refused !== undefined) return err(refused);
  const [running] = state.active;
  if (running !== undefined) return err({ kind: "job_already_running", run_id: running.id });
  const { run, cursor } = beginRun(state.record, state.cursor, cause, now);
  return ok({ runs: [run], cursor, run });
}

/** An event from outside: the `payload` of a trigger, or the body that was `posted` to the job's webhook. */
export type TriggerEvent = {
  readonly payload?: Payload | undefined;
  readonly posted?: { readonly event: unknown } | undefined;
};

export type TriggerContext = { readonly nonce: string; readonly held?: string | undefined; readonly now: number };

/** The effect of an event. `cancelled` are the runs that it replaced. */
export type Triggered = JobChange & {
  readonly runId: string;
  readonly status: "running" | "buffered" | "skipped";
  readonly cancelled: readonly string[];
};

/**
 * Starts a run for an event from outside. It obeys overlap, budget and mode. Errors: `job_finished`, `job_paused`,
 * `budget_exceeded`; `validation_failed` if the merged payload is too large.
 */
export function changeByTrigger(
  state: TickState,
  event: TriggerEvent,
  { nonce, held, now }: TriggerContext,
): Outcome<Triggered> {
  const { record, active } = state;
  const refused = refuseStart("event", { ...state, held }, now);
  if (refused !== undefined) return err(refused);
  const input = inputOfEvent(state, event);
  if (!input.ok) return input;
  const cause = { ...input.value, id: eventRunId(record.id, now, nonce), trigger: "event", dueAt: now } as const;
  if (held !== undefined) return ok(skip(state, cause, held, true, now));

  const verdict = decideOverlap(
    state.job.definition.overlap,
    active.length,
    record.buffered !== undefined,
    MAX_ACTIVE_RUNS,
  );
  switch (verdict.kind) {
    case "skip":
      return ok(skip(state, cause, verdict.reason, false, now));
    case "buffer": {
      const buffered = { dueAt: now, missed: 0, event: { id: cause.id, ...input.value } };
      return ok({ record: { ...record, buffered }, runId: cause.id, status: "buffered", cancelled: [] });
    }
    case "replace": {
      const replaced = active.filter(isActive).map((run) => cancelRun(run, now, REPLACED));
      return ok(start(state, cause, replaced, now));
    }
    case "start":
      return ok(start(state, cause, [], now));
  }
}

/** The agent's input: the event's payload merged over the job's own (RFC 7396), or a webhook's body unchanged. */
export function inputOfEvent(
  { record }: Pick<TickState, "record">,
  { payload, posted }: TriggerEvent,
): Outcome<{ readonly payload?: Payload }> {
  if (payload === undefined && posted === undefined) return ok({});
  const merged = mergePatch(record.definition.payload ?? {}, payload ?? {});
  const checked = Payload.safeParse(merged);
  // A webhook's body has its own bound besides the one of the job's payload.
  if (checked.success) {
    return ok({ payload: posted === undefined ? checked.data : { ...checked.data, event: posted.event } });
  }
  const message = `makes the job's payload larger than ${MAX_PAYLOAD_BYTES} bytes as JSON; send less, or a reference`;
  return invalid([{ path: "payload", message }]);
}

function start(state: TickState, cause: RunCause, replaced: readonly Run[], now: number): Triggered {
  const counted = replaced.reduce<Cursor>(countEnded, state.cursor);
  const { run, cursor } = beginRun(state.record, counted, cause, now);
  return {
    runs: [...replaced, run],
    cursor,
    runId: run.id,
    status: "running",
    cancelled: replaced.map(({ id }) => id),
  };
}

function skip(state: TickState, cause: RunCause, reason: string, held: boolean, now: number): Triggered {
  const { run, cursor } = skipFire(state.record, state.cursor, { ...cause, reason, held }, now);
  return { runs: [run], cursor, runId: run.id, status: "skipped", cancelled: [] };
}
