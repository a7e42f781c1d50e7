/**
 * Reads a recurrence rule (docs/contract.md §13, RFC 5545 §3.3.10) into plain values. An error names the part, the value
 * and the remedy. Nothing is ignored, although libraries silently accept `FOO=1` or `BYMONTHDAY=99`.
 */
import { compact } from "../compact.ts";
import { err, ok, type Result } from "../result.ts";
import { checkTogether } from "./rrule-check.ts";
import { OTHER_FREQUENCIES, partElsewhere, startElsewhere } from "./rrule-elsewhere.ts";
import { FREQUENCIES, type RecurrenceRule, type RuleDay, type RuleTime, WEEKDAY_CODES } from "./rrule-parts.ts";

const MAX_RULE_CHARS = 500;
const MAX_INTERVAL = 100_000;
const MAX_COUNT = 10_000;
const DAY_MS = 86_400_000;
const EXAMPLE = `e.g. "FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0"`;

/** The parts that are lists of numbers, with their ranges. Some of them take negative numbers, which count from the end. */
const NUMBER_PARTS = {
  BYSECOND: { field: "bySecond", min: 0, max: 59, signed: false },
  BYMINUTE: { field: "byMinute", min: 0, max: 59, signed: false },
  BYHOUR: { field: "byHour", min: 0, max: 23, signed: false },
  BYMONTHDAY: { field: "byMonthDay", min: 1, max: 31, signed: true },
  BYYEARDAY: { field: "byYearDay", min: 1, max: 366, signed: true },
  BYWEEKNO: { field: "byWeekNo", min: 1, max: 53, signed: true },
  BYMONTH: { field: "byMonth", min: 1, max: 12, signed: false },
  BYSETPOS: { field: "bySetPos", min: 1, max: 366, signed: true },
} as const;
type NumberPart = keyof typeof NUMBER_PARTS;
const isNumberPart = (part: string): part is NumberPart => Object.hasOwn(NUMBER_PARTS, part);

const PARTS = ["FREQ", "INTERVAL", "COUNT", "UNTIL", "WKST", "BYDAY", ...Object.keys(NUMBER_PARTS)];

