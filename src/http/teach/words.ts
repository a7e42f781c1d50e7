/** Times in everyday words, `tomorrow at 9am` or `every weekday at 8:30`, in the forms that schedules take. */
import { DAY_MS } from "../../schema/limits.ts";

const CLOCK = /\b(\d{1,2}):(\d{2})\s*(am|pm)?\b|\b(\d{1,2})\s*(am|pm)\b|\b(\d{1,2})\s*$/;

/** Hour and minute in the text: `at 17:00`, `5pm`, `noon`, or a number at its end. */
function clockIn(text: string): { readonly hour: number; readonly minute: number } | undefined {
  if (/\bnoon\b/.test(text)) return { hour: 12, minute: 0 };
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [, hours = match[4] ?? match[6], minutes = "0", half = match[5]] = match;
  const given = Number(hours);
  const hour = half === "pm" && given < 12 ? given + 12 : half === "am" && given === 12 ? 0 : given;
  return hour > 23 || Number(minutes) > 59 ? undefined : { hour, minute: Number(minutes) };
}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

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
  const days = /\b(?:every ?day|daily|each day)\b/.test(words)
    ? "*"
    : /\bweekdays?\b/.test(words)
      ? "1-5"
      : /\bweekends?\b/.test(words)
        ? "0,6"
        : dayNamed(words).join();
  return days === "" ? undefined : `${clock.minute} ${clock.hour} * * ${days}`;
}

/**
 * The time in UTC that `tomorrow at 9am`, `next friday 17:00` or a bare date most likely means. Only the caller knows the zone.
 */
export function instantOf(text: string, now: number): string | undefined {
  const words = text.toLowerCase().trim();
  if (words === "now") return `${new Date(now).toISOString().slice(0, 19)}Z`;
  if (words === "yesterday") return `${dateAt(now - DAY_MS)}T00:00:00Z`;
  const [, date, minutes, seconds = ":00"] = /^(\d{4}-\d{2}-\d{2})(?:[t ](\d{2}:\d{2})(:\d{2})?)?$/.exec(words) ?? [];
  if (date !== undefined && minutes !== undefined) return `${date}T${minutes}${seconds}Z`;
  if (words.length > 40 || (date === undefined && isRecurring(words))) return undefined;
  const clock = (date === undefined ? clockIn(words) : undefined) ?? { hour: 9, minute: 0 };
  const time = `${two(clock.hour)}:${two(clock.minute)}:00Z`;
  const on = date ?? dayMeant(words, clock, now);
  return on === undefined ? undefined : `${on}T${time}`;
}

const two = (count: number): string => String(count).padStart(2, "0");
const dateAt = (at: number): string => new Date(at).toISOString().slice(0, 10);

/** The date of `today`, `tomorrow`, or of the next day of that name whose time is still to come. */
function dayMeant(words: string, clock: { readonly hour: number; readonly minute: number }, now: number) {
  if (/\btomorrow\b/.test(words)) return dateAt(now + DAY_MS);
  if (/\b(?:today|tonight)\b/.test(words)) return dateAt(now);
  const [weekday, ...more] = dayNamed(words, "");
  if (weekday === undefined || more.length > 0) return undefined;
  const ahead = (weekday - new Date(now).getUTCDay() + 7) % 7;
  const today = `${dateAt(now)}T${two(clock.hour)}:${two(clock.minute)}:00Z`;
  const isOver = ahead === 0 && (/\bnext\b/.test(words) || Date.parse(today) <= now);
  return dateAt(now + (isOver ? 7 : ahead) * DAY_MS);
}

/** Whether the words name a time of day. */
export const hasClock = (text: string): boolean => clockIn(text.toLowerCase().trim()) !== undefined;
