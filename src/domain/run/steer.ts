/** Applies an agent's control to its job (docs/contract.md §15). A pure step over the run, the record and the cursor. */
import { compact } from "../compact.ts";
import type { CompiledJob } from "../job/definition.ts";
import { type Cursor, type JobRecord, maxRunsUsed } from "../job/job.ts";
import { finishJob, pauseJob } from "../job/stop.ts";
import { formatInstant } from "../time/instant.ts";
import { addSpend, dayOf } from "./budget.ts";
import { type Control, type ControlFault, explainFaults, type Steering } from "./control.ts";
import type { Run } from "./run.ts";

export type Steered = {
  readonly record: JobRecord;
  readonly cursor: Cursor;
  /** The run, with the agent's control noted in it. */
  readonly run: Run;
  /** The trace of a waiting fire that was dropped. */
  readonly skipped?: Run;
};

/**
 * The job after `run` has ended with this control. A request that is not allowed changes nothing and is named in the run.
 */
export function steer(
  job: CompiledJob,
  before: { readonly record: JobRecord; readonly cursor: Cursor },
  run: Run,
  { control, faults }: Steering,
  now: number,
): Steered {
  const { costUsd, tokens } = control;
  const day = dayOf(before.record.definition.schedule, now);
  const spent =
    costUsd === undefined && tokens === undefined
      ? before.cursor.spent
      : addSpend(before.cursor.spent, { usd: costUsd ?? 0, tokens: tokens ?? 0 }, day);
  const paid = { ...before, cursor: spent === undefined ? before.cursor : { ...before.cursor, spent } };
  const moved = moveNext(job, paid, control, now);
  const withNote = note(run, control, [...faults, ...moved.faults]);
  const steered: Run = moved.nextAt === undefined ? withNote : { ...withNote, nextAt: moved.nextAt };
  return { ...end(paid.record, moved.cursor, control, now), run: steered };
}

/** A user's run of a fan-out with the agent's control noted in it. It does not steer the job for all users. */
export function noteControl(run: Run, { control, faults }: Steering): Run {
  return note(run, control, [...faults, ...steeringFaults(control)]);
}

function note(run: Run, { unchanged, costUsd, tokens }: Control, faults: readonly ControlFault[]): Run {
  return {
    ...run,
    ...(unchanged ? { unchanged } : {}),
    ...compact({ costUsd, tokens }),
    ...(faults.length === 0 ? {} : { controlError: explainFaults(faults) }),
  };
}

function steeringFaults({ next, done, pause }: Control): ControlFault[] {
  const fields = [next?.field, done ? "done" : undefined, pause === undefined ? undefined : "pause"];
  const problem = "one user's run of a fan-out does not steer the job of all users";
  return fields.flatMap((field) => (field === undefined ? [] : [{ field, problem }]));
}

/** Applies `done` and `pause`. If both are given, the job finishes and is not paused. */
function end(record: JobRecord, cursor: Cursor, { done, pause }: Control, now: number): Omit<Steered, "run"> {
  if (record.definition.exec_scope === "all_users" || record.finishedAt !== undefined) return { record, cursor };
  if (done) return finishJob(record, cursor, now);
  if (pause === undefined || !record.definition.enabled) return { record, cursor };
  return pauseJob(record, cursor, { by: "agent", reason: pause }, now);
}

type Moved = { readonly cursor: Cursor; readonly nextAt?: number; readonly faults: readonly ControlFault[] };

function moveNext(
  job: CompiledJob,
  { record, cursor }: { readonly record: JobRecord; readonly cursor: Cursor },
  control: Control,
  now: number,
): Moved {
  const { next } = control;
  if (record.definition.exec_scope === "all_users") return { cursor, faults: steeringFaults(control) };
  if (next === undefined) return { cursor, faults: [] };
  const refuse = (problem: string): Moved => ({ cursor, faults: [{ field: next.field, problem }] });
  const { pacing } = job;
  if (pacing === undefined) {
    return refuse('the job has no pacing; give it one, e.g. {"pacing": {"min": "1m", "max": "1d"}}');
  }
  if (record.finishedAt !== undefined || control.done) return refuse("the job is finished");
  if (!record.definition.enabled || control.pause !== undefined)
    return refuse("the job is paused; its next fire is computed when it is resumed");
  if (maxRunsUsed(record, cursor)) return refuse("max_runs of the schedule is used up");
  const wanted = next.field === "next_in" ? now + next.inMs : next.at;
  const at = Math.min(Math.max(wanted, now + pacing.minMs), now + pacing.maxMs);
  if (at > job.schedule.endsAt) {
    return refuse(`${formatInstant(at)} is after ends_at (${formatInstant(job.schedule.endsAt)})`);
  }
  const { exhausted: _exhausted, ...rest } = cursor;
  return { cursor: { ...rest, nextDueAt: at, chosenAt: at }, nextAt: at, faults: [] };
}
