/**
 * Changes of a job by calls from outside: patch, ensure, pause, resume. Starts of runs are in start-run.ts and backfill.ts.
 * Each is a pure step over the job's state and returns a failure or the change, which the Job object records.
 */
import type { JobInput } from "../../schema/job.ts";
import type { PauseBody } from "../../schema/run.ts";
import { compact } from "../compact.ts";
import { invalid, type Outcome } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import type { Run } from "../run/run.ts";
import { isOver, type TickState } from "../run/tick.ts";
import { sameSchedule } from "../time/compile-schedule.ts";
import { parseDuration } from "../time/duration.ts";
import { formatInstant, parseInstant } from "../time/instant.ts";
import { type Caller, refuseForeignForm } from "./access.ts";
import { keepBuiltinLabel } from "./builtin-label.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, ownerOf, patchDefinition } from "./definition.ts";
import { aimAgain, anchorOf, type Cursor, type JobRecord, stateOf } from "./job.ts";
import { type Dropped, dropBackfills, dropBuffered, pauseJob, resumeJob } from "./stop.ts";

/** A call's change of the job. A field is absent if it stays the same. */
export type JobChange = { readonly record?: JobRecord; readonly cursor?: Cursor; readonly runs?: readonly Run[] };

const NO_CHANGE: JobChange = {};

/**
 * Whether the change needs room in an owner's quota. It does if the job moves to another owner, was finished, or fires more
 * often.
 */
export function needsQuota(before: JobRecord, { record }: JobChange): boolean {
  if (record === undefined || stateOf(record) === "finished") return false;
  const firesMore = (record.rate ?? 0) > (before.rate ?? 0);
  return firesMore || stateOf(before) === "finished" || ownerOf(record.definition) !== ownerOf(before.definition);
}

/** Applies a merge patch (docs/contract.md §6). The anchor and the next fire move only if the schedule changed. */
export function changeByPatch(
  state: TickState,
  caller: Caller,
  patch: Readonly<Record<string, unknown>>,
  now: number,
): Outcome<JobChange> {
  const input = patchDefinition(state.record.definition, patch);
  if (!input.ok) return input;
  const refused = refuseForeignForm(caller, input.value);
  if (refused !== undefined) return err(refused);
  if ((input.value.owner_kind === "system") !== (state.record.definition.owner_kind === "system")) {
    return invalid([{ path: "owner_kind", message: 'cannot be changed from or to "system"; make another job' }]);
  }
  if (state.record.definition.owner_kind === "system" && input.value.name !== state.record.definition.name) {
    return invalid([
      { path: "name", message: "is what ensure finds a system job by, and cannot be changed; make another job" },
    ]);
  }
  return changeDefinition(state, input.value, now);
}

/** The definition as `PUT /v1/jobs/ensure` wants it. If `enabled` is not given, a paused job stays paused. */
export function changeByEnsure(
  state: TickState,
  input: JobInput,
  keepEnabled: boolean,
  now: number,
): Outcome<JobChange> {
  const enabled = keepEnabled ? state.record.definition.enabled : input.enabled;
  return changeDefinition(state, { ...input, enabled }, now);
}

function changeDefinition(state: TickState, input: JobInput, now: number): Outcome<JobChange> {
  const { record, cursor } = state;
  const defined = defineJob(keepBuiltinLabel(input, record.definition), { now });
  if (!defined.ok) return defined;
  const next = defined.value;
  if (sameJson(next.definition, record.definition)) return ok(NO_CHANGE);

  const moved =
    !sameSchedule(next.definition.schedule, record.definition.schedule) ||
    next.definition.exec_scope !== record.definition.exec_scope;
  if (moved) {
    const anchorAt = anchorOf(next.schedule, { anchorAt: now, createdAt: record.createdAt });
    const ahead = checkScheduleAhead(next, anchorAt, now);
    if (!ahead.ok) return ahead;
  }
  const switched = next.definition.enabled !== record.definition.enabled;
  const { finishedAt, pausedReason, pausedBy, resumeAt, ...rest } = record;
  const changed: JobRecord = {
    ...rest,
    ...(finishedAt !== undefined && !moved ? { finishedAt } : {}),
    ...(switched ? {} : compact({ pausedReason, resumeAt })),
    ...pausedByAfter(pausedBy, switched, next.definition.enabled),
    ...formerInputs(state, next),
    definition: next.definition,
    version: record.version + 1,
    updatedAt: now,
    anchorAt: moved ? now : record.anchorAt,
  };
  if (!moved && !switched) return ok({ record: changed });
  if (changed.finishedAt !== undefined) return ok({ record: changed });
  if (!moved) return ok(withNextFire(state, next, changed, cursor, now));
  const left = leaveBehind(changed, cursor, now);
  const { chosenAt: _chosenAt, ...moving } = left.cursor;
  const after = withNextFire(state, next, left.record, { ...moving, fires: 0 }, now);
  return ok(left.runs.length === 0 ? after : { ...after, runs: left.runs });
}

