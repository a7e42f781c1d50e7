/** A recurrence rule in words (docs/contract.md §13). If the start is not known, the words say which parts depend on it. */
import { HOUR_MS, MINUTE_MS } from "../../schema/limits.ts";
import { formatInstant } from "./instant.ts";
import { isRealTime } from "./rrule.ts";
import { timesOfDay } from "./rrule-calendar.ts";
import { DAY_MS, dateOf, withStartDays } from "./rrule-days.ts";
import type { RecurrenceRule, RuleTime } from "./rrule-parts.ts";
import { clock, counted, hourName, listed, months, ordinal, runs, WEEKDAY_NAMES, weekdays } from "./words.ts";

const UNITS = {
  MINUTELY: "minute",
  HOURLY: "hour",
  DAILY: "day",
  WEEKLY: "week",
  MONTHLY: "month",
  YEARLY: "year",
} as const;
const UNKNOWN = "of the job's creation";

/** `Every 2 weeks, on Tuesday, at 14:00`. `start` is DTSTART as a local time (see `zone.ts`), if it is given. */
export function describeRule(given: RecurrenceRule, start: number | undefined): string {
  const rule = start === undefined ? given : withStartDays(given, dateOf(Math.floor(start / DAY_MS)));
  const unit = UNITS[rule.freq];
  const clauses = [rule.interval === 1 ? `Every ${unit}` : `Every ${rule.interval} ${unit}s`];
  clauses.push(...daysOf(rule));
  if (rule.byMonth !== undefined) clauses.push(`in ${months(rule.byMonth)}`);
  clauses.push(...(isRealTime(rule) ? hoursOf(rule) : [timeOf(rule, start)]));
  if (rule.weekStart !== MONDAY && countsWeeks(rule))
    clauses.push(`weeks beginning on ${WEEKDAY_NAMES[rule.weekStart]}`);
  if (rule.bySetPos !== undefined)
    clauses.push(`of these only the ${listed(rule.bySetPos.map(ordinal))} of each ${unit}`);
  if (rule.count !== undefined) clauses.push(counted(rule.count, "time"));
  if (rule.until !== undefined) clauses.push(`until ${shown(rule.until)}`);
  if (rule.also.length > 0) clauses.push(`and also at ${listed(rule.also.map(shown))}`);
  if (rule.except.length > 0) clauses.push(`except at ${listed(rule.except.map(shown))}`);
  return clauses.join(", ");
}

const MONDAY = 1;
/** The most times of day that are listed. More are described by minutes and hours. */
const MAX_TIMES = 24;

/** Whether it matters on which day a week begins. */
const countsWeeks = ({ freq, interval, byWeekNo, bySetPos }: RecurrenceRule): boolean =>
  byWeekNo !== undefined || (freq === "WEEKLY" && (interval > 1 || bySetPos !== undefined));

/** A local time without an offset, or a UTC one. */
const shown = (time: RuleTime): string =>
  "utc" in time ? formatInstant(time.utc) : new Date(time.local).toISOString().slice(0, 19);

function daysOf({ freq, byDay, byMonth, byMonthDay, byYearDay, byWeekNo }: RecurrenceRule): string[] {
  const clauses: string[] = [];
  if (byMonthDay !== undefined) clauses.push(`on ${fromEitherEnd(byMonthDay, "day", "of the month")}`);
  if (byYearDay !== undefined) clauses.push(`on ${fromEitherEnd(byYearDay, "day", "of the year")}`);
  if (byDay !== undefined) {
    const plain = byDay.filter(({ nth }) => nth === undefined).map(({ weekday }) => weekday);
    // A numbered weekday counts within the year only if no months are named. Readers would not guess that, so the words say
    // it.
    const of = freq !== "YEARLY" ? "" : byMonth === undefined ? " of the year" : " of the month";
    const names = byDay.flatMap(({ nth, weekday }) =>
      nth === undefined ? [] : [`the ${ordinal(nth)} ${WEEKDAY_NAMES[weekday]}${of}`],
    );
    const all = listed([...(plain.length === 0 ? [] : [weekdays(plain)]), ...names]);
    // A weekday beside a day of the month or year narrows it, since both must hold.
    clauses.push(clauses.length === 0 ? `on ${all}` : `where it is ${all}`);
  }
  if (byWeekNo !== undefined) clauses.push(`in ${fromEitherEnd(byWeekNo, "week", "of the year")}`);
  if (clauses.length > 0 || freq === "DAILY" || freq === "HOURLY" || freq === "MINUTELY") return clauses;
  return [freq === "WEEKLY" ? `on the weekday ${UNKNOWN}` : `on the day ${UNKNOWN}`];
}

function fromEitherEnd(values: readonly number[], unit: string, of: string): string {
  const forwards = values.filter((value) => value > 0);
  const parts = values.filter((value) => value < 0).map((value) => `the ${ordinal(value)} ${unit}`);
  if (forwards.length > 0) parts.unshift(`${unit}${forwards.length === 1 ? "" : "s"} ${runs(forwards, String)}`);
  return `${listed(parts)} ${of}`;
}

function timeOf(rule: RecurrenceRule, start: number | undefined): string {
  const named = rule.byHour !== undefined && rule.byMinute !== undefined;
  if (start === undefined && !named) {
    if (rule.byHour !== undefined)
      return `in the hour ${listed(rule.byHour.map(hourName), "and")}, at the minute ${UNKNOWN}`;
    if (rule.byMinute !== undefined) return `at minute ${listed(rule.byMinute.map(String))} of the hour ${UNKNOWN}`;
    return `at the time of day ${UNKNOWN}`;
  }
  const startOfDay = start === undefined ? 0 : start - Math.floor(start / DAY_MS) * DAY_MS;
  const times = timesOfDay(rule, startOfDay);
  if (times.length <= MAX_TIMES) return `at ${listed(times.map(clock))}`;
  // The hours, minutes and seconds say the same in fewer words, since all of them combine.
  const [first = 0] = times;
  const own = { byHour: [Math.floor(first / HOUR_MS)], byMinute: [Math.floor(first / MINUTE_MS) % 60] };
  return hoursOf({ ...own, ...rule, freq: "HOURLY" }).join(", ");
}

function hoursOf({ freq, byHour, byMinute, bySecond }: RecurrenceRule): string[] {
  const clauses: string[] = [];
  if (byMinute !== undefined)
    clauses.push(`at minute${byMinute.length === 1 ? "" : "s"} ${runs(byMinute, String)} of the hour`);
  else if (freq === "HOURLY") clauses.push("at the minute of its start");
  if (bySecond !== undefined)
    clauses.push(`at second${bySecond.length === 1 ? "" : "s"} ${runs(bySecond, String)} of the minute`);
  if (byHour !== undefined) clauses.push(`in the hour${byHour.length === 1 ? "" : "s"} ${runs(byHour, hourName)}`);
  return clauses;
}
