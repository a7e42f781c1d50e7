/** Times in everyday words, `tomorrow at 9am` or `every weekday at 8:30`, in the forms that schedules take. */
import { parseInstant } from "../../domain/time/instant.ts";
import { DAY_MS } from "../../schema/limits.ts";

const CLOCK = /\b(\d{1,2}):(\d{2})\s*(am|pm)?\b|\b(\d{1,2})\s*(am|pm)\b|\b(\d{1,2})\s*$/;

/** Hour and minute in the text: `at 17:00`, `5pm`, `noon`, or a number at its end. */
export function clockIn(text: string): { readonly hour: number; readonly minute: number } | undefined {
  if (/\bnoon\b/.test(text)) return { hour: 12, minute: 0 };
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [, hours = match[4] ?? match[6], minutes = "0", half = match[5]] = match;
  const given = Number(hours);
  const hour = half === "pm" && given < 12 ? given + 12 : half === "am" && given === 12 ? 0 : given;
  return hour > 23 || Number(minutes) > 59 ? undefined : { hour, minute: Number(minutes) };
}

export const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const dayNamed = (words: string, after = "s?"): readonly number[] =>
  DAYS.flatMap((day, index) => (new RegExp(`\\b${day}(?:[a-z]*day)?${after}\\b`).test(words) ? [index] : []));

/** Whether the words mean again and again: `every friday`, `daily`, `mondays`. */
export const isRecurring = (text: string): boolean =>
  /\b(?:every|each|daily|weekly|monthly|yearly|hourly|weekdays?|weekends?|(?:sun|mon|tues|wednes|thurs|fri|satur)days)\b/i.test(
    text,
  );

/** The cron expression for `daily at 9`, `every weekday at 8:30`, `mondays at 7pm`. */
export function cronOf(text: string): string | undefined {
  // "Every other Tuesday" is not a cron. Ignoring "other" would fire twice as often as meant.
  if (/\b(?:other|alternate|fortnight|fortnightly|biweekly|bi-weekly|second|third)\b/i.test(text)) return undefined;
  const words = text.toLowerCase().trim();
  if (words.length > 60) return undefined;
  const clock = clockIn(words);
  if (clock === undefined) return undefined;
  const days =
    /\b(?:every ?day|daily|each day)\b/.test(words) || isClock(words)
      ? "*"
      : /\bweekdays?\b/.test(words)
        ? "1-5"
        : /\bweekends?\b/.test(words)
          ? "0,6"
          : dayNamed(words).join();
  return days === "" ? undefined : `${clock.minute} ${clock.hour} * * ${days}`;
}

/** The time that {@link timeMeant} finds, if there is such a time: not on 30 February, and not at 25:00. */
export function instantOf(text: string, now: number): string | undefined {
  const meant = timeMeant(text, now);
  return meant !== undefined && parseInstant(meant).ok ? meant : undefined;
}

/**
 * The time in UTC that `tomorrow at 9am`, `next friday 17:00` or a bare date most likely means. Only the caller knows the zone.
 */
function timeMeant(text: string, now: number): string | undefined {
  const words = text.toLowerCase().trim();
  if (words === "now") return `${new Date(now).toISOString().slice(0, 19)}Z`;
  if (words === "yesterday") return `${dateAt(now - DAY_MS)}T00:00:00Z`;
  const [, date, minutes, seconds = ":00"] = /^(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}:\d{2})(:\d{2})?)?$/.exec(words) ?? [];
  if (date !== undefined && minutes !== undefined) return `${date}T${minutes}${seconds}Z`;
  if (words.length > 40 || (date === undefined && isRecurring(words))) return undefined;
  const spelled = dateIn(words);
  const said = date === undefined ? clockIn(words) : undefined;
  // In place of a wrong time of day no other is put.
  if (said === undefined && /\d:\d|\d\s*[ap]m\b/.test(words)) return undefined;
  const clock = said ?? { hour: 9, minute: 0 };
  const time = `${two(clock.hour)}:${two(clock.minute)}:00Z`;
  const on = date ?? spelled ?? dayMeant(words, clock, now);
  return on === undefined ? undefined : `${on}T${time}`;
}

