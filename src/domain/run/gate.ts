/**
 * The one gate in front of every run (docs/contract.md §3, §13, §19). Every way to start a run asks here first. So a new
 * way adds a name to {@link Start} and no rule of its own. Pure.
 */
import type { Cursor, JobRecord } from "../job/job.ts";
import { dayOf, explainUsedUp, usedUp } from "./budget.ts";

/**
 * The ways in which a run starts. It is due, comes from a queue, is for a fan-out's user, is a retry, or is for a client.
 */
export type Start = "due" | "buffered" | "backfill" | "user" | "retry" | "manual" | "event";

/** The obstacles to a run, in the order in which they are checked. */
export type Obstacle = "finished" | "paused" | "held" | "budget";

export type GateState = {
  readonly record: Pick<JobRecord, "finishedAt" | "definition">;
  readonly cursor: { readonly spent?: Cursor["spent"] | undefined };
  /** Why nothing fires at present (`MODE`, `USER_JOBS`), if that is so. */
  readonly held?: string | undefined;
};

export type GateVerdict =
  | { readonly may: true }
  /** `reason` is the text of the skipped run that a fire leaves. */
  | { readonly may: false; readonly why: Obstacle; readonly reason: string };

/**
 * The obstacles that stop each way of starting. A retry continues a run that has begun. A client that asks for a run gets
 * one even while the job is paused or held.
 */
const STOPPED_BY: Readonly<Record<Start, readonly Obstacle[]>> = {
  due: ["finished", "paused", "held", "budget"],
  buffered: ["finished", "paused", "held", "budget"],
  backfill: ["finished", "paused", "held", "budget"],
  user: ["held", "budget"],
  event: ["finished", "paused", "held", "budget"],
  manual: ["finished", "budget"],
  retry: [],
};

const OPEN: GateVerdict = { may: true };

/** Whether a run may start in this way at `now` (epoch ms). If not, the first obstacle is the answer. */
export function mayStart(start: Start, state: GateState, now: number): GateVerdict {
  for (const obstacle of STOPPED_BY[start]) {
    const reason = obstacleIn(obstacle, state, now);
    if (reason !== undefined) return { may: false, why: obstacle, reason };
  }
  return OPEN;
}

function obstacleIn(obstacle: Obstacle, { record, cursor, held }: GateState, now: number): string | undefined {
  switch (obstacle) {
    case "finished":
      return record.finishedAt === undefined ? undefined : "skipped: the job is finished";
    case "paused":
      return record.definition.enabled ? undefined : "skipped: the job was paused while this fire waited";
    case "held":
      return held;
    case "budget":
      return overBudget(record.definition, cursor.spent, now);
  }
}

function overBudget(
  { budget, schedule }: JobRecord["definition"],
  spent: Cursor["spent"],
  now: number,
): string | undefined {
  if (budget === undefined) return undefined;
  const [first] = usedUp(budget, spent, dayOf(schedule, now));
  return first === undefined ? undefined : explainUsedUp(first);
}
