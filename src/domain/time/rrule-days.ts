/**
 * The days that the BY parts of a recurrence rule name (RFC 5545 §3.3.10). A day is the count of days since 1970-01-01 of
 * its local date.
 */
import type { RecurrenceRule } from "./rrule-parts.ts";

export const DAY_MS = 86_400_000;

/** A local date in its parts. Months and days count from 1. */
export type LocalDate = {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
};

/** The days of 400 Gregorian years, after which the calendar repeats, and the days from 0000-03-01 to 1970-01-01. */
const ERA_DAYS = 146_097;
const EPOCH_DAYS = 719_468;

/**
 * The date of a day. A rule looks at hundreds of thousands of days, and this costs a tenth of a `Date`. Years begin in
 * March here, so a leap day is the last day of its year.
 */
export function dateOf(dayNumber: number): LocalDate {
  const shifted = dayNumber + EPOCH_DAYS;
  const era = Math.floor(shifted / ERA_DAYS);
  const dayOfEra = shifted - era * ERA_DAYS;
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1_460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  );
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const fromMarch = Math.floor((5 * dayOfYear + 2) / 153);
  const month = fromMarch < 10 ? fromMarch + 3 : fromMarch - 9;
  return {
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
    month,
    day: dayOfYear - Math.floor((153 * fromMarch + 2) / 5) + 1,
    weekday: weekdayOf(dayNumber),
  };
}

/** 0 (Sunday) to 6; 1970-01-01 was a Thursday. */
const weekdayOf = (dayNumber: number): number => (((dayNumber + 4) % 7) + 7) % 7;

/** The day number of a date. Month 13 is the first month of the next year. */
export function dayNumberOf(year: number, month: number, day: number): number {
  if (month > 12) return dayNumberOf(year + 1, month - 12, day);
  const fromMarch = month > 2 ? year : year - 1;
  const era = Math.floor(fromMarch / 400);
  const yearOfEra = fromMarch - era * 400;
  const dayOfYear = Math.floor((153 * (month > 2 ? month - 3 : month + 9) + 2) / 5) + day - 1;
  const dayOfEra = yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear;
  return era * ERA_DAYS + dayOfEra - EPOCH_DAYS;
}

/** The rule completed with the day parts of its start: DTSTART's weekday, day of the month, or month. */
export function withStartDays(rule: RecurrenceRule, start: LocalDate): RecurrenceRule {
  const { freq, byDay, byMonthDay, byYearDay, byWeekNo, byMonth } = rule;
  const namesDays = [byDay, byMonthDay, byYearDay, byWeekNo].some((part) => part !== undefined);
  if (namesDays) return rule;
  if (freq === "WEEKLY") return { ...rule, byDay: [{ weekday: start.weekday }] };
  if (freq === "MONTHLY") return { ...rule, byMonthDay: [start.day] };
  if (freq === "YEARLY") return { ...rule, byMonthDay: [start.day], byMonth: byMonth ?? [start.month] };
  return rule;
}

/** Whether every day part of the rule names this day. Cheap checks come first. */
export function namesDay(rule: RecurrenceRule, dayNumber: number): boolean {
  const { byMonth, byMonthDay, byYearDay, byWeekNo, byDay } = rule;
  if (byDay?.every(({ weekday }) => weekday !== weekdayOf(dayNumber))) return false;
  const date = dateOf(dayNumber);
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

/** The first day from `dayNumber` on in a month that the rule names. */
export function nextMonthDay({ byMonth }: RecurrenceRule, dayNumber: number): number {
  const { year, month } = dateOf(dayNumber);
  if (byMonth === undefined || byMonth.includes(month)) return dayNumber;
  const later = byMonth.find((one) => one > month) ?? (byMonth[0] ?? 1) + 12;
  return dayNumberOf(year, later, 1);
}

/** The last day up to `dayNumber` in a month that the rule names. */
export function lastMonthDay({ byMonth }: RecurrenceRule, dayNumber: number): number {
  const { year, month } = dateOf(dayNumber);
  if (byMonth === undefined || byMonth.includes(month)) return dayNumber;
  const earlier = byMonth.findLast((one) => one < month);
  return dayNumberOf(earlier === undefined ? year - 1 : year, (earlier ?? byMonth.at(-1) ?? 12) + 1, 1) - 1;
}

/** Whether `values` contain a place. Places count from 1, or with a minus from the end of `length`. */
const eitherEnd = (values: readonly number[], place: number, length: number): boolean =>
  values.includes(place) || values.includes(place - length - 1);

/** Whether the day is the nth of its weekday in its month. In a yearly rule without months it is the nth in its year. */
function isNth({ freq, byMonth }: RecurrenceRule, dayNumber: number, date: LocalDate, nth: number): boolean {
  const inYear = freq === "YEARLY" && byMonth === undefined;
  const first = inYear ? dayNumberOf(date.year, 1, 1) : dayNumberOf(date.year, date.month, 1);
  const end = inYear ? dayNumberOf(date.year + 1, 1, 1) : dayNumberOf(date.year, date.month + 1, 1);
  const place = Math.floor((dayNumber - first) / 7) + 1;
  const fromEnd = Math.floor((end - 1 - dayNumber) / 7) + 1;
  return nth > 0 ? nth === place : -nth === fromEnd;
}

/**
 * The week of the year that contains a day, and the number of weeks of that year. Week 1 is the first with four days of the
 * year.
 */
function weekOf(dayNumber: number, weekStart: number): { readonly no: number; readonly weeks: number } {
  const { year } = dateOf(dayNumber);
  const [here, after] = [firstWeek(year, weekStart), firstWeek(year + 1, weekStart)];
  const [start, end] =
    dayNumber < here
      ? [firstWeek(year - 1, weekStart), here]
      : dayNumber < after
        ? [here, after]
        : [after, firstWeek(year + 2, weekStart)];
  return { no: Math.floor((dayNumber - start) / 7) + 1, weeks: (end - start) / 7 };
}

/** The first day of a year's week 1: the week that holds 4 January. */
function firstWeek(year: number, weekStart: number): number {
  return weekStartOf(dayNumberOf(year, 1, 4), weekStart);
}

/** The first day of the week that contains a day. */
export function weekStartOf(dayNumber: number, weekStart: number): number {
  return dayNumber - ((dateOf(dayNumber).weekday - weekStart + 7) % 7);
}
