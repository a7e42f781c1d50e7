/** Exclusions (docs/contract.md §13, `exclude`): dates, weekdays and times of day at which a schedule does not fire. */
import { MINUTE_MS } from "../../schema/limits.ts";
import { err, ok, type Result } from "../result.ts";
import type { Gap } from "./recurrence.ts";
import { offsetAt, resolveLocal } from "./zone.ts";

const DAY_MS = 86_400_000;
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/** One exclusion in local time. Days count from 1970-01-01, both included. Minutes of the day exclude the end. */
export type Exclusion =
  | { readonly kind: "dates"; readonly fromDay: number; readonly toDay: number }
  | { readonly kind: "weekday"; readonly weekday: number }
  | Window;

type Window = { readonly kind: "window"; readonly fromMinute: number; readonly toMinute: number };

const FORMS = `write a date "2026-12-25", a range of dates "2026-12-24/2027-01-01", a weekday "SAT" or a daily window "22:00-07:00"`;

/** Reads one exclusion. The error says how to write it. */
export function parseExclusion(text: string): Result<Exclusion, string> {
  const refuse = (why: string) => err(`"${text}" ${why}; ${FORMS}`);
  const weekday = WEEKDAYS.indexOf(text.trim().toUpperCase());
  if (weekday >= 0) return ok({ kind: "weekday", weekday });

  const window = /^(\d{2}):(\d{2})\s*-\s*(\d{2}):(\d{2})$/.exec(text.trim());
  if (window !== null) {
    const [, fromHour, fromMinute, toHour, toMinute] = window.map(Number);
    const from = minuteOf(fromHour, fromMinute);
    const to = minuteOf(toHour, toMinute);
    if (from === undefined || from === DAY_MS / MINUTE_MS || to === undefined)
      return refuse("has a time of day that does not exist");
    if (from === to) return refuse("begins and ends at the same time");
    return ok({ kind: "window", fromMinute: from, toMinute: to });
  }

  const [from = "", to = from, ...more] = text.trim().split("/");
  const [fromDay, toDay] = [dayOf(from), dayOf(to)];
  if (more.length > 0 || fromDay === undefined || toDay === undefined) {
    if (/^\d{4}-\d{2}-\d{2}$/.test(text.trim())) return refuse("is not an exclusion: there is no such date");
    if (/^\d{1,2}-(?:2[5-9]|3[01])$/.test(text.trim())) return refuse("is not an exclusion: a date has its year");
    const meant = meantBy(text.trim());
    const names = meant.map((each) => `"${each}"`).join(", ");
    return refuse(names === "" ? "is not an exclusion" : `is not an exclusion, did you mean ${names}?`);
  }
  return toDay < fromDay ? refuse("ends before it begins") : ok({ kind: "dates", fromDay, toDay });
}

/** The exclusions that a text of another form most likely means: `MON-FRI`, `weekends`, `9:00-17:00`, a time of a date. */
function meantBy(text: string): readonly string[] {
  if (/^weekends?$/i.test(text)) return ["SAT", "SUN"];
  if (/^weekdays?$/i.test(text)) return WEEKDAYS.slice(1, 6);
  const clock = /^(\d{1,2})(?::?(\d{2}))?\s*(?:-|to|\/|–)\s*(\d{1,2})(?::?(\d{2}))?$/i.exec(text);
  if (clock !== null) {
    const [, fromHour = "", fromMinute = "00", toHour = "", toMinute = "00"] = clock;
    const window = `${fromHour.padStart(2, "0")}:${fromMinute}-${toHour.padStart(2, "0")}:${toMinute}`;
    return parseExclusion(window).ok ? [window] : [];
  }
  const spoken = /^(\d{1,2})(?::(\d{2}))?\s*([ap])m\s*(?:-|to|\/|–)\s*(\d{1,2})(?::(\d{2}))?\s*([ap])m$/i.exec(text);
  if (spoken !== null) {
    const [, fromHour, fromMinute = "00", fromHalf, toHour, toMinute = "00", toHalf] = spoken;
    const window = `${hourOf(fromHour, fromHalf)}:${fromMinute}-${hourOf(toHour, toHalf)}:${toMinute}`;
    return parseExclusion(window).ok ? [window] : [];
  }
  // A date's time is left out: whole days are excluded.
  const dates = text.split(/\s*(?:\/|\bto\b)\s*/).map((part) => /^(\d{4}-\d{2}-\d{2})(?:T.*)?$/.exec(part)?.[1]);
  if (dates.length <= 2 && dates.every((date) => date !== undefined)) {
    const whole = dates.join("/");
    return parseExclusion(whole).ok ? [whole] : [];
  }
  if (/^[a-z]+(?:\s*[,+&]\s*[a-z]+)+$/i.test(text)) return text.split(/\s*[,+&]\s*/).flatMap((day) => meantBy(day));
  const [first = "", last = first, ...more] = text.split(/\s*-\s*/);
  const [from, to] = [weekdayLike(first), weekdayLike(last)];
  if (from < 0 || to < 0 || more.length > 0) return [];
  const length = ((to - from + 7) % 7) + 1;
  return Array.from({ length }, (_, index) => WEEKDAYS[(from + index) % 7] ?? "");
}

