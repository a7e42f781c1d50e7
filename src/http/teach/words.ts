/** Times in everyday words, `tomorrow at 9am` or `every weekday at 8:30`, in the forms that schedules take. */
import { DAY_MS } from "../../schema/limits.ts";

const CLOCK = /\b(\d{1,2})(?::(\d{2}))?\s*(am|pm)?\s*$/;

/** Hour and minute at the end of the text. */
function clockIn(text: string): { readonly hour: number; readonly minute: number } | undefined {
  const match = CLOCK.exec(text);
  if (match === null) return undefined;
  const [, hours, minutes = "0", half] = match;
  const given = Number(hours);
  const hour = half === "pm" && given < 12 ? given + 12 : half === "am" && given === 12 ? 0 : given;
  return hour > 23 || Number(minutes) > 59 ? undefined : { hour, minute: Number(minutes) };
}

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

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
        : DAYS.flatMap((day, index) => (new RegExp(`\\b${day}(?:[a-z]*day)?s?\\b`).test(words) ? [index] : [])).join();
  return days === "" ? undefined : `${clock.minute} ${clock.hour} * * ${days}`;
}

/**
 * The time in UTC that `tomorrow at 9am`, `today 17:00` or a bare date most likely means. Only the caller knows the zone.
 */
export function instantOf(text: string, now: number): string | undefined {
  const words = text.toLowerCase().trim();
  if (words === "now") return `${new Date(now).toISOString().slice(0, 19)}Z`;
  const date = /^\d{4}-\d{2}-\d{2}$/.test(words) ? words : undefined;
  if (words === "yesterday") return `${new Date(now - DAY_MS).toISOString().slice(0, 10)}T00:00:00Z`;
  const day = /\btomorrow\b/.test(words) ? 1 : /\b(?:today|tonight)\b/.test(words) ? 0 : undefined;
  if (words.length > 40 || (date === undefined && day === undefined)) return undefined;
  const clock = (date === undefined ? clockIn(words) : undefined) ?? { hour: 9, minute: 0 };
  const two = (count: number): string => String(count).padStart(2, "0");
  const on = date ?? new Date(now + (day ?? 0) * DAY_MS).toISOString().slice(0, 10);
  return `${on}T${two(clock.hour)}:${two(clock.minute)}:00Z`;
}
