/** From a recurrence rule that has been read to its due times in a zone (docs/contract.md §13). */
import { onCalendar, reachedAt } from "./daylight-saving.ts";
import { outside, type Recurrence, union, within } from "./recurrence.ts";
import { ruleCalendar } from "./rrule-calendar.ts";
import type { RecurrenceRule, RuleTime } from "./rrule-parts.ts";
import { realTimeRule } from "./rrule-real-time.ts";
import { offsetAt } from "./zone.ts";

/**
 * Whether the rule counts real time. Rules of whole days are at fixed local times, like a cron with fixed minute and hour.
 */
export const isRealTime = ({ freq }: RecurrenceRule): boolean => freq === "HOURLY" || freq === "MINUTELY";

/** The due times of a rule. `start` is DTSTART in epoch ms. It is due itself only if the rule names it. */
export function ruleRecurrence(rule: RecurrenceRule, start: number, timeZone: string): Recurrence {
  const instantOf = (time: RuleTime): number => ("utc" in time ? time.utc : reachedAt(timeZone, time.local));
  const unbounded = isRealTime(rule)
    ? realTimeRule(rule, start, timeZone)
    : onCalendar(ruleCalendar(rule, start + offsetAt(timeZone, start)), "fixed-time", timeZone);
  const ruled =
    rule.until === undefined ? unbounded : within(unbounded, Number.NEGATIVE_INFINITY, instantOf(rule.until));
  const all = rule.also.length === 0 ? ruled : union(ruled, rule.also.map(instantOf));
  if (rule.except.length === 0) return all;
  const except = new Set(rule.except.map(instantOf));
  return outside(all, (at) => (except.has(at) ? { from: at, to: at + 1 } : undefined));
}