/** Reads `text`. The error lists every fault as a complete sentence. */
export function parseRule(text: string): Result<RecurrenceRule, readonly string[]> {
  if (text.length > MAX_RULE_CHARS) {
    return err([`the rule has ${text.length} characters, at most ${MAX_RULE_CHARS} are taken; shorten its lists`]);
  }
  const errors: string[] = [];
  const lines = text
    .split(/\r?\n|\\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const isStart = (line: string) => /^DTSTART/i.test(line);
  errors.push(...lines.filter(isStart).slice(0, 1).map(startElsewhere));
  const [first = "", ...more] = lines.filter((line) => !isStart(line));
  const parts = splitParts(first, errors);
  const dates: { EXDATE: RuleTime[]; RDATE: RuleTime[] } = { EXDATE: [], RDATE: [] };
  for (const line of more) readDateLine(line, dates, errors);
  const rule = readParts(parts, errors);
  if (rule === undefined || errors.length > 0) return err(errors);
  const whole = { ...rule, except: dates.EXDATE, also: dates.RDATE };
  const misuse = checkTogether(whole);
  return misuse.length > 0 ? err(misuse) : ok(whole);
}

function splitParts(line: string, errors: string[]): ReadonlyMap<string, string> {
  const parts = new Map<string, string>();
  const body = line.replace(/^RRULE:/i, "");
  for (const item of body.split(";").filter((part) => part.trim() !== "")) {
    const [name = "", value, ...rest] = item.split("=");
    const part = name.trim().toUpperCase();
    if (value === undefined || value.trim() === "" || rest.length > 0) {
      errors.push(`"${item}" does not read: a part is NAME=VALUE, ${EXAMPLE}`);
    } else if (!PARTS.includes(part)) {
      errors.push(
        partElsewhere(part, value.trim()) ?? `"${part}" is not a part of a rule; the parts are ${PARTS.join(" ")}`,
      );
    } else if (parts.has(part)) {
      errors.push(`${part} is given twice; write it once${part.startsWith("BY") ? ", with its values as a list" : ""}`);
    } else parts.set(part, value.trim().toUpperCase());
  }
  return parts;
}

function readParts(
  parts: ReadonlyMap<string, string>,
  errors: string[],
): Omit<RecurrenceRule, "except" | "also"> | undefined {
  const freq = FREQUENCIES.find((known) => known === parts.get("FREQ"));
  if (freq === undefined) errors.push(wrongFrequency(parts.get("FREQ")));
  const count = (part: "INTERVAL" | "COUNT", max: number): number | undefined => {
    const text = parts.get(part);
    if (text === undefined) return undefined;
    const value = /^\d+$/.test(text) ? Number(text) : 0;
    if (value < 1 || value > max) errors.push(`${part}=${text} is out of range; ${part} takes 1 to ${max}`);
    return value;
  };
  const interval = count("INTERVAL", MAX_INTERVAL) ?? 1;
  const times = count("COUNT", MAX_COUNT);
  const untilText = parts.get("UNTIL");
  const until = untilText === undefined ? undefined : readTime("UNTIL", untilText, errors, true);
  if (times !== undefined && until !== undefined) errors.push("COUNT and UNTIL exclude each other; keep one of them");
  const byDay = readDays(parts.get("BYDAY"), errors);
  const weekStart = WEEKDAY_CODES.indexOf(parts.get("WKST") ?? "MO");
  if (weekStart < 0)
    errors.push(`WKST=${parts.get("WKST")} is not a weekday; WKST takes one of ${WEEKDAY_CODES.join(" ")}`);
  const lists: Partial<Record<(typeof NUMBER_PARTS)[NumberPart]["field"], readonly number[]>> = {};
  for (const [part, text] of parts) {
    if (isNumberPart(part)) lists[NUMBER_PARTS[part].field] = readNumbers(part, text, errors);
  }
  if (freq === undefined) return undefined;
  return {
    freq,
    interval,
    weekStart,
    ...compact({ count: times, until, byDay }),
    ...lists,
  };
}

function wrongFrequency(text: string | undefined): string {
  if (text === undefined) return `FREQ is missing; begin the rule with FREQ=, ${EXAMPLE}`;
  const other = OTHER_FREQUENCIES[text];
  const instead =
    text === "SECONDLY" ? `; for seconds use {"every": "30s"}` : other === undefined ? "" : `; write ${other}`;
  return `FREQ=${text} is not taken; FREQ takes ${FREQUENCIES.join(" ")}${instead}`;
}

function readNumbers(part: NumberPart, text: string, errors: string[]): readonly number[] {
  const { min, max, signed } = NUMBER_PARTS[part];
  const values = text.split(",").map((item) => {
    const value = (signed ? /^[+-]?\d{1,3}$/ : /^\d{1,3}$/).test(item) ? Number(item) : Number.NaN;
    if (Math.abs(value) >= min && Math.abs(value) <= max) return value;
    const range = signed ? `${min} to ${max}, or -${max} to -${min} from the end` : `${min} to ${max}`;
    errors.push(`${part}: "${item}" is out of range; ${part} takes ${range}`);
    return min;
  });
  return [...new Set(values)].sort((a, b) => a - b);
}

function readDays(text: string | undefined, errors: string[]): readonly RuleDay[] | undefined {
  if (text === undefined) return undefined;
  const days = new Map<string, RuleDay>();
  for (const item of text.split(",")) {
    const [, ordinal = "", code = ""] = /^([+-]?\d{1,2})?([A-Z]{2})$/.exec(item) ?? [];
    const weekday = WEEKDAY_CODES.indexOf(code);
    const nth = ordinal === "" ? undefined : Number(ordinal);
    if (weekday < 0 || nth === 0 || (nth !== undefined && Math.abs(nth) > 53)) {
      errors.push(`BYDAY: "${item}" is not a weekday; ${meantDay(item)}`);
    } else days.set(`${nth} ${weekday}`, { weekday, ...compact({ nth }) });
  }
  return [...days.values()].sort((a, b) => a.weekday - b.weekday || (a.nth ?? 0) - (b.nth ?? 0));
}

/** The weekday that a name begins with (`TUE`, `2TUESDAY`), as written here. Otherwise all of them. */
function meantDay(item: string): string {
  const [, ordinal = "", name = ""] = /^([+-]?\d{0,2})([A-Z]+)$/.exec(item) ?? [];
  const code = name.length > 2 ? WEEKDAY_CODES.find((known) => name.startsWith(known)) : undefined;
  if (code !== undefined) return `write ${ordinal}${code}`;
  return `BYDAY takes ${WEEKDAY_CODES.join(" ")}, or e.g. 2TU for the second Tuesday, -1FR for the last Friday`;
}

/** `EXDATE:20271224T140000,20271231T140000Z`: times with `Z` are UTC, others local. */
function readDateLine(line: string, dates: { EXDATE: RuleTime[]; RDATE: RuleTime[] }, errors: string[]): void {
  const [, name = "", parameters = "", values = ""] = /^(EXDATE|RDATE)([^:]*):(.*)$/i.exec(line) ?? [];
  const part = name.toUpperCase();
  if (part !== "EXDATE" && part !== "RDATE") {
    errors.push(`"${line}" does not read: after the rule come EXDATE: and RDATE: lines, e.g. EXDATE:20271224T140000`);
    return;
  }
  if (parameters !== "") {
    errors.push(
      `${part}${parameters} is not taken: times are local in schedule.timezone, or UTC with Z; write ${part}:${values}`,
    );
    return;
  }
  for (const text of values.split(",")) {
    const time = readTime(part, text.trim(), errors, false);
    if (time !== undefined) dates[part].push(time);
  }
}

/** `20271224T140000Z`, or a local time without `Z`. UNTIL also takes a date, which means the whole day. */
function readTime(part: string, text: string, errors: string[], takesDate: boolean): RuleTime | undefined {
  const match = /^(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z)?)?$/i.exec(text);
  const field = (index: number) => Number(match?.[index] ?? "0");
  const at = Date.UTC(field(1), field(2) - 1, field(3), field(4), field(5), field(6));
  const written = new Date(at).toISOString().slice(0, 19).replace(/[-:T]/g, "");
  const isReal = match !== null && written === text.slice(0, 15).replace(/T/i, "").padEnd(14, "0");
  if (!isReal || field(1) < 100 || (match?.[4] === undefined && !takesDate)) {
    const [, year, month, day] = /^(\d{4})-?(\d{2})-?(\d{2})/.exec(text) ?? [];
    if (takesDate && year !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(text)) {
      errors.push(`${part}: "${text}" is not a time; write ${part}=${year}${month}${day}`);
      return undefined;
    }
    const date = year === undefined ? "" : `, e.g. "exclude": ["${year}-${month}-${day}"]`;
    const whole = takesDate ? "" : `; to leave out whole dates use schedule.exclude${part === "EXDATE" ? date : ""}`;
    errors.push(`${part}: "${text}" is not a time; write 20271224T140000 (local) or 20271224T130000Z (UTC)${whole}`);
    return undefined;
  }
  if (match?.[4] === undefined) return { local: at + DAY_MS - 1 };
  return match[7] === undefined ? { local: at } : { utc: at };
}
