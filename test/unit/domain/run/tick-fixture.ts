import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import type { Run } from "../../../../src/domain/run/run.ts";
import {
  decideTick,
  type TickContext,
  type TickResult,
  type TickState,
  timersOf,
} from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";

export const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
export const NONE: ReadonlySet<string> = new Set();

export function job(fields: Record<string, unknown> = {}): TickState {
  const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" }, ...fields });
  const defined = defineJob(input);
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

export function tick(
  state: TickState,
  now: number,
  more: Partial<TickContext> = {},
): TickResult & { state: TickState } {
  const result = decideTick(state, { now, random: 0, inFlight: NONE, answers: new Map(), ...more });
  return { ...result, state: { ...state, ...result } };
}

export const answered = (run: Run | undefined, answer: AttemptOutcome) => ({
  answers: new Map([[run?.id ?? "", answer]]),
  inFlight: new Set([run?.id ?? ""]),
});
export const SUCCESS: AttemptOutcome = { kind: "success", httpStatus: 200 };
export const statuses = (runs: readonly Run[]) => runs.map((run) => run.status);
export const nextAlarm = (state: TickState, now: number, inFlight = NONE) =>
  Math.min(...timersOf(state, { now, inFlight }).map((timer) => timer.at));
