/**
 * Turns a calendar's local times into instants, through clock changes, by the daylight-saving rule of docs/contract.md §1.
 *
 * - Fixed times (`30 2 * * *`): a local time is due when the local clock first passes it. If the clock is set forward over
 * the time,
 *   it passes it at the change, so the fire comes then. If the clock is set back, the repeated time is not passed again, so
 * there is
 *   no second fire.
 * - Real time (`* 9-17 * * *`): every instant whose local time matches is due. A skipped time never matches, and a repeated
 * time
 *   matches twice.
 *
 * croner has a daylight-saving rule of its own, which is not used. It forgets a fixed time in a gap that runs up to
 * midnight (America/Nuuk, 23:00 to 24:00 each March) or swallows a day (Pacific/Apia, 2011-12-30). It judges lists by
 * whether they contain a `*` and not by how they begin. And it costs nine times as much.
 */
import { type Effort, STEPS } from "./effort.ts";
import type { Recurrence } from "./recurrence.ts";
import { offsetAt, resolveLocal } from "./zone.ts";

/** The matching local times of a cron expression, in whole minutes (see `zone.ts` for how a local time is held). */
export type Calendar = {
  /** The first match after `local`, or null if there is none. */
  readonly next: (local: number, effort: Effort) => number | null;
  /** The latest match at or before `local`, or null if there is none. */
  readonly last: (local: number, effort: Effort) => number | null;
  /** The times of every matching day, in ms after midnight, ascending. Absent if days differ. */
  readonly timesOfDay?: readonly number[];
};

/** The two rules for a clock change: fixed local times, or real time. */
export type ClockRule = "fixed-time" | "real-time";

/** The instants at which `calendar` is due in `timeZone`. */
export function onCalendar(calendar: Calendar, rule: ClockRule, timeZone: string): Recurrence {
  const [next, last] = rule === "fixed-time" ? [nextFixed, lastFixed] : [nextReal, lastReal];
  const due: Recurrence = {
    next: (after, effort) => (effort.spend(STEPS.time) ? next({ calendar, timeZone, effort }, after) : null),
    last: (until, effort) => (effort.spend(STEPS.time) ? last({ calendar, timeZone, effort }, until) : null),
  };
  const { timesOfDay } = calendar;
  return timesOfDay === undefined
    ? due
    : {
        ...due,
        count: (after, until, cap, effort) =>
          countOn({ ...calendar, timesOfDay }, due, timeZone, { after, until, cap, effort }),
      };
}

const DAY_MS = 86_400_000;

/**
 * Counts day by day. A day without a clock change near it has all of the calendar's times or none. Around a change the due
 * times are walked. Days without a match are skipped at once.
 */
function countOn(
  calendar: Calendar & Required<Pick<Calendar, "timesOfDay">>,
  due: Recurrence,
  timeZone: string,
  {
    after,
    until,
    cap,
    effort,
  }: { readonly after: number; readonly until: number; readonly cap: number; readonly effort: Effort },
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
      const match = calendar.next(local, effort);
      if (match === null) return counted;
      if (match > end + offset) at = Math.max(to, reachedAt(timeZone, Math.floor(match / DAY_MS) * DAY_MS) - 1);
      else {
        counted += timesUpTo(calendar.timesOfDay, to + offset - day) - timesUpTo(calendar.timesOfDay, local - day);
        at = to;
      }
      continue;
    }
    for (let next = due.next(at, effort); next !== null && next <= to && counted < cap; ) {
      counted++;
      next = due.next(next, effort);
    }
    at = to;
  }
  return counted;
}

/** The number of the ascending times up to `time`. */
export function timesUpTo(times: readonly number[], time: number): number {
  const later = times.findIndex((each) => each > time);
  return later < 0 ? times.length : later;
}

/** The calendar and the zone of a question, and its effort. */
type Asked = { readonly calendar: Calendar; readonly timeZone: string; readonly effort: Effort };

function nextFixed({ calendar, timeZone, effort }: Asked, after: number): number | null {
  const local = calendar.next(furthestLocal(timeZone, after), effort);
  return local === null ? null : reachedAt(timeZone, local);
}

function lastFixed({ calendar, timeZone, effort }: Asked, until: number): number | null {
  const local = calendar.last(furthestLocal(timeZone, until), effort);
  return local === null ? null : reachedAt(timeZone, local);
}

/**
 * The furthest local time that the clock has shown up to `at`. The clock is behind it only while a repeated hour runs
 * again.
 */
function furthestLocal(timeZone: string, at: number): number {
  const local = at + offsetAt(timeZone, at);
  const times = resolveLocal(timeZone, local);
  return times.kind === "repeated" && at === times.second ? times.change.at - 1 + times.change.before : local;
}

/** The instant at which clocks in `timeZone` first show `local`, or a later time if they skip it. */
export function reachedAt(timeZone: string, local: number): number {
  const times = resolveLocal(timeZone, local);
  if (times.kind === "once") return times.at;
  return times.kind === "repeated" ? times.first : times.change.at;
}

function nextReal(asked: Asked, after: number): number | null {
  const { timeZone } = asked;
  const here = after + offsetAt(timeZone, after);
  const ahead = firstShown(asked, here, after);
  const times = resolveLocal(timeZone, here);
  if (times.kind !== "repeated" || after !== times.first) return ahead;
  // The clock will be set back over `here`. Local times before it come again, perhaps sooner than `ahead`.
  const again = firstShown(asked, times.change.at + times.change.after - 1, times.change.at - 1);
  if (ahead === null || again === null) return ahead ?? again;
  return Math.min(ahead, again);
}

/** The first instant after `after` that shows a match later than `local`. */
function firstShown({ calendar, timeZone, effort }: Asked, local: number, after: number): number | null {
  let match = calendar.next(local, effort);
  // If the clock skips every match of a calendar (`* 2 * 3 7L` in Berlin), this would never end without an effort.
  while (match !== null) {
    const times = resolveLocal(timeZone, match);
    if (times.kind === "once") return times.at;
    if (times.kind === "repeated") return times.first > after ? times.first : times.second;
    match = effort.spend(STEPS.skipped) ? calendar.next(times.change.at + times.change.after - 1, effort) : null;
  }
  return null;
}

function lastReal(asked: Asked, until: number): number | null {
  const { timeZone } = asked;
  const here = until + offsetAt(timeZone, until);
  const behind = lastShown(asked, here, until);
  const times = resolveLocal(timeZone, here);
  if (times.kind !== "repeated" || until !== times.second) return behind;
  // A repeated hour runs again. Before it, the clock had been further than `here`.
  const before = lastShown(asked, times.change.at - 1 + times.change.before, times.change.at - 1);
  if (behind === null || before === null) return behind ?? before;
  return Math.max(behind, before);
}

/** The latest instant up to `until` that shows a match at or before `local`. */
function lastShown({ calendar, timeZone, effort }: Asked, local: number, until: number): number | null {
  let match = calendar.last(local, effort);
  while (match !== null) {
    const times = resolveLocal(timeZone, match);
    if (times.kind === "once") return times.at;
    if (times.kind === "repeated") return times.second <= until ? times.second : times.first;
    match = effort.spend(STEPS.skipped) ? calendar.last(times.change.at + times.change.before - 1, effort) : null;
  }
  return null;
}
