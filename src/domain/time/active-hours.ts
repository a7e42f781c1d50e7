/**
 * The hours of the day in which a heartbeat beats by itself (docs/contract.md §8). A zone's clock decides, across
 * midnight if need be.
 */
import type { ActiveHours } from "../../schema/heartbeat.ts";
import { MINUTE_MS } from "../../schema/limits.ts";
import type { FieldError } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { findZone, offsetAt } from "./zone.ts";

const MINUTES_PER_DAY = 1_440;

/**
 * Minutes of the local day. `startMinute` is active and `endMinute` is not. If the window crosses midnight, its end is
 * before its start.
 */
export type DailyWindow = { readonly startMinute: number; readonly endMinute: number; readonly timeZone: string };

/** Reads the hours. Errors name each wrong field below `active_hours`, and how to write it. */
export function compileActiveHours(hours: ActiveHours): Result<DailyWindow, FieldError[]> {
  const errors: FieldError[] = [];
  const read = (field: "start" | "end", latest: number): number => {
    const minute = minuteOf(hours[field]);
    if (minute !== undefined && minute <= latest) return minute;
    errors.push({
      path: `active_hours.${field}`,
      message: `"${hours[field]}" is not a time of day; write it as HH:MM, for example "08:00"`,
    });
    return 0;
  };
  const startMinute = read("start", MINUTES_PER_DAY - 1);
  const endMinute = read("end", MINUTES_PER_DAY);
  const zone = findZone(hours.timezone);
  if (!zone.ok) errors.push({ path: "active_hours.timezone", message: zone.error });
  if (errors.length === 0 && startMinute === endMinute) {
    errors.push({
      path: "active_hours.end",
      message: "must differ from start; to beat around the clock, leave active_hours out",
    });
  }
  if (!zone.ok || errors.length > 0) return err(errors);
  return ok({ startMinute, endMinute, timeZone: zone.value });
}

function minuteOf(text: string): number | undefined {
  const match = /^(\d{2}):([0-5]\d)$/.exec(text);
  return match === null ? undefined : Number(match[1]) * 60 + Number(match[2]);
}

/** Whether the zone's clocks show an active minute at `at` (epoch ms). */
export function isActiveAt(window: DailyWindow, at: number): boolean {
  const localMinute = Math.floor((at + offsetAt(window.timeZone, at)) / MINUTE_MS);
  const minute = ((localMinute % MINUTES_PER_DAY) + MINUTES_PER_DAY) % MINUTES_PER_DAY;
  const { startMinute, endMinute } = window;
  return startMinute < endMinute
    ? minute >= startMinute && minute < endMinute
    : minute >= startMinute || minute < endMinute;
}