const hourOf = (hour = "", half = ""): string =>
  String((Number(hour) % 12) + (half.toLowerCase() === "p" ? 12 : 0)).padStart(2, "0");

/** The weekday that a name begins with, `Saturdays` or `SA`. Negative if there is none. */
const weekdayLike = (text: string): number =>
  WEEKDAYS.findIndex(
    (name) => text.length > 1 && (name.startsWith(text.toUpperCase()) || text.toUpperCase().startsWith(name)),
  );

function minuteOf(hour = Number.NaN, minute = Number.NaN): number | undefined {
  const isReal = (hour <= 23 && minute <= 59) || (hour === 24 && minute === 0);
  return isReal ? hour * 60 + minute : undefined;
}

function dayOf(text: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return undefined;
  const at = Date.parse(`${text}T00:00:00Z`);
  return Number.isNaN(at) || !new Date(at).toISOString().startsWith(text) ? undefined : at / DAY_MS;
}

/** The exclusion that an instant falls into, in the zone's local time. Undefined if it falls into none. */
export function exclusionAt(exclusions: readonly Exclusion[], timeZone: string, at: number): Exclusion | undefined {
  const local = at + offsetAt(timeZone, at);
  return exclusions.find((exclusion) => stretchAround(exclusion, local) !== undefined);
}

/** Finds the excluded stretch of the zone's local time around an instant. Undefined if there is none. */
export function excludedBy(exclusions: readonly Exclusion[], timeZone: string): (at: number) => Gap | undefined {
  const days = exclusions.filter((exclusion) => exclusion.kind !== "window");
  const windowAt = windowsByMinute(exclusions);
  return (at) => {
    const local = at + offsetAt(timeZone, at);
    for (const exclusion of days) {
      const stretch = stretchAround(exclusion, local);
      if (stretch !== undefined) return instantsOf(stretch, timeZone, at);
    }
    const window = windowAt(local);
    const stretch = window && stretchAround(window, local);
    return stretch && instantsOf(stretch, timeZone, at);
  };
}

const MINUTES_A_DAY = 1_440;
const minuteOfDay = (local: number): number =>
  Math.floor(local / MINUTE_MS) - Math.floor(local / DAY_MS) * MINUTES_A_DAY;

/** Finds the daily window around a local time by one look in a table. A forecast of many fires asks often. */
function windowsByMinute(exclusions: readonly Exclusion[]): (local: number) => Exclusion | undefined {
  const windows = exclusions.filter((exclusion) => exclusion.kind === "window");
  if (windows.length === 0) return () => undefined;
  let table: Uint8Array | undefined;
  return (local) => {
    table ??= tableOf(windows);
    return windows[(table[minuteOfDay(local)] ?? 0) - 1];
  };
}

/** For each minute of the day, the number of its window, counted from 1. 0 means that there is none. */
function tableOf(windows: readonly Window[]): Uint8Array {
  const table = new Uint8Array(MINUTES_A_DAY);
  for (const [index, window] of windows.entries()) {
    for (let minute = 0; minute < lengthOf(window); minute++) {
      const at = (window.fromMinute + minute) % MINUTES_A_DAY;
      if (table[at] === 0) table[at] = index + 1;
    }
  }
  return table;
}

/**
 * The distances at which the end of a free stretch is searched, longest first. Across a clock change a shorter one is
 * tried.
 */
