/**
 * How calls from outside change a job: patch, ensure, pause, resume, run now (backfill.ts has its own). Pure steps over the job's state;
 * the Job object records what they return. Each answers with a failure or with what changes.
 */
import type { JobInput } from "../../schema/job.ts";
import { type Failure, invalid, type Outcome } from "../failure.ts";
import { err, ok } from "../result.ts";
import { mayStart, type Start } from "../run/gate.ts";
import { beginRun } from "../run/new-run.ts";
import type { Run } from "../run/run.ts";
import { manualRunId } from "../run/run-id.ts";
import { isOver, type TickState } from "../run/tick.ts";
import { sameSchedule } from "../time/compile-schedule.ts";
import { type Caller, refuseForeignForm } from "./access.ts";
import { keepBuiltinLabel } from "./builtin-label.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, ownerOf, patchDefinition } from "./definition.ts";
import { aim, type Cursor, type JobRecord, stateOf } from "./job.ts";
import { dropBuffered, type Pause, pauseJob } from "./stop.ts";

/** What a call changes; nothing where it asks for what is so already. */
export type JobChange = { readonly record?: JobRecord; readonly cursor?: Cursor; readonly runs?: readonly Run[] };

const NO_CHANGE: JobChange = {};

/** Whether the change takes room of an owner's quota: the job moves to an owner, was finished, or fires more often. */
export function countsAnew(before: JobRecord, { record }: JobChange): boolean {
  if (record === undefined || stateOf(record) === "finished") return false;
  const firesMore = (record.rate ?? 0) > (before.rate ?? 0);
  return firesMore || stateOf(before) === "finished" || ownerOf(record.definition) !== ownerOf(before.definition);
}

/** A merge patch (CONTRACT.md §6): the schedule's anchor and next fire move only if the schedule itself changed. */
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

/** The definition as `PUT /v1/jobs/ensure` wants it; where `enabled` is not given, a paused job stays paused. */
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
    const ahead = checkScheduleAhead(next, now, now);
    if (!ahead.ok) return ahead;
  }
  const switched = next.definition.enabled !== record.definition.enabled;
  const { finishedAt, pausedReason, pausedBy, ...rest } = record;
  const changed: JobRecord = {
    ...rest,
    ...(finishedAt !== undefined && !moved ? { finishedAt } : {}),
    ...(pausedReason !== undefined && !switched ? { pausedReason } : {}),
    ...pausedByAfter(pausedBy, switched, next.definition.enabled),
    definition: next.definition,
    version: record.version + 1,
    updatedAt: now,
    anchorAt: moved ? now : record.anchorAt,
  };
  if (!moved && !switched) return ok({ record: changed });
  if (changed.finishedAt !== undefined) return ok({ record: changed });
  if (!moved) return ok(withNextFire(state, next, changed, cursor, now));
  // As a run of the new schedule a fire that waits would count against its `max_runs`.
  const dropped = dropBuffered(changed, cursor, "skipped: the schedule was changed while this fire waited", now);
  const after = withNextFire(state, next, dropped.record, { ...dropped.cursor, fires: 0 }, now);
  return ok(dropped.skipped === undefined ? after : { ...after, runs: [dropped.skipped] });
}

function pausedByAfter(
  before: JobRecord["pausedBy"],
  switched: boolean,
  enabled: boolean,
): Pick<JobRecord, "pausedBy"> {
  if (switched) return enabled ? {} : { pausedBy: "hand" };
  return before === undefined ? {} : { pausedBy: before };
}

/** The changed job with its next fire from now; one that has none left, and nothing running or waiting, is finished. */
function withNextFire(state: TickState, job: CompiledJob, record: JobRecord, before: Cursor, now: number) {
  const cursor = aim(job, record, before, now);
  return { record: isOver({ ...state, record, cursor }) ? { ...record, finishedAt: now } : record, cursor };
}

/** Pause, by hand or for a reason of Reveille's own. A paused job stays as it is. Errors: `job_finished`. */
export function changeByPause(state: TickState, pause: Pause, now: number): Outcome<JobChange> {
  const { record, cursor } = state;
  if (stateOf(record) === "finished") return err({ kind: "job_finished" });
  return ok(record.definition.enabled ? pauseJob(record, cursor, pause, now) : NO_CHANGE);
}

/** Resume: the next fire is computed from now. An active job stays as it is. Errors: `job_finished`. */
export function changeByResume(state: TickState, now: number): Outcome<JobChange> {
  const { record } = state;
  if (stateOf(record) === "finished") return err({ kind: "job_finished" });
  if (record.definition.enabled) return ok(NO_CHANGE);
  const { pausedReason: _reason, pausedBy: _by, ...rest } = record;
  const changed: JobRecord = {
    ...rest,
    definition: { ...record.definition, enabled: true },
    version: record.version + 1,
    updatedAt: now,
  };
  const job: CompiledJob = { ...state.job, definition: changed.definition };
  return ok(withNextFire(state, job, changed, state.cursor, now));
}

/** Why a client that asks for a run does not get one. A job that is held for the moment refuses nobody. */
export function refuseStart(start: Start, state: TickState, now: number): Failure | undefined {
  const gate = mayStart(start, state, now);
  if (gate.may || gate.why === "held") return undefined;
  if (gate.why === "finished") return { kind: "job_finished" };
  return gate.why === "paused" ? { kind: "job_paused" } : { kind: "budget_exceeded", reason: gate.reason };
}

/** Run now, also when paused; refused while a run is active, and once the job has finished. The schedule does not move. */
export function changeByRunNow(
  state: TickState,
  nonce: string,
  now: number,
): Outcome<JobChange & { readonly run: Run }> {
  const { record, cursor, active } = state;
  const refused = refuseStart("manual", state, now);
  if (refused !== undefined) return err(refused);
  const [running] = active;
  if (running !== undefined) return err({ kind: "job_already_running", run_id: running.id });
  const opened = beginRun(
    record,
    cursor,
    { id: manualRunId(record.id, now, nonce), trigger: "manual", dueAt: now },
    now,
  );
  return ok({ runs: [opened.run], cursor: opened.cursor, run: opened.run });
}

/** Whether two plain values are the same JSON, whatever the order of their keys. */
export const sameJson = (a: unknown, b: unknown): boolean => canonicalJson(a) === canonicalJson(b);

/** JSON with the keys of every object in order (after RFC 8785, for values that JSON.stringify can write). */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
