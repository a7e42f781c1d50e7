/** Instants as text: RFC 3339 §5.6 in, RFC 3339 out. In code an instant is epoch milliseconds. */
import { err, ok, type Result } from "../result.ts";
import { offsetAt } from "./zone.ts";

/** The first instant RFC 3339 can write: 0000-01-01T00:00:00Z. */
const MIN_INSTANT = -62_167_219_200_000;
/** The last instant RFC 3339 can write: 9999-12-31T23:59:59.999Z. */
export const MAX_INSTANT = 253_402_300_799_999;

const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;
const LOCAL_TIME = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2})(:\d{2}(?:\.\d+)?)?$/;
const EXAMPLES = `write it like YYYY-MM-DDThh:mm:ssZ or YYYY-MM-DDThh:mm:ss+01:00`;

/**
 * A local time without an offset, `2027-01-15T14:30` with optional seconds, held as described in `zone.ts`. Undefined if
 * the text has another form. The error says which part does not exist.
 */
export function parseLocalTime(text: string): Result<number, string> | undefined {
  const match = LOCAL_TIME.exec(text);
  if (match === null) return undefined;
  const read = parseInstant(`${match[1]}T${match[2]}${match[3] ?? ":00"}Z`);
  return read.ok ? read : err(read.error.replace(/^"[^"]*"/, `"${text}"`));
}

/**
 * The epoch milliseconds of an RFC 3339 date-time. The offset is required. `t`, `z` and a space for the `T` are accepted,
 * as §5.6 allows. Digits beyond milliseconds are dropped. A leap second (`:60`) is accepted only in the last minute of a
 * UTC month, and counts as the second after it, as in POSIX time. Impossible dates (30 February), hour 24 and offsets
 * beyond 23:59 are refused. The error says how to write it.
 */
export function parseInstant(text: string): Result<number, string> {
  const refuse = (why: string) => err(`"${text}" ${why}; ${EXAMPLES}`);
  const match = RFC3339.exec(text);
  if (match === null) {
    return LOCAL_TIME.test(text)
      ? refuse("is not an RFC 3339 date-time with seconds and an offset (end it with Z for UTC, or +hh:mm)")
      : refuse("is not an RFC 3339 date-time");
  }
  const field = (index: number) => Number(match[index] ?? "0");
  const [year, month, day, hour, minute, second] = [field(1), field(2), field(3), field(4), field(5), field(6)];
  if (month < 1 || month > 12) return refuse(`has month ${match[2]}, which does not exist`);
  if (day < 1 || day > daysIn(year, month)) return refuse(`has a day that does not exist in ${match[1]}-${match[2]}`);
  if (hour > 23) return refuse("has an hour over 23 (midnight is 00:00:00 of the next day)");
  if (minute > 59) return refuse("has a minute over 59");
  if (second > 60) return refuse("has a second over 59");
  if (field(9) > 23 || field(10) > 59) return refuse("has an offset that does not exist");

  const offsetMs = (match[8] === "-" ? -1 : 1) * (field(9) * 60 + field(10)) * 60_000;
  const utc = new Date(0);
  // Date.UTC would read the years 0 to 99 as 1900 to 1999.
  utc.setUTCFullYear(year, month - 1, day);
  utc.setUTCHours(hour, minute, second, Number((match[7] ?? "").slice(0, 3).padEnd(3, "0")));
  const at = utc.getTime() - offsetMs;
  if (at < MIN_INSTANT || at > MAX_INSTANT) return refuse("is not within the years 0000 to 9999 of UTC");
  if (second === 60 && !isFirstOfMonth(at)) return refuse("has a second over 59");
  return ok(at);
}

function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}

/** Whether `at` lies in the first second of a UTC month, which a leap second runs into. */
function isFirstOfMonth(at: number): boolean {
  return ((at % 86_400_000) + 86_400_000) % 86_400_000 < 1_000 && new Date(at).getUTCDate() === 1;
}

/** RFC 3339 in UTC with milliseconds, the form of every time in an answer: `2026-11-23T09:00:00.000Z`. */
export function formatInstant(at: number): string {
  return new Date(at).toISOString();
}

/**
 * The instant as the clocks of `timeZone` (a name from `findZone`) show it, with its offset: `2026-11-23T10:00:00+01:00`.
 * UTC is `+00:00`. Milliseconds appear only if there are any. An offset with seconds (local mean time, before about 1920)
 * is cut to the minute, since RFC 3339 cannot write it. The instant stays exact.
 */
export function formatLocal(at: number, timeZone: string): string {
  const offsetMinutes = Math.trunc(offsetAt(timeZone, at) / 60_000);
  const local = new Date(at + offsetMinutes * 60_000)
    .toISOString()
    .slice(0, -1)
    .replace(/\.000$/, "");
  const size = Math.abs(offsetMinutes);
  const two = (n: number) => n.toString().padStart(2, "0");
  return `${local}${offsetMinutes < 0 ? "-" : "+"}${two(Math.trunc(size / 60))}:${two(size % 60)}`;
}
