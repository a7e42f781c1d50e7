/** The number of times that a recurrence rule can name, in one period of its frequency and in 24 hours. */
import type { RecurrenceRule } from "./rrule-parts.ts";

/** The most times in one period, and the parts that multiply them. */
export function timesInPeriod(rule: RecurrenceRule): { readonly times: number; readonly parts: readonly string[] } {
  const parts: [string, number][] = [
    ["BYHOUR", rule.freq === "HOURLY" || rule.freq === "MINUTELY" ? 1 : (rule.byHour?.length ?? 1)],
    ["BYMINUTE", rule.freq === "MINUTELY" ? 1 : (rule.byMinute?.length ?? 1)],
    ["BYSECOND", rule.bySecond?.length ?? 1],
    [dayPart(rule), daysInPeriod(rule)],
  ];
  const all = parts.reduce((product, [, size]) => product * size, 1);
  const picked = rule.bySetPos === undefined ? all : Math.min(all, rule.bySetPos.length);
  return { times: picked, parts: parts.filter(([, size]) => size > 1).map(([part]) => part) };
}

const dayPart = ({ byYearDay, byMonthDay, byDay }: RecurrenceRule): string =>
  byYearDay !== undefined
    ? "BYYEARDAY"
    : byMonthDay !== undefined
      ? "BYMONTHDAY"
      : byDay !== undefined
        ? "BYDAY"
        : "BYMONTH";

/** The most days in one period. A part that only narrows another one adds none. */
function daysInPeriod(rule: RecurrenceRule): number {
  const { freq, byDay, byMonthDay, byYearDay, byWeekNo, byMonth } = rule;
  if (freq !== "YEARLY" && freq !== "MONTHLY" && freq !== "WEEKLY") return 1;
  if (freq === "WEEKLY") return byDay?.length ?? 1;
  const months = freq === "YEARLY" ? (byMonth?.length ?? 12) : 1;
  if (byYearDay !== undefined) return byYearDay.length;
  if (byMonthDay !== undefined) return byMonthDay.length * months;
  if (byDay === undefined) return freq === "YEARLY" ? (byMonth?.length ?? 1) : 1;
  if (byWeekNo !== undefined) return byWeekNo.length * byDay.length;
  const inMonths = freq === "MONTHLY" || byMonth !== undefined;
  return byDay.reduce((sum, { nth }) => {
    if (nth !== undefined) return sum + (inMonths ? months : 1);
    return sum + (inMonths ? 5 * months : 53);
  }, 0);
}

/** The most times in 24 hours. */
export function timesInDay(rule: RecurrenceRule): number {
  const { freq, interval, byHour, byMinute, bySecond, bySetPos } = rule;
  const seconds = bySecond?.length ?? 1;
  if (freq === "MINUTELY") {
    const minutes = Math.min(Math.ceil(1_440 / interval), (byHour?.length ?? 24) * (byMinute?.length ?? 60));
    return minutes * Math.min(seconds, bySetPos?.length ?? seconds);
  }
  const inHour = (byMinute?.length ?? 1) * seconds;
  if (freq === "HOURLY") {
    return Math.min(Math.ceil(24 / interval), byHour?.length ?? 24) * Math.min(inHour, bySetPos?.length ?? inHour);
  }
  return (byHour?.length ?? 1) * inHour;
}