const LOOKED_AHEAD = [DAY_MS, 60 * MINUTE_MS, 15 * MINUTE_MS];

/** Finds, for an instant outside all exclusions, a later instant before which nothing is excluded. */
export function freeBy(exclusions: readonly Exclusion[], timeZone: string): (at: number) => number {
  const days = exclusions.filter((exclusion) => exclusion.kind !== "window");
  const begins = exclusions
    .flatMap((exclusion) => (exclusion.kind === "window" ? [exclusion.fromMinute] : []))
    .sort((a, b) => a - b);
  return (at) => {
    const offset = offsetAt(timeZone, at);
    const local = at + offset;
    let begin = nextWindow(begins, local);
    for (const exclusion of days) begin = Math.min(begin, nextBegin(exclusion, local));
    for (const length of LOOKED_AHEAD) {
      const end = at + Math.min(length, begin - local);
      if (offsetAt(timeZone, end) === offset) return end;
    }
    return at + 1;
  };
}

/** When a daily window next begins after `local`, or infinity. `begins` are their minutes of the day, in order. */
function nextWindow(begins: readonly number[], local: number): number {
  const [first] = begins;
  if (first === undefined) return Number.POSITIVE_INFINITY;
  const minute = minuteOfDay(local);
  const today = Math.floor(local / DAY_MS) * DAY_MS;
  return today + (begins.find((begin) => begin > minute) ?? first + MINUTES_A_DAY) * MINUTE_MS;
}

/** When the exclusion of days next begins after `local`, or infinity. */
function nextBegin(exclusion: Exclude<Exclusion, Window>, local: number): number {
  const day = Math.floor(local / DAY_MS);
  switch (exclusion.kind) {
    case "dates":
      return exclusion.fromDay > day ? exclusion.fromDay * DAY_MS : Number.POSITIVE_INFINITY;
    case "weekday": {
      const daysAhead = (exclusion.weekday - new Date(local).getUTCDay() + 7) % 7 || 7;
      return (day + daysAhead) * DAY_MS;
    }
  }
}

/** The length in minutes. A window that does not end after its begin crosses midnight. */
const lengthOf = ({ fromMinute, toMinute }: Window): number =>
  toMinute > fromMinute ? toMinute - fromMinute : toMinute - fromMinute + MINUTES_A_DAY;

/** The stretch of local time around `local` that the exclusion removes. */
function stretchAround(exclusion: Exclusion, local: number): Gap | undefined {
  const day = Math.floor(local / DAY_MS);
  const days = (from: number, to: number): Gap => ({ from: from * DAY_MS, to: (to + 1) * DAY_MS });
  switch (exclusion.kind) {
    case "dates":
      return day >= exclusion.fromDay && day <= exclusion.toDay ? days(exclusion.fromDay, exclusion.toDay) : undefined;
    case "weekday":
      return new Date(local).getUTCDay() === exclusion.weekday ? days(day, day) : undefined;
    case "window": {
      // The window that begins today, or the one that began yesterday and crosses midnight.
      const today = day * DAY_MS + exclusion.fromMinute * MINUTE_MS;
      const begin = local >= today ? today : today - DAY_MS;
      const end = begin + lengthOf(exclusion) * MINUTE_MS;
      return local < end ? { from: begin, to: end } : undefined;
    }
  }
}

/**
 * The stretch as instants around `at`. If the clock is set back over one of its ends, the other pass of the repeated hour
 * lies partly outside it. Then the stretch ends at the change.
 */
function instantsOf(stretch: Gap, timeZone: string, at: number): Gap {
  const begin = resolveLocal(timeZone, stretch.from);
  const end = resolveLocal(timeZone, stretch.to);
  const from =
    begin.kind === "once"
      ? begin.at
      : begin.kind === "skipped"
        ? begin.change.at
        : begin.second <= at
          ? begin.second
          : begin.first;
  const to =
    end.kind === "once" ? end.at : end.kind === "skipped" ? end.change.at : end.first > at ? end.first : end.second;
  return {
    from: end.kind === "repeated" && at >= end.change.at ? Math.max(from, end.change.at) : from,
    to: begin.kind === "repeated" && at < begin.change.at ? Math.min(to, begin.change.at) : to,
  };
}
