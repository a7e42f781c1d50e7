/** The parts of a recurrence rule (docs/contract.md §13, RFC 5545 §3.3.10), as plain values. */

export const FREQUENCIES = ["MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"] as const;
export type Frequency = (typeof FREQUENCIES)[number];

/** A weekday, 0 (Sunday) to 6, or the nth one of its month or year. A negative nth counts from the end. */
export type RuleDay = { readonly weekday: number; readonly nth?: number };

/** A time as a rule writes it: a UTC instant, or a local time of the schedule's zone (see `zone.ts`). */
export type RuleTime = { readonly utc: number } | { readonly local: number };

/** A rule that has been read. Lists are sorted and without repeats. A part that is left out is undefined. */
export type RecurrenceRule = {
  readonly freq: Frequency;
  readonly interval: number;
  readonly count?: number;
  readonly until?: RuleTime;
  /** The first day of a week, 0 (Sunday) to 6. */
  readonly weekStart: number;
  readonly bySecond?: readonly number[];
  readonly byMinute?: readonly number[];
  readonly byHour?: readonly number[];
  readonly byDay?: readonly RuleDay[];
  readonly byMonthDay?: readonly number[];
  readonly byYearDay?: readonly number[];
  readonly byWeekNo?: readonly number[];
  readonly byMonth?: readonly number[];
  readonly bySetPos?: readonly number[];
  readonly except: readonly RuleTime[];
  readonly also: readonly RuleTime[];
};

/** The weekdays as rules write them, 0 (Sunday) to 6. */
export const WEEKDAY_CODES: readonly string[] = ["SU", "MO", "TU", "WE", "TH", "FR", "SA"];
