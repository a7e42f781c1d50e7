/** Changes of a run by calls from outside: complete, progress, cancel, claim, release. Pure steps over the job's state. */
import type { CompleteBody, Progress } from "../../schema/run.ts";
import type { Cursor, JobRecord } from "../job/job.ts";
import { claimRun, type Lease, releaseRun } from "./claim.ts";
import { readControl } from "./control.ts";
import { countEnded } from "./new-run.ts";
import { rulesOf } from "./rules.ts";
import { cancelRun, completeRun, progressRun, type Run } from "./run.ts";
import { steer } from "./steer.ts";
import type { TickState } from "./tick.ts";

/** The call's change, and the run after the change. */
export type RunChanged = {
  readonly run: Run;
  readonly runs: readonly Run[];
  readonly cursor: Cursor;
  readonly record: JobRecord;
};

/** The agent reports the end of a run, and may steer its job with `control`. */
export function changeByCompletion(state: TickState, run: Run, body: CompleteBody, now: number): RunChanged {
  const ended = ending(state, completeRun(run, body, now));
  if (body.control === undefined || body.control === null) return ended;
  const steered = steer(state.job, ended, ended.run, readControl(body.control), now);
  const runs = steered.skipped === undefined ? [steered.run] : [steered.run, steered.skipped];
  return { run: steered.run, runs, cursor: steered.cursor, record: steered.record };
}

/** A client stops a run. */
export const changeByCancel = (state: TickState, run: Run, now: number): RunChanged =>
  ending(state, cancelRun(run, now));

/** The agent reports progress of a run. */
export const changeByProgress = (state: TickState, run: Run, progress: Progress, now: number): RunChanged =>
  goingOn(state, progressRun(run, progress, rulesOf(state.job), now));

/** An agent takes the run out of its mailbox. */
export const changeByClaim = (state: TickState, run: Run, lease: Lease, now: number): RunChanged =>
  goingOn(state, claimRun(run, lease, rulesOf(state.job), now));

/** The agent gives the run back. */
export const changeByRelease = (state: TickState, run: Run, now: number): RunChanged =>
  goingOn(state, releaseRun(run, now));

const goingOn = ({ cursor, record }: TickState, run: Run): RunChanged => ({ run, runs: [run], cursor, record });

const ending = ({ record, cursor }: TickState, run: Run): RunChanged => ({
  run,
  runs: [run],
  cursor: countEnded(cursor, run),
  record,
});
