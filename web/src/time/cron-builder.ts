/**
 * A form for cron expressions. It covers the few shapes that most schedules have, reads them from the text, and writes them
 * back.
 */

export const RHYTHMS = ["minutes", "hourly", "daily", "weekly", "monthly"] as const;
export type Rhythm = (typeof RHYTHMS)[number];

export type CronShape = {
  readonly rhythm: Rhythm;
  /** For `minutes`: the number of minutes between two fires. */
  readonly step: number;
  /** 0-59, for `hourly` and longer rhythms. */
  readonly minute: number;
  /** 0-23, for `daily` and longer rhythms. */
  readonly hour: number;
  /** 0 (Sunday) to 6; `weekly`. */
  readonly weekdays: readonly number[];
  /** 1-31, or `L` for the last day, for `monthly`. */
  readonly day: string;
};

export const DEFAULT_SHAPE: CronShape = {
  rhythm: "daily",
  step: 15,
  minute: 0,
  hour: 9,
  weekdays: [1, 2, 3, 4, 5],
  day: "1",
};

const NICKNAMES: Readonly<Record<string, string>> = {
  "@hourly": "0 * * * *",
  "@daily": "0 0 * * *",
  "@midnight": "0 0 * * *",
  "@weekly": "0 0 * * 0",
  "@monthly": "0 0 1 * *",
};

/** The shape of an expression. Undefined if it has none of them, so that the text itself is edited. */
export function shapeOf(cron: string): CronShape | undefined {
  const trimmed = cron.trim();
  const fields = (NICKNAMES[trimmed] ?? trimmed).split(/\s+/);
  const [minute = "", hour = "", day = "", month = "", weekday = ""] = fields;
  if (fields.length !== 5 || month !== "*") return undefined;
  const everyDay = day === "*" && weekday === "*";
  const step = /^\*\/(\d{1,2})$/.exec(minute)?.[1] ?? (minute === "*" ? "1" : undefined);
  if (step !== undefined) {
    return hour === "*" && everyDay && Number(step) > 0
      ? { ...DEFAULT_SHAPE, rhythm: "minutes", step: Number(step) }
      : undefined;
  }
  const atMinute = within(minute, 0, 59);
  if (atMinute === undefined) return undefined;
  if (hour === "*") return everyDay ? { ...DEFAULT_SHAPE, rhythm: "hourly", minute: atMinute } : undefined;
  const atHour = within(hour, 0, 23);
  if (atHour === undefined) return undefined;
  const shape = { ...DEFAULT_SHAPE, minute: atMinute, hour: atHour };
  if (everyDay) return { ...shape, rhythm: "daily" };
  if (day === "*") {
    const weekdays = weekdaysOf(weekday);
    return weekdays === undefined ? undefined : { ...shape, rhythm: "weekly", weekdays };
  }
  if (weekday !== "*" || (day !== "L" && within(day, 1, 31) === undefined)) return undefined;
  return { ...shape, rhythm: "monthly", day };
}

/** The expression of a shape; `shapeOf` reads it back. */
export function cronOf({ rhythm, step, minute, hour, weekdays, day }: CronShape): string {
  switch (rhythm) {
    case "minutes":
      return step === 1 ? "* * * * *" : `*/${step} * * * *`;
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${minute} ${hour} * * *`;
    case "weekly":
      return `${minute} ${hour} * * ${listOf(weekdays)}`;
    case "monthly":
      return `${minute} ${hour} ${day} * *`;
  }
}

function listOf(weekdays: readonly number[]): string {
  const sorted = [...weekdays].sort((a, b) => a - b);
  const [first = 1] = sorted;
  const last = sorted.at(-1) ?? first;
  const isRange = sorted.length > 2 && last - first === sorted.length - 1;
  return isRange ? `${first}-${last}` : sorted.join(",") || "1";
}

const NAMES = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

function weekdaysOf(field: string): readonly number[] | undefined {
  const days: number[] = [];
  for (const part of field.split(",")) {
    const [from, to] = part.split("-", 2).map(weekdayOf);
    if (from === undefined || (part.includes("-") && to === undefined)) return undefined;
    if (to !== undefined && to < from) return undefined;
    for (let day = from; day <= (to ?? from); day++) days.push(day % 7);
  }
  return [...new Set(days)].sort((a, b) => a - b);
}

function weekdayOf(text: string): number | undefined {
  const named = NAMES.indexOf(text.toUpperCase());
  return named >= 0 ? named : within(text, 0, 7);
}

function within(text: string, min: number, max: number): number | undefined {
  if (!/^\d{1,2}$/.test(text)) return undefined;
  const value = Number(text);
  return value >= min && value <= max ? value : undefined;
}
