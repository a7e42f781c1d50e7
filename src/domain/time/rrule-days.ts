/**
 * The days of a recurrence rule (RFC 5545 §3.3.10): which ones its BY parts name. A day is the count of days since
 * 1970-01-01 of its local date.
 */
import type { RecurrenceRule } from "./rrule-parts.ts";

export const DAY_MS = 86_400_000;

/** A local date taken apart. Months and days count from 1. */
export type LocalDate = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
};

export function dateOf(dayNumber: number): LocalDate {
  const date = new Date(dayNumber * DAY_MS);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
  };
}

/** The day number of a date; month 13 is the next year's first. */
export const dayNumberOf = (year: number, month: number, day: number): number =>
  Date.UTC(year, month - 1, day) / DAY_MS;

/** The rule with the day parts that it leaves to its start: the weekday, day of the month or month that DTSTART has. */
export function withStartDays(rule: RecurrenceRule, start: LocalDate): RecurrenceRule {
  const { freq, byDay, byMonthDay, byYearDay, byWeekNo, byMonth } = rule;
  const namesDays = [byDay, byMonthDay, byYearDay, byWeekNo].some((part) => part !== undefined);
  if (namesDays) return rule;
  if (freq === "WEEKLY") return { ...rule, byDay: [{ weekday: start.weekday }] };
  if (freq === "MONTHLY") return { ...rule, byMonthDay: [start.day] };
  if (freq === "YEARLY") return { ...rule, byMonthDay: [start.day], byMonth: byMonth ?? [start.month] };
  return rule;
}

/** Whether every day part of the rule names this day. */
export function namesDay(rule: RecurrenceRule, dayNumber: number): boolean {
  const date = dateOf(dayNumber);
  const { byMonth, byMonthDay, byYearDay, byWeekNo, byDay } = rule;
  if (byMonth !== undefined && !byMonth.includes(date.month)) return false;
  if (byMonthDay !== undefined) {
    const length = dayNumberOf(date.year, date.month + 1, 1) - dayNumberOf(date.year, date.month, 1);
    if (!eitherEnd(byMonthDay, date.day, length)) return false;
  }
  if (byYearDay !== undefined) {
    const first = dayNumberOf(date.year, 1, 1);
    if (!eitherEnd(byYearDay, dayNumber - first + 1, dayNumberOf(date.year + 1, 1, 1) - first)) return false;
  }
  if (byWeekNo !== undefined) {
    const week = weekOf(dayNumber, rule.weekStart);
    if (!eitherEnd(byWeekNo, week.no, week.weeks)) return false;
  }
  if (byDay === undefined) return true;
  return byDay.some(
    ({ weekday, nth }) => weekday === date.weekday && (nth === undefined || isNth(rule, dayNumber, date, nth)),
  );
}

/** Whether `values` hold a place, counted from 1, or the same place counted from the end of `length` with a minus. */
const eitherEnd = (values: readonly number[], place: number, length: number): boolean =>
  values.includes(place) || values.includes(place - length - 1);

/** Whether the day is the nth of its weekday: in its month, or where the rule is yearly and names no months in its year. */
function isNth({ freq, byMonth }: RecurrenceRule, dayNumber: number, date: LocalDate, nth: number): boolean {
  const inYear = freq === "YEARLY" && byMonth === undefined;
  const first = inYear ? dayNumberOf(date.year, 1, 1) : dayNumberOf(date.year, date.month, 1);
  const end = inYear ? dayNumberOf(date.year + 1, 1, 1) : dayNumberOf(date.year, date.month + 1, 1);
  const place = Math.floor((dayNumber - first) / 7) + 1;
  const fromEnd = Math.floor((end - 1 - dayNumber) / 7) + 1;
  return nth > 0 ? nth === place : -nth === fromEnd;
}

/** The week of the year that a day lies in, and how many the year has: week 1 is the first with four days of the year. */
function weekOf(dayNumber: number, weekStart: number): { readonly no: number; readonly weeks: number } {
  const { year } = dateOf(dayNumber);
  const starts = [year - 1, year, year + 1, year + 2].map((each) => firstWeek(each, weekStart));
  const index = starts.findLastIndex((start) => start <= dayNumber);
  const start = starts[index] ?? dayNumber;
  return { no: Math.floor((dayNumber - start) / 7) + 1, weeks: ((starts[index + 1] ?? start) - start) / 7 };
}

/** The first day of a year's week 1: the week that holds 4 January. */
function firstWeek(year: number, weekStart: number): number {
  return weekStartOf(dayNumberOf(year, 1, 4), weekStart);
}

/** The first day of the week that a day lies in. */
export function weekStartOf(dayNumber: number, weekStart: number): number {
  return dayNumber - ((dateOf(dayNumber).weekday - weekStart + 7) % 7);
}
