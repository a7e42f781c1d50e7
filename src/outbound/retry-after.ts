/** `Retry-After` (RFC 9110 §10.2.3): a number of seconds, or an HTTP-date in any of its three forms (§5.6.7). */
import { SECOND_MS } from "../schema/limits.ts";

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = String.raw`(?<hour>[01]\d|2[0-3]):(?<minute>[0-5]\d):(?<second>[0-5]\d|60)`;
const MONTH = `(?<month>${MONTHS.join("|")})`;
const DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)";
const LONG_DAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day";

const HTTP_DATES = [
  new RegExp(String.raw`^${DAY}, (?<day>\d\d) ${MONTH} (?<year>\d{4}) ${TIME} GMT$`),
  new RegExp(String.raw`^${LONG_DAY}, (?<day>\d\d)-${MONTH}-(?<year>\d\d) ${TIME} GMT$`),
  new RegExp(String.raw`^${DAY} ${MONTH} (?<day>\d\d| \d) ${TIME} (?<year>\d{4})$`),
];

/** The time to wait from `now` (epoch ms), in ms and never negative. Null if the header is missing or invalid. */
export function parseRetryAfter(header: string | null, now: number): number | null {
  const value = header?.trim() ?? "";
  if (/^\d+$/.test(value)) return Math.min(Number(value) * SECOND_MS, Number.MAX_SAFE_INTEGER);
  const at = parseHttpDate(value, now);
  return at === null ? null : Math.max(0, at - now);
}

function parseHttpDate(text: string, now: number): number | null {
  for (const form of HTTP_DATES) {
    const parts = form.exec(text)?.groups;
    if (parts === undefined) continue;
    const day = Number(parts.day);
    const month = MONTHS.indexOf(parts.month ?? "");
    const time = [Number(parts.hour), Number(parts.minute), Number(parts.second)] as const;
    const year = fullYear(parts.year ?? "", now);
    // The 31st of a short month would become a day of the next month.
    if (day < 1 || day > new Date(Date.UTC(year, month + 1, 0)).getUTCDate()) return null;
    return Date.UTC(year, month, day, ...time);
  }
  return null;
}

/** The year that two digits name. It is in this century, or in the last if that would be over 50 years ahead (RFC 9110). */
function fullYear(digits: string, now: number): number {
  if (digits.length === 4) return Number(digits);
  const thisYear = new Date(now).getUTCFullYear();
  const year = thisYear - (thisYear % 100) + Number(digits);
  return year > thisYear + 50 ? year - 100 : year;
}