const two = (count: number): string => String(count).padStart(2, "0");
const dateAt = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The date of `today`, `tomorrow`, or of the next day of that name whose time is still to come. */
function dayMeant(words: string, clock: { readonly hour: number; readonly minute: number }, now: number) {
  if (/\btomorrow\b/.test(words)) return dateAt(now + DAY_MS);
  if (/\b(?:today|tonight)\b/.test(words)) return dateAt(now);
  const today = `${dateAt(now)}T${two(clock.hour)}:${two(clock.minute)}:00Z`;
  if (isClock(words)) return dateAt(Date.parse(today) <= now ? now + DAY_MS : now);
  const [weekday, ...more] = dayNamed(words, "");
  if (weekday === undefined || more.length > 0) return undefined;
  const ahead = (weekday - new Date(now).getUTCDay() + 7) % 7;
  const isOver = ahead === 0 && (/\bnext\b/.test(words) || Date.parse(today) <= now);
  return dateAt(now + (isOver ? 7 : ahead) * DAY_MS);
}

/** Whether the words name a time of day. */
export const hasClock = (text: string): boolean => clockIn(text.toLowerCase().trim()) !== undefined;

/** Whether the text is a time of day and nothing else: `17:00`, `5pm`, `at 9:30`. */
export const isClock = (text: string): boolean =>
  /^(?:at )?(?:\d{1,2}:\d{2}(?::\d{2})?\s*(?:am|pm)?|\d{1,2}\s*(?:am|pm)|noon)$/i.test(text.trim());

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** The date in `15 Jan 2027`, `January 15, 2027`, `15.01.2027` or `1/15/2027`. Undefined if day and month may be either. */
function dateIn(words: string): string | undefined {
  const named =
    /\b(?:(\d{1,2})(?:st|nd|rd|th)?\.? )?([a-z]{3})[a-z]*\.?(?: (\d{1,2})(?:st|nd|rd|th)?)?,? (\d{4})\b/.exec(words);
  const month = MONTHS.indexOf(named?.[2] ?? "") + 1;
  const day = Number(named?.[1] ?? named?.[3]);
  if (named !== null && month > 0 && day >= 1 && day <= 31) return `${named[4]}-${two(month)}-${two(day)}`;
  const [, first = "", by, second = "", year] = /\b(\d{1,2})([./])(\d{1,2})\2(\d{4})\b/.exec(words) ?? [];
  if (year === undefined) return undefined;
  const [one, other] = [Number(first), Number(second)];
  const isDayFirst = by === "." || one > 12;
  if (!isDayFirst && other <= 12) return undefined;
  const [onDay, inMonth] = isDayFirst ? [one, other] : [other, one];
  return onDay >= 1 && onDay <= 31 && inMonth >= 1 && inMonth <= 12
    ? `${year}-${two(inMonth)}-${two(onDay)}`
    : undefined;
}

/** Schedules as AWS writes them, in the form that this field takes: `rate(5 minutes)`, `cron(0 9 ? * MON-FRI *)`. */
export function awsOf(text: string): { readonly every: string } | { readonly cron: string } | undefined {
  const [, rate] = /^rate\((.+)\)$/i.exec(text.trim()) ?? [];
  if (rate !== undefined) return { every: rate };
  const [, cron] = /^cron\((.+)\)$/i.exec(text.trim()) ?? [];
  const fields = cron?.trim().split(/\s+/) ?? [];
  return fields.length === 6 ? { cron: fields.slice(0, 5).join(" ") } : undefined;
}

/** A cron expression with the seconds and the year of Quartz, without them. Undefined for any other text. */
export function withoutSeconds(text: string): string | undefined {
  const fields = text.trim().split(/\s+/);
  const isQuartz =
    (fields.length === 6 || fields.length === 7) && fields[0] === "0" && /^[\d*,/-]+$/.test(fields[2] ?? "");
  return isQuartz && (fields[6] ?? "*") === "*" ? fields.slice(1, 6).join(" ") : undefined;
}

const LONG_NAMES: readonly (readonly [long: RegExp, short: (name: string) => string])[] = [
  [/\bweekdays?\b|\bworkdays?\b/gi, () => "MON-FRI"],
  [/\bweekends?\b/gi, () => "SAT,SUN"],
  [/\b(?:sun|mon|tues|wednes|thurs|fri|satur)days?\b/gi, (name) => name.slice(0, 3).toUpperCase()],
  [
    /\b(?:january|february|march|april|june|july|august|september|october|november|december)\b/gi,
    (name) => name.slice(0, 3).toUpperCase(),
  ],
];

/** A cron expression whose days and months are written out, with their short names. Undefined if nothing is. */
export function withShortNames(text: string): string | undefined {
  if (text.trim().split(/\s+/).length !== 5 || !/^[\d*]/.test(text.trim())) return undefined;
  const short = LONG_NAMES.reduce((rest, [long, name]) => rest.replace(long, name), text.trim());
  return short === text.trim() ? undefined : short;
}
