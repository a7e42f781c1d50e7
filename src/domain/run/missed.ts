/**
 * The rule for fires that came due while nothing could run (docs/contract.md §3): they become one, the latest. It
 * runs if it lies within the catch-up window, and is otherwise skipped with the count. Pure.
 */
import type { CompiledJob } from "../job/definition.ts";
import { formatDuration } from "../time/duration.ts";
import type { Fires } from "../time/fires.ts";

/** The delay up to which a single fire counts as a late alarm and not as a missed fire. It runs for any window. */
export const ON_TIME_GRACE_MS = 1_000;
/** The number of missed fires up to which they are counted. Beyond it the count is a lower bound. */
export const MAX_COUNTED_MISSES = 10_000;

export type MissedVerdict =
  | { readonly kind: "run"; readonly dueAt: number; readonly missed: number }
  | { readonly kind: "too_late"; readonly dueAt: number; readonly missed: number; readonly reason: string };

/**
 * @param fires the job's fires, `firesOf(job, record)`
 * @param firstDueAt the earliest due time not handled yet, at or before `now`
 * @returns the due time to answer now, and how many earlier ones it stands for
 */
export function decideMissed(
  job: Pick<CompiledJob, "catchupWindowMs" | "definition">,
  fires: Fires,
  firstDueAt: number,
  now: number,
): MissedVerdict {
  const dueAt = Math.max(firstDueAt, fires.last(now) ?? firstDueAt);
  const missed = dueAt === firstDueAt ? 0 : countMissed(fires, firstDueAt, dueAt);
  const late = now - dueAt;
  // Earlier missed fires mean that there was an outage. Then the window counts exactly. Otherwise the latest fire would run
  // or not by whether the outage happened to end within a second of it.
  const graceMs = missed === 0 ? ON_TIME_GRACE_MS : 0;
  if (late <= Math.max(job.catchupWindowMs, graceMs)) return { kind: "run", dueAt, missed };
  const howMany = missed + 1 === 1 ? "1 fire" : `${missed + 1} fires`;
  return {
    kind: "too_late",
    dueAt,
    missed,
    reason: `missed: ${howMany} came due while Reveille could not run them; the latest is ${formatDuration(late)} late, beyond catchup_window ${job.definition.catchup_window}`,
  };
}

/**
 * The number of fires from `firstDueAt` up to but not including `dueAt`. If the agent chose the first fire, it is not part
 * of the schedule.
 */
function countMissed(fires: Fires, firstDueAt: number, dueAt: number): number {
  const chosen = fires.last(firstDueAt) === firstDueAt ? 0 : 1;
  return chosen + fires.count(firstDueAt - 1, dueAt - 1, MAX_COUNTED_MISSES);
}