/**
 * Drops the waiting fires of the old schedule. They would count against `max_runs` of the new one, so they are skipped. An
 * accepted event waits on. A job for all users has no runs of its own, so nothing waits in it.
 */
function leaveBehind(record: JobRecord, cursor: Cursor, now: number) {
  const isForAll = record.definition.exec_scope === "all_users";
  const keepsEvent = record.buffered?.event !== undefined && !isForAll;
  const changed = "skipped: the schedule was changed while this fire waited";
  const first: Dropped = keepsEvent ? { record, cursor } : dropBuffered(record, cursor, changed, now);
  if (!isForAll) return { ...first, runs: tracesOf(first) };
  const last = dropBackfills(first.record, first.cursor, "skipped: the job runs for all users now", now);
  return { ...last, runs: tracesOf(first, last) };
}

const tracesOf = (...dropped: readonly Dropped[]): Run[] => dropped.flatMap(({ skipped }) => skipped ?? []);

/** The number of former messages that are kept. Each may be 64 KiB, and its payload as much. */
const MAX_FORMER_INPUTS = 3;

function formerInputs({ record, cursor }: TickState, { definition }: CompiledJob): Pick<JobRecord, "formerInputs"> {
  const { message, payload } = record.definition;
  if (message === definition.message && sameJson(payload ?? null, definition.payload ?? null)) return {};
  const former = { untilSeq: cursor.lastSeq, ...compact({ message, payload }) };
  return { formerInputs: [...(record.formerInputs ?? []), former].slice(-MAX_FORMER_INPUTS) };
}

function pausedByAfter(
  before: JobRecord["pausedBy"],
  switched: boolean,
  enabled: boolean,
): Pick<JobRecord, "pausedBy"> {
  if (switched) return enabled ? {} : { pausedBy: "hand" };
  return before === undefined ? {} : { pausedBy: before };
}

/** The changed job with its next fire from now. It is finished if it has no fire left and nothing runs or waits. */
function withNextFire(state: TickState, job: CompiledJob, record: JobRecord, before: Cursor, now: number) {
  const cursor = aimAgain(job, record, before, now);
  return { record: isOver({ ...state, record, cursor }) ? { ...record, finishedAt: now } : record, cursor };
}

/**
 * Pauses the job for a client. A paused job gets the reason and the end of this call. Without `until` it stays paused until
 * somebody resumes it. Errors: `job_finished`, `validation_failed`.
 */
export function changeByPause(state: TickState, body: PauseBody, now: number): Outcome<JobChange> {
  const { record, cursor } = state;
  if (stateOf(record) === "finished") return err({ kind: "job_finished" });
  const until = body.until === undefined ? ok(undefined) : readUntil(body.until, now);
  if (!until.ok) return invalid([{ path: "until", message: until.error }]);
  const pause = { by: "hand", reason: body.reason || undefined, until: until.value } as const;
  const { definition, pausedReason, resumeAt } = record;
  const isSame = !definition.enabled && pause.reason === pausedReason && pause.until === resumeAt;
  return ok(isSame ? NO_CHANGE : pauseJob(record, cursor, pause, now));
}

/** The time at which a pause ends, from an instant or a duration after `now`. Errors: a sentence. */
export function readUntil(text: string, now: number): Result<number, string> {
  const duration = parseDuration(text);
  const at = duration.ok ? ok(now + Math.round(duration.value)) : parseInstant(text);
  if (!at.ok) return err(`"${text}" is neither a duration such as "2h" nor a time such as "2027-01-15T14:30:00Z"`);
  return at.value > now ? at : err(`"${text}" is not in the future (it is ${formatInstant(now)})`);
}

/** Resumes the job. The next fire is computed from now. An active job stays as it is. Errors: `job_finished`. */
export function changeByResume(state: TickState, now: number): Outcome<JobChange> {
  const { job, record, cursor } = state;
  if (stateOf(record) === "finished") return err({ kind: "job_finished" });
  if (record.definition.enabled) return ok(NO_CHANGE);
  const resumed = resumeJob(job, record, cursor, { from: now, now });
  const over = isOver({ ...state, ...resumed });
  return ok(over ? { ...resumed, record: { ...resumed.record, finishedAt: now } } : resumed);
}

/** Whether two plain values are the same JSON. The order of keys does not matter. */
export const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

/** JSON with the keys of every object in order (after RFC 8785, for values that JSON.stringify can write). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
