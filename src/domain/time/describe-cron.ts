/**
 * A cron expression in words that mean exactly its fires. They come from its values and not from its text: minutes with the
 * step 45 are :00 and :45, which is not every 45 minutes. cronstrue goes by the text and gets this wrong.
 */
import type { CronExpression } from "./cron-syntax.ts";
import { clock, counted, hourName, listed, months, ordinal, runs, WEEKDAY_NAMES, weekdays } from "./words.ts";

const MINUTE_MS = 60_000;
/** The most times of day that are listed. More are described by minutes and hours. */
const MAX_TIMES = 12;

/** `At 09:00, Monday through Friday`. */
export function describeCron({ canonical }: Pick<CronExpression, "canonical">): string {
  const [minute = "*", hour = "*", day = "*", month = "*", weekday = "*"] = canonical.split(" ");
  const days = [...(day === "*" ? [] : [`on ${daysOfMonth(day)}`]), ...(weekday === "*" ? [] : [daysOfWeek(weekday)])];
  // If both day fields are restricted, a day that matches either one fires.
  const clauses = [timesOf(numbers(minute), numbers(hour)), days.join(" or ")];
  if (month !== "*") clauses.push(`in ${months(numbers(month) ?? [])}`);
  return clauses.filter((clause) => clause !== "").join(", ");
}

/** The values of a canonical field. Undefined if it is not restricted. */
function numbers(field: string): number[] | undefined {
  if (field === "*") return undefined;
  return field
    .split(",")
    .filter((item) => /^\d+$/.test(item))
    .map(Number);
}

function timesOf(minutes: readonly number[] | undefined, hours: readonly number[] | undefined): string {
  if (hours === undefined) return ofEveryHour(minutes);
  if (minutes !== undefined && minutes.length * hours.length <= MAX_TIMES) {
    const step = stepOf(hours, 24);
    if (minutes.length === 1 && step !== undefined && hours.length > 2)
      return everyFewHours(step, hours[0] ?? 0, minutes[0] ?? 0);
    return `At ${listed(hours.flatMap((hour) => minutes.map((minute) => clock((hour * 60 + minute) * MINUTE_MS))))}`;
  }
  const first = hours[0] ?? 0;
  const last = hours.at(-1) ?? 0;
  const inARow = last - first === hours.length - 1;
  const when = inARow
    ? `between ${hourName(first)}:00 and ${hourName(last)}:59`
    : `in the hours ${runs(hours, hourName)}`;
  return `${ofEveryHour(minutes)}, ${when}`;
}

/** The minutes of each hour: `Every 15 minutes`, `At 0 and 45 minutes past the hour`. */
function ofEveryHour(minutes: readonly number[] | undefined): string {
  if (minutes === undefined) return "Every minute";
  const [first = 0] = minutes;
  const step = stepOf(minutes, 60);
  if (step !== undefined && minutes.length > 1) {
    if (step === 1) return "Every minute";
    return `Every ${step} minutes${first === 0 ? "" : `, starting at ${counted(first, "minute")} past the hour`}`;
  }
  if (minutes.length > 1) return `At ${runs(minutes, String)} minutes past the hour`;
  return first === 0 ? "Every hour" : `At ${counted(first, "minute")} past the hour`;
}

function everyFewHours(step: number, first: number, minute: number): string {
  const start = first === 0 && minute === 0 ? "" : `, starting at ${clock((first * 60 + minute) * MINUTE_MS)}`;
  return step === 1 ? `At ${counted(minute, "minute")} past the hour` : `Every ${step} hours${start}`;
}

/** The step of values that are evenly spaced over their whole range, also across its end. */
function stepOf(values: readonly number[], range: number): number | undefined {
  const step = range / values.length;
  const [first = 0] = values;
  return first < step && values.every((value, index) => value === first + index * step) ? step : undefined;
}

function daysOfMonth(field: string): string {
  const items = field.split(",");
  const values = numbers(field) ?? [];
  const parts =
    values.length === 0 ? [] : [`day${values.length === 1 ? "" : "s"} ${runs(values, String)} of the month`];
  const nearest = items.filter((item) => /^\d+W$/.test(item)).map((item) => item.slice(0, -1));
  for (const day of nearest) parts.push(`the weekday nearest to day ${day} of the month`);
  if (items.includes("L")) parts.push("the last day of the month");
  if (items.includes("LW")) parts.push("the last weekday of the month");
  return parts.length < 2 ? parts.join("") : listed(parts.map((part, index) => (index === 0 ? part : `on ${part}`)));
}

function daysOfWeek(field: string): string {
  const values = numbers(field) ?? [];
  const plain = weekdays(values);
  const parts = values.length === 0 ? [] : [plain.includes("through") ? plain : `on ${plain}`];
  for (const item of field.split(",")) {
    const [, day = "", nth] = /^(\d)(?:#(\d)|L)$/.exec(item) ?? [];
    if (day !== "")
      parts.push(`on the ${ordinal(nth === undefined ? -1 : Number(nth))} ${WEEKDAY_NAMES[Number(day)]} of the month`);
  }
  return listed(parts);
}
