/**
 * From a calendar's local times to instants, through clock changes: the daylight-saving rule of docs/contract.md §1.
 *
 * - Fixed times (`30 2 * * *`): a local time is due when the furthest point the local clock has reached passes it.
 *   Set forward, the clock passes what it skips at the change itself, so that fires then; set back, it does not reach
 *   a repeated time a second time, so that does not fire again.
 * - Real time (`* 9-17 * * *`): every instant whose local time matches is due. What is skipped never matches, what
 *   is repeated matches twice.
 *
 * croner has a daylight-saving rule of its own; it is not used, because it forgets a fixed time in a gap that runs
 * up to midnight (America/Nuuk, 23:00 to 24:00 each March) or swallows a day (Pacific/Apia, 2011-12-30), judges
 * lists by whether they contain a `*` and not by how they begin, and costs nine times as much.
 */
import type { Recurrence } from "./recurrence.ts";
import { offsetAt, resolveLocal } from "./zone.ts";

/** The matching local times of a cron expression, in whole minutes (see `zone.ts` for how a local time is held). */
export type Calendar = {
  /** The first one after `local`, or null if there is none. */
  readonly next: (local: number) => number | null;
  /** The latest one at or before `local`, or null if there is none. */
  readonly last: (local: number) => number | null;
  /** The times of day of every day that matches at all, in ms after midnight and ascending, where they are the same on each. */
  readonly timesOfDay?: readonly number[];
};

/** How a calendar meets clock changes: fires at fixed local times, or follows real time. */
export type ClockRule = "fixed-time" | "real-time";

/** A calendar whose every match the clock skips (`* 2 * 3 7L` in Berlin) is given up after so many years of it. */
const MAX_SKIPPED = 100;

/** The instants at which `calendar` is due in `timeZone`. */
export function onCalendar(calendar: Calendar, rule: ClockRule, timeZone: string): Recurrence {
  const [next, last] = rule === "fixed-time" ? [nextFixed, lastFixed] : [nextReal, lastReal];
  const due: Recurrence = {
    next: (after) => next(calendar, timeZone, after),
    last: (until) => last(calendar, timeZone, until),
  };
  const { timesOfDay } = calendar;
  return timesOfDay === undefined
    ? due
    : {
        ...due,
        count: (after, until, cap) => countOn({ ...calendar, timesOfDay }, due, timeZone, { after, until, cap }),
      };
}

const DAY_MS = 86_400_000;

/**
 * Counts day by day: a day that has no clock change near it has all of the calendar's times or none. Around a change the due times
 * are walked over. Days without a match are passed over at once.
 */
function countOn(
  calendar: Calendar & Required<Pick<Calendar, "timesOfDay">>,
  due: Recurrence,
  timeZone: string,
  { after, until, cap }: { readonly after: number; readonly until: number; readonly cap: number },
): number {
  let counted = 0;
  let at = after;
  while (at < until && counted < cap) {
    const offset = offsetAt(timeZone, at);
    const local = at + offset;
    const day = Math.floor((local + 1) / DAY_MS) * DAY_MS;
    const end = day + DAY_MS - 1 - offset;
    const isPlain = offsetAt(timeZone, at - DAY_MS) === offset && offsetAt(timeZone, end + 1) === offset;
    const to = Math.min(end, until);
    if (isPlain) {
      const match = calendar.next(local);
      if (match === null) return counted;
      if (match > end + offset) at = Math.max(to, reachedAt(timeZone, Math.floor(match / DAY_MS) * DAY_MS) - 1);
      else {
        counted += timesUpTo(calendar.timesOfDay, to + offset - day) - timesUpTo(calendar.timesOfDay, local - day);
        at = to;
      }
      continue;
    }
    for (let next = due.next(at); next !== null && next <= to && counted < cap; next = due.next(next)) counted++;
    at = to;
  }
  return counted;
}

/** How many of the ascending times lie up to `time`. */
function timesUpTo(times: readonly number[], time: number): number {
  const later = times.findIndex((each) => each > time);
  return later < 0 ? times.length : later;
}

function nextFixed(calendar: Calendar, timeZone: string, after: number): number | null {
  const local = calendar.next(furthestLocal(timeZone, after));
  return local === null ? null : reachedAt(timeZone, local);
}

function lastFixed(calendar: Calendar, timeZone: string, until: number): number | null {
  const local = calendar.last(furthestLocal(timeZone, until));
  return local === null ? null : reachedAt(timeZone, local);
}

/** The furthest local time that the clock has shown up to `at`: behind it only while a repeated hour runs again. */
function furthestLocal(timeZone: string, at: number): number {
  const local = at + offsetAt(timeZone, at);
  const times = resolveLocal(timeZone, local);
  return times.kind === "repeated" && at === times.second ? times.change.at - 1 + times.change.before : local;
}

/** The instant at which clocks in `timeZone` first show `local` or, where they skip it, a later time. */
export function reachedAt(timeZone: string, local: number): number {
  const times = resolveLocal(timeZone, local);
  if (times.kind === "once") return times.at;
  return times.kind === "repeated" ? times.first : times.change.at;
}

function nextReal(calendar: Calendar, timeZone: string, after: number): number | null {
  const here = after + offsetAt(timeZone, after);
  const ahead = firstShown(calendar, timeZone, here, after);
  const times = resolveLocal(timeZone, here);
  if (times.kind !== "repeated" || after !== times.first) return ahead;
  // The clock will be set back over `here`: local times before it come again, and perhaps sooner than `ahead`.
  const again = firstShown(calendar, timeZone, times.change.at + times.change.after - 1, times.change.at - 1);
  if (ahead === null || again === null) return ahead ?? again;
  return Math.min(ahead, again);
}

/** The first instant after `after` that shows a match later than `local`. */
function firstShown(calendar: Calendar, timeZone: string, local: number, after: number): number | null {
  let match = calendar.next(local);
  for (let skipped = 0; match !== null && skipped < MAX_SKIPPED; skipped++) {
    const times = resolveLocal(timeZone, match);
    if (times.kind === "once") return times.at;
    if (times.kind === "repeated") return times.first > after ? times.first : times.second;
    match = calendar.next(times.change.at + times.change.after - 1);
  }
  return null;
}

function lastReal(calendar: Calendar, timeZone: string, until: number): number | null {
  const here = until + offsetAt(timeZone, until);
  const behind = lastShown(calendar, timeZone, here, until);
  const times = resolveLocal(timeZone, here);
  if (times.kind !== "repeated" || until !== times.second) return behind;
  // A repeated hour runs again: before it, the clock had been further than `here`.
  const before = lastShown(calendar, timeZone, times.change.at - 1 + times.change.before, times.change.at - 1);
  if (behind === null || before === null) return behind ?? before;
  return Math.max(behind, before);
}

/** The latest instant up to `until` that shows a match at or before `local`. */
function lastShown(calendar: Calendar, timeZone: string, local: number, until: number): number | null {
  let match = calendar.last(local);
  for (let skipped = 0; match !== null && skipped < MAX_SKIPPED; skipped++) {
    const times = resolveLocal(timeZone, match);
    if (times.kind === "once") return times.at;
    if (times.kind === "repeated") return times.second <= until ? times.second : times.first;
    match = calendar.last(times.change.at + times.change.before - 1);
  }
  return null;
}
