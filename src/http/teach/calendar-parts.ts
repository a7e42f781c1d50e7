/** Calendars that are written in parts, `{"hour": 9, "day_of_week": "mon-fri"}`, as the one cron expression that says the same. */
import { parseCron } from "../../domain/time/cron-syntax.ts";
import { spelling } from "./near.ts";
import { clockIn, DAYS, instantOf } from "./words.ts";

const PARTS = ["hour", "minute", "time", "at", "day", "days", "weekday", "weekdays", "dayofweek", "daysofweek"];
const OF_WEEK = ["dayofweek", "daysofweek", "weekdays", "weekday"];
const OF_MONTH = ["dayofmonth", "monthday"];
const PERIODS = ["daily", "weekly", "monthly"];

/** Whether a field of this name may be a part of a calendar. */
export const isCalendarPart = (name: string): boolean => [...PARTS, ...OF_MONTH, ...PERIODS].includes(spelling(name));

type Fields = Readonly<Record<string, unknown>>;

/** The cron expression for parts that name a time of day. Undefined for others, and for a day that there is not. */
export function cronOfParts(fields: Fields): string | undefined {
  const parts = new Map(Object.entries(fields).map(([name, value]) => [spelling(name), value]));
  for (const period of PERIODS) {
    const value = parts.get(period);
    if (typeof value === "string") parts.set("time", value);
    else if (typeof value === "object" && value !== null)
      for (const [name, inner] of Object.entries(value)) parts.set(spelling(name), inner);
  }
  const time = timeOf(parts);
  const isMonthly = parts.has("monthly");
  const named = [...OF_WEEK, "days", "day"].find((name) => parts.get(name) !== undefined);
  const isNamed = !isMonthly && named !== undefined;
  // A number under `day` may as well be a day of the month.
  const days = isNamed ? daysOf(parts.get(named), OF_WEEK.includes(named)) : parts.has("weekly") ? undefined : "*";
  const ofMonth = parts.get("dayofmonth") ?? parts.get("monthday") ?? (isMonthly ? (parts.get("day") ?? 1) : "*");
  if (time === undefined || days === undefined || !/^(?:\*|L|\d{1,2})$/i.test(String(ofMonth))) return undefined;
  const cron = `${time.minute} ${time.hour} ${String(ofMonth)} * ${days}`;
  return parseCron(cron).ok ? cron : undefined;
}

const given = (fields: Fields, names: readonly string[]): unknown =>
  Object.entries(fields).find(([name]) => names.includes(spelling(name)))?.[1];

const ONCE = /^(?:once|one[_ -]?(?:time|shot|off)|at|date|single)$/i;

/** Whether the parts name one time: by a date, or by a kind of that meaning. */
export const isOnce = (fields: Fields): boolean =>
  given(fields, ["date", "startdate", "rundate"]) !== undefined ||
  ONCE.test(String(given(fields, ["type", "kind", "mode", "trigger", "frequency"])));

/** Whether the parts say on which days, or that it is for every day. */
export const isDated = (fields: Fields): boolean =>
  given(fields, [
    ...PARTS.slice(4),
    ...OF_MONTH,
    ...PERIODS,
    "type",
    "kind",
    "mode",
    "trigger",
    "frequency",
    "hour",
  ]) !== undefined;

/** The one time of a date and a time of day, `2027-01-15T14:30`; without a date the next such time. In the zone beside it, or UTC. */
export function onceOfParts(fields: Fields, now: number): string | undefined {
  const [date, time] = [given(fields, ["date", "startdate", "rundate"]), given(fields, ["time", "at"])];
  const meant = instantOf([date, time].filter((one) => typeof one === "string").join(" "), now);
  return given(fields, ["timezone", "tz", "zone"]) === undefined ? meant : meant?.slice(0, 16);
}

function timeOf(parts: ReadonlyMap<string, unknown>) {
  const text = parts.get("time") ?? parts.get("at");
  if (typeof text === "string") return clockIn(text.toLowerCase());
  const [hour, minute] = [Number(parts.get("hour")), Number(parts.get("minute") ?? 0)];
  const isTime =
    Number.isInteger(hour) && Number.isInteger(minute) && hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
  return isTime ? { hour, minute } : undefined;
}

/**
 * The weekdays as cron takes them: `mon-fri`, `["mon", "wed"]`, `weekdays: true`, `monday`. Other schedulers begin to count at
 * another day, so numbers become names: who means another day sees it.
 */
function daysOf(given: unknown, mayBeNumbers: boolean): string | undefined {
  if (given === "*") return "*";
  if (given === true || /^(?:weekdays?|workdays?)$/i.test(String(given))) return "1-5";
  const texts = (Array.isArray(given) ? given : String(given).split(",")).map((one) =>
    String(one).trim().toLowerCase(),
  );
  const days = texts.map((text) => text.split("-").map((name) => dayOf(name, mayBeNumbers)));
  return days.flat().includes(undefined) ? undefined : days.map((range) => range.join("-").replace(/-0$/, "-7")).join();
}

function dayOf(name: string, mayBeNumber: boolean): string | undefined {
  if (/^[0-7]$/.test(name)) return mayBeNumber ? DAYS[Number(name) % 7]?.toUpperCase() : undefined;
  const day = DAYS.indexOf(name.slice(0, 3));
  return day === -1 ? undefined : String(day);
}
