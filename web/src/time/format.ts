/** Times and spans as people read them. Instants are epoch ms. */

/** The viewer's zone. */
export const VIEWER_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

const LOCALE = "en-GB";
const SECOND_MS = 1_000;
const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(zone: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${zone} ${JSON.stringify(options)}`;
  const known = formats.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(LOCALE, { hourCycle: "h23", timeZone: zone, ...options });
  formats.set(key, made);
  return made;
}

/** Epoch ms of an API instant. */
export const msOf = (instant: string): number => Date.parse(instant);

/** `Mon 23 Nov 09:00`, with seconds if there are any, and the year if it is another. */
export function dayAndTime(at: number, now: number, zone = VIEWER_ZONE): string {
  const sameYear = Math.abs(at - now) < 300 * DAY_MS;
  const day = format(zone, {
    weekday: "short",
    day: "numeric",
    month: "short",
    ...(sameYear ? {} : { year: "numeric" }),
  });
  return `${day.format(at).replace(",", "")} ${timeOfDay(at, zone)}`;
}

/** `09:00`, or `09:00:30` if it is not a whole minute. */
export function timeOfDay(at: number, zone = VIEWER_ZONE): string {
  const seconds = Math.floor(at / SECOND_MS) % 60 !== 0;
  return format(zone, { hour: "2-digit", minute: "2-digit", ...(seconds ? { second: "2-digit" } : {}) }).format(at);
}

/** `23 Nov`. */
export const shortDay = (at: number, zone = VIEWER_ZONE): string =>
  format(zone, { day: "numeric", month: "short" }).format(at);

/** The full time, for titles: `Monday, 23 November 2026 at 09:00:00 CET`. */
export const fullTime = (at: number, zone = VIEWER_ZONE): string =>
  format(zone, { dateStyle: "full", timeStyle: "long" }).format(at);

/**
 * The time until something: `42 s`, `12 min 04 s`, `3 h 12 min`, `5 d 3 h`. Above a minute it always has two units, so that
 * it does not jump.
 */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / SECOND_MS));
  if (seconds < 60) return `${seconds} s`;
  const pair = (size: number, unit: string, rest: number, restUnit: string) =>
    `${Math.floor(seconds / size)} ${unit} ${String(Math.floor((seconds % size) / rest)).padStart(2, "0")} ${restUnit}`;
  if (seconds < 3_600) return pair(60, "min", 1, "s");
  return seconds < 86_400 ? pair(3_600, "h", 60, "min") : pair(86_400, "d", 3_600, "h");
}

/** The time since something: `just now`, `4 min ago`, `3 h ago`, `2 d ago`. */
export function ago(ms: number): string {
  if (ms < 10 * SECOND_MS) return "just now";
  if (ms < MINUTE_MS) return `${Math.floor(ms / SECOND_MS)} s ago`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ago`;
  return ms < DAY_MS ? `${Math.floor(ms / HOUR_MS)} h ago` : `${Math.floor(ms / DAY_MS)} d ago`;
}

/** The time that something took: `340 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`. */
export function span(ms: number): string {
  if (ms < SECOND_MS) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 10 * SECOND_MS) return `${(ms / SECOND_MS).toFixed(1)} s`;
  if (ms < MINUTE_MS) return `${Math.round(ms / SECOND_MS)} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min ${Math.round((ms % MINUTE_MS) / SECOND_MS)} s`;
  return `${Math.floor(ms / HOUR_MS)} h ${Math.round((ms % HOUR_MS) / MINUTE_MS)} min`;
}

/** The length of a wait: `10 min`, `1 h 30 min`. It is written like {@link span}, but without parts that are zero. */
export const roundSpan = (ms: number): string =>
  span(Math.round(ms / SECOND_MS) * SECOND_MS).replace(/\.0 s$|(?<=\S) 0 (?:s|min)$/, (zero) =>
    zero === ".0 s" ? " s" : "",
  );

/** `Europe/Berlin` as `Berlin`. */
export const zoneName = (zone: string): string => (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");

/** The offset at the end of the API's local time: `+01:00`. */
export const offsetOf = (local: string): string => (local.endsWith("Z") ? "+00:00" : local.slice(-6));
