/** The faults that a schedule can have when it is set: its time is over, or it never fires. */
import type { FieldError } from "../failure.ts";
import { bindFires } from "./fires.ts";
import { formatInstant, MAX_INSTANT } from "./instant.ts";
import type { Schedule } from "./schedule.ts";

const DAY_MS = 86_400_000;

/**
 * Checks that a fire is still to come. `anchorAt` is the anchor the job would get; `now` is epoch ms. The result is empty
 * if all is well. A manual schedule needs no fire.
 */
export function checkFuture(schedule: Schedule, anchorAt: number, now: number): FieldError[] {
  const { timing, startsAt, endsAt, exclusions } = schedule;
  const wrong = (field: string, message: string): FieldError[] => [{ path: `schedule${field}`, message }];
  const isNow = `it is ${formatInstant(now)}`;
  if (timing.kind === "manual") return [];
  if (timing.kind === "at" && timing.at <= now) {
    const later = `e.g. {"at": "${formatInstant(now + DAY_MS)}"}, or a delay, e.g. {"in": "20m"}`;
    return wrong(".at", `${formatInstant(timing.at)} is not in the future (${isNow}); give a later time, ${later}`);
  }
  if (endsAt <= now) {
    return wrong(".ends_at", `${formatInstant(endsAt)} is in the past (${isNow}); give a later time or leave it out`);
  }
  if (bindFires(schedule, { anchorAt }).next(now) !== null) return [];
  const from = formatInstant(Math.max(now, startsAt ?? now));
  if (exclusions.length > 0) {
    return wrong(".exclude", `everything after ${from} is excluded, so the schedule never fires; exclude less`);
  }
  if (timing.kind === "rrule") {
    const begin = formatInstant(startsAt ?? anchorAt);
    return wrong(
      ".rrule",
      `the rule never fires after ${from}: no such time comes, or COUNT, UNTIL or ends_at ends it before; it begins at ${begin}, for another beginning give a later schedule.starts_at`,
    );
  }
  const window = endsAt === MAX_INSTANT ? `after ${from}` : `between ${from} and ends_at (${formatInstant(endsAt)})`;
  return wrong("", `the schedule never fires ${window}; widen starts_at and ends_at or change its times`);
}
