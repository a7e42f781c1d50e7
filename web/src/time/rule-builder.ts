/**
 * A form for recurrence rules. It covers the few shapes that calendars offer, reads them from the text, and writes them
 * back.
 */

export const RULE_RHYTHMS = ["DAILY", "WEEKLY", "MONTHLY"] as const;
export type RuleRhythm = (typeof RULE_RHYTHMS)[number];

export const WEEKDAY_CODES = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"] as const;
export type WeekdayCode = (typeof WEEKDAY_CODES)[number];

export type RuleShape = {
  readonly rhythm: RuleRhythm;
  readonly interval: number;
  /** For `WEEKLY`. */
  readonly weekdays: readonly WeekdayCode[];
  /** For `MONTHLY`: the nth of this weekday; -1 is the last. */
  readonly nth: number;
  readonly weekday: WeekdayCode;
  /** `14:00`. */
  readonly time: string;
};

export const DEFAULT_RULE: RuleShape = {
  rhythm: "WEEKLY",
  interval: 2,
  weekdays: ["TU"],
  nth: 1,
  weekday: "MO",
  time: "09:00",
};

const isCode = (text: string): text is WeekdayCode => WEEKDAY_CODES.some((code) => code === text);

/** The shape of a rule. Undefined if it has none of them, so that the text itself is edited. */
export function ruleShapeOf(text: string): RuleShape | undefined {
  const parts = new Map<string, string>();
  for (const part of text
    .trim()
    .replace(/^RRULE:/i, "")
    .split(";")) {
    const [name = "", value = ""] = part.toUpperCase().split("=");
    if (parts.has(name)) return undefined;
    parts.set(name, value);
  }
  const rhythm = RULE_RHYTHMS.find((known) => known === parts.get("FREQ"));
  const interval = /^\d{1,4}$/.test(parts.get("INTERVAL") ?? "1") ? Number(parts.get("INTERVAL") ?? "1") : 0;
  const [hour, minute] = [within(parts.get("BYHOUR"), 23), within(parts.get("BYMINUTE"), 59)];
  const byDay = parts.get("BYDAY");
  for (const known of ["FREQ", "INTERVAL", "BYHOUR", "BYMINUTE", "BYDAY"]) parts.delete(known);
  if (rhythm === undefined || interval < 1 || hour === undefined || minute === undefined || parts.size > 0)
    return undefined;
  const shape = { ...DEFAULT_RULE, rhythm, interval, time: `${hour}:${minute}` };
  if (rhythm === "DAILY") return byDay === undefined ? shape : undefined;
  if (rhythm === "WEEKLY") {
    const weekdays = (byDay ?? "").split(",").filter(isCode);
    return weekdays.length > 0 && weekdays.length === byDay?.split(",").length ? { ...shape, weekdays } : undefined;
  }
  const [, nth = "", weekday = ""] = /^(-1|[1-5])([A-Z]{2})$/.exec(byDay ?? "") ?? [];
  return isCode(weekday) ? { ...shape, nth: Number(nth), weekday } : undefined;
}

/** The rule of a shape; `ruleShapeOf` reads it back. */
export function ruleOf({ rhythm, interval, weekdays, nth, weekday, time }: RuleShape): string {
  const [hour = "9", minute = "0"] = time.split(":").map((part) => String(Number(part)));
  const days =
    rhythm === "WEEKLY"
      ? `;BYDAY=${WEEKDAY_CODES.filter((code) => weekdays.includes(code)).join(",")}`
      : rhythm === "MONTHLY"
        ? `;BYDAY=${nth}${weekday}`
        : "";
  return `FREQ=${rhythm}${interval === 1 ? "" : `;INTERVAL=${interval}`}${days};BYHOUR=${hour};BYMINUTE=${minute}`;
}

/** Two digits of a number up to `max`. */
function within(text: string | undefined, max: number): string | undefined {
  return text !== undefined && /^\d{1,2}$/.test(text) && Number(text) <= max ? text.padStart(2, "0") : undefined;
}
