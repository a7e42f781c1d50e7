/**
 * How calls from outside change a job: patch, ensure, pause, resume, run now, backfill. Pure steps over the job's state;
 * the Job object records what they return. Each answers with a failure or with what changes.
 */
import type { JobInput } from "../../schema/job.ts";
import { MAX_BACKFILL_FIRES } from "../../schema/limits.ts";
import { invalid, type Outcome } from "../failure.ts";
import { err, ok } from "../result.ts";
import { openRun } from "../run/new-run.ts";
import type { Run } from "../run/run.ts";
import { manualRunId } from "../run/run-id.ts";
import { isOver, type TickState } from "../run/tick.ts";
import { sameSchedule } from "../time/compile-schedule.ts";
import { parseInstant } from "../time/instant.ts";
import type { Schedule } from "../time/schedule.ts";
import { type Caller, refuseForeignForm } from "./access.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, ownerOf, patchDefinition } from "./definition.ts";
import { type Cursor, firesOf, type JobRecord, nextDueAt, stateOf } from "./job.ts";

/** What a call changes; nothing where it asks for what is so already. */
export type JobChange = { readonly record?: JobRecord; readonly cursor?: Cursor; readonly runs?: readonly Run[] };

const NO_CHANGE: JobChange = {};

/** Whether the change makes the job count for an owner that it does not count for yet: it moves there, or was finished (MAX_JOBS_PER_OWNER). */
export function countsAnew(before: JobRecord, { record }: JobChange): boolean {
  if (record === undefined || stateOf(record) === "finished") return false;
  return stateOf(before) === "finished" || ownerOf(record.definition) !== ownerOf(before.definition);
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
  const defined = defineJob(input);
  if (!defined.ok) return defined;
  const { record, cursor } = state;
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
  const { finishedAt, pausedReason, ...rest } = record;
  const changed: JobRecord = {
    ...rest,
    ...(finishedAt !== undefined && !moved ? { finishedAt } : {}),
    ...(pausedReason !== undefined && !switched ? { pausedReason } : {}),
    definition: next.definition,
    version: record.version + 1,
    updatedAt: now,
    anchorAt: moved ? now : record.anchorAt,
  };
  if (!moved && !switched) return ok({ record: changed });
  if (changed.finishedAt !== undefined) return ok({ record: changed });
  const fires = moved ? 0 : cursor.fires;
  return ok(withNextFire(state, next, changed, fires, now));
}

/** The changed job with its next fire from now; one that has none left, and nothing running or waiting, is finished. */
function withNextFire(state: TickState, job: CompiledJob, record: JobRecord, fires: number, now: number): JobChange {
  const cursor = { ...state.cursor, fires, nextDueAt: nextDueAt(job, record, fires, now) };
  return { record: isOver({ ...state, record, cursor }) ? { ...record, finishedAt: now } : record, cursor };
}

/** Pause and resume: idempotent; a finished job stays finished. Resume computes the next fire from now. */
export function changeEnabled(state: TickState, enabled: boolean, now: number): JobChange {
  const { record } = state;
  if (stateOf(record) === "finished" || record.definition.enabled === enabled) return NO_CHANGE;
  const { pausedReason: _reason, ...rest } = record;
  const changed: JobRecord = {
    ...rest,
    definition: { ...record.definition, enabled },
    version: record.version + 1,
    updatedAt: now,
  };
  const job: CompiledJob = { ...state.job, definition: changed.definition };
  return withNextFire(state, job, changed, state.cursor.fires, now);
}

/** Run now, also when paused; refused while a run is active, and once the job has finished. The schedule does not move. */
export function changeByRunNow(
  state: TickState,
  nonce: string,
  now: number,
): Outcome<JobChange & { readonly run: Run }> {
  const { record, cursor, active } = state;
  if (record.finishedAt !== undefined) return err({ kind: "job_finished" });
  const [running] = active;
  if (running !== undefined) return err({ kind: "job_already_running", run_id: running.id });
  const opened = openRun(
    record,
    cursor,
    { id: manualRunId(record.id, now, nonce), trigger: "manual", dueAt: now },
    now,
  );
  return ok({ runs: [opened.run], cursor: opened.cursor, run: opened.run });
}

/** Queues the fires that were due in a past window, to be run one after the other. */
export function changeByBackfill(
  state: TickState,
  window: { readonly from: string; readonly to: string },
  now: number,
): Outcome<JobChange & { readonly count: number }> {
  const { record, job } = state;
  if (record.finishedAt !== undefined) return err({ kind: "job_finished" });
  if (job.definition.exec_scope === "all_users") {
    return invalid([{ path: "from", message: "an all_users job cannot be backfilled; use POST …/run" }]);
  }
  const from = parseInstant(window.from);
  const to = parseInstant(window.to);
  if (!from.ok || !to.ok) {
    return invalid([
      ...(from.ok ? [] : [{ path: "from", message: from.error }]),
      ...(to.ok ? [] : [{ path: "to", message: to.error }]),
    ]);
  }
  if (from.value > to.value) return invalid([{ path: "from", message: "must not be after `to`" }]);
  if (to.value > now)
    return invalid([{ path: "to", message: "must not be in the future: only past fires can be backfilled" }]);
  const anchorAt = anchorBefore(job.schedule, record.anchorAt, from.value);
  const due = firesOf(job, { ...record, anchorAt }).between(from.value, to.value, MAX_BACKFILL_FIRES + 1);
  if (due.length > MAX_BACKFILL_FIRES) {
    return invalid(
      [{ path: "to", message: `the window holds more than ${MAX_BACKFILL_FIRES} fires` }],
      "Backfill it in smaller windows, one after the other.",
    );
  }
  const queued = record.backfills.reduce((sum, backfill) => sum + backfill.due.length, 0);
  if (queued + due.length > MAX_BACKFILL_FIRES) {
    return invalid(
      [
        {
          path: "to",
          message: `${queued} backfilled fires are still waiting; together they would be more than ${MAX_BACKFILL_FIRES}`,
        },
      ],
      "Wait until the earlier backfill has run.",
    );
  }
  if (due.length === 0) return ok({ count: 0 });
  const no = record.backfillCount + 1;
  return ok({
    record: { ...record, backfillCount: no, backfills: [...record.backfills, { no, due }] },
    count: due.length,
  });
}

/** A backfill may reach back beyond the job's creation: the grid of `every` goes on into the past in the same phase. */
function anchorBefore({ timing, jitterMs }: Schedule, anchorAt: number, from: number): number {
  const first = from - jitterMs;
  if (timing.kind !== "every" || first > anchorAt) return anchorAt;
  return anchorAt - (Math.ceil((anchorAt - first) / timing.everyMs) + 1) * timing.everyMs;
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
