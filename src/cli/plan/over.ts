/** Whether a schedule of a job file is over: an `at`, an `ends_at` or an UNTIL that has passed. */
import { checkFuture } from "../../domain/time/check-future.ts";
import { compileSchedule } from "../../domain/time/compile-schedule.ts";
import { bindFires } from "../../domain/time/fires.ts";
import { ScheduleSpec } from "../../schema/schedule.ts";

/**
 * Whether `schedule` fired before `now` (epoch ms) and will not fire any more. A schedule that is wrong or never fires is
 * not over, since the service explains its fault.
 */
export function isOverAt(schedule: unknown, now: number): boolean {
  const spec = ScheduleSpec.safeParse(schedule).data;
  if (spec === undefined || spec.in !== undefined) return false;
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok || checkFuture(compiled.value, now, now).length === 0) return false;
  return bindFires(compiled.value, { anchorAt: 0 }).last(now) !== null;
}
