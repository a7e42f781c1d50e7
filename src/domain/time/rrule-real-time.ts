/**
 * Rules of HOURLY and MINUTELY: they count real time from their start, through clock changes, and the BY parts narrow it
 * by what the zone's clocks show. So `FREQ=HOURLY;INTERVAL=6` comes every six hours, also on a day of 23 or 25.
 */
import { firstOf, type Recurrence } from "./recurrence.ts";
import { pick } from "./rrule-calendar.ts";
import { DAY_MS, namesDay } from "./rrule-days.ts";
import type { RecurrenceRule } from "./rrule-parts.ts";
import { offsetAt } from "./zone.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
/** A rule that has no time in so many steps is taken to have none: some fifty years of days that it does not name. */
const MAX_STEPS = 20_000;

/** The recurrence of a rule that starts at the instant `start`; EXDATE, RDATE and UNTIL are left out. */
export function realTimeRule(rule: RecurrenceRule, start: number, timeZone: string): Recurrence {
  const unit = rule.freq === "HOURLY" ? HOUR_MS : MINUTE_MS;
  const step = unit * rule.interval;
  const intoUnit = (start + offsetAt(timeZone, start)) % unit;
  const origin = start - intoUnit;
  const offsets = offsetsIn(rule, intoUnit);

  const isNamed = (local: number): boolean =>
    namesHour(rule, local) && namesMinute(rule, local) && namesDay(rule, Math.floor(local / DAY_MS));
  /** The rule's instants in its nth slot, none before the start. */
  const instantsIn = (nth: number): number[] => {
    const named = offsets.map((ms) => origin + nth * step + ms).filter((at) => isNamed(at + offsetAt(timeZone, at)));
    return pick(named, rule.bySetPos).filter((at) => at >= start);
  };
  const nthOf = (at: number) => Math.floor((at - origin) / step);

  const unbounded: Recurrence = {
    next(after) {
      let nth = Math.max(0, nthOf(after));
      for (let steps = 0; steps < MAX_STEPS; steps++) {
        const match = instantsIn(nth).find((at) => at > after);
        if (match !== undefined) return match;
        const ahead = nthOf(nextNamed(rule, origin + nth * step, timeZone));
        nth = Math.max(nth + 1, ahead);
      }
      return null;
    },
    last(until) {
      let nth = nthOf(until);
      for (let steps = 0; nth >= 0 && steps < MAX_STEPS; steps++) {
        const match = instantsIn(nth).findLast((at) => at <= until);
        if (match !== undefined) return match;
        const behind = nthOf(lastNamed(rule, origin + nth * step, timeZone));
        nth = Math.min(nth - 1, behind);
      }
      return null;
    },
  };
  return rule.count === undefined ? unbounded : firstOf(unbounded, start, rule.count);
}

/** The instants of a slot as ms after its beginning; what the rule does not name is that of its start. */
function offsetsIn({ freq, byMinute, bySecond }: RecurrenceRule, intoUnit: number): readonly number[] {
  const seconds = bySecond?.map((second) => second * 1_000) ?? [intoUnit % MINUTE_MS];
  if (freq === "MINUTELY") return seconds;
  const minutes = byMinute ?? [Math.floor(intoUnit / MINUTE_MS)];
  return minutes.flatMap((minute) => seconds.map((ms) => minute * MINUTE_MS + ms));
}

const namesHour = ({ byHour }: RecurrenceRule, local: number): boolean =>
  byHour === undefined || byHour.includes(Math.floor(local / HOUR_MS) % 24);

const namesMinute = ({ freq, byMinute }: RecurrenceRule, local: number): boolean =>
  freq === "HOURLY" || byMinute === undefined || byMinute.includes(Math.floor(local / MINUTE_MS) % 60);

/** An instant after `at` before which the rule names nothing: the end of a day or hour that it leaves out, else `at`. */
function nextNamed(rule: RecurrenceRule, at: number, timeZone: string): number {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  const unnamed = unnamedSpan(rule, local);
  if (unnamed === undefined) return at;
  const end = at + unnamed.to - local;
  // Across a clock change the end of the day is another instant: the hours around it are walked.
  return offsetAt(timeZone, end) === offset ? end : at;
}

/** An instant before `at` after which the rule names nothing, else `at`. */
function lastNamed(rule: RecurrenceRule, at: number, timeZone: string): number {
  const offset = offsetAt(timeZone, at);
  const local = at + offset;
  const unnamed = unnamedSpan(rule, local);
  if (unnamed === undefined) return at;
  const begin = at + unnamed.from - local - 1;
  return offsetAt(timeZone, begin) === offset ? begin : at;
}

/** The local day, or else the hour, around `local` that the rule leaves out; undefined where it leaves neither out. */
function unnamedSpan(rule: RecurrenceRule, local: number): { readonly from: number; readonly to: number } | undefined {
  const day = Math.floor(local / DAY_MS);
  if (!namesDay(rule, day)) return { from: day * DAY_MS, to: (day + 1) * DAY_MS };
  const hour = Math.floor(local / HOUR_MS);
  return namesHour(rule, local) ? undefined : { from: hour * HOUR_MS, to: (hour + 1) * HOUR_MS };
}
