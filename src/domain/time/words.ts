/** The words of schedule descriptions: lists, runs, weekdays, months and times of day. */

export const WEEKDAY_NAMES = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
export const MONTH_NAMES = [
  "January",
  "February",
  "March",
  "April",
  "May",
  "June",
  "July",
  "August",
  "September",
  "October",
  "November",
  "December",
];
const ORDINALS = ["", "first", "second", "third", "fourth", "fifth"];

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[], and = "and"): string {
  const last = items.at(-1) ?? "";
  return items.length < 2 ? last : `${items.slice(0, -1).join(", ")} ${and} ${last}`;
}

/** The names of sorted numbers. Three or more in a row become `Monday through Friday`. */
export function runs(values: readonly number[], name: (value: number) => string): string {
  const parts: string[] = [];
  for (let from = 0; from < values.length; ) {
    let to = from;
    while (values[to + 1] === (values[to] ?? Number.NaN) + 1) to++;
    const names = values.slice(from, to + 1).map(name);
    if (names.length > 2) parts.push(`${names[0]} through ${names.at(-1)}`);
    else parts.push(...names);
    from = to + 1;
  }
  return listed(parts);
}

/** Weekdays, 0 and 7 being Sunday, from Monday on: `Monday through Friday`, `Saturday and Sunday`. */
export function weekdays(values: readonly number[]): string {
  const mondayFirst = [...new Set(values.map((day) => (day % 7 === 0 ? 7 : day)))].sort((a, b) => a - b);
  return runs(mondayFirst, (day) => WEEKDAY_NAMES[day % 7] ?? "");
}

export const months = (values: readonly number[]): string => runs(values, (month) => MONTH_NAMES[month - 1] ?? "");

/** `first`, `fifth`, `20th`, and counted from the end `last`, `second last`. */
export function ordinal(place: number): string {
  if (place === -1) return "last";
  return place < 0 ? `${ordinal(-place)} last` : (ORDINALS[place] ?? `${place}th`);
}

const two = (value: number): string => String(value).padStart(2, "0");

/** A time of day in ms as `09:00`, with seconds where there are any. */
export function clock(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const minutes = `${two(Math.floor(seconds / 3_600))}:${two(Math.floor(seconds / 60) % 60)}`;
  return ms % 60_000 === 0
    ? minutes
    : `${minutes}:${two(seconds % 60)}${ms % 1_000 === 0 ? "" : `.${String(ms % 1_000).padStart(3, "0")}`}`;
}

export const hourName = two;

/** `1 minute`, `5 minutes`. */
export const counted = (count: number, unit: string): string => (count === 1 ? `1 ${unit}` : `${count} ${unit}s`);
