/**
 * Reads a cron expression (docs/contract.md §1) into plain lists of values. An error names the field, the value and the
 * remedy.
 *
 * Cron dialects differ in these points:
 * - `5/10` is "from 5, every 10", as in Go's robfig/cron. `SUN` closes a range as 7 (`FRI-SUN`).
 * - A day field is unrestricted if it contains `*`, `?` or `*` with step 1. `*` with a larger step restricts it. If both
 * day fields
 *   are restricted, a day that matches either one fires.
 */
import { err, ok, type Result } from "../result.ts";
import { findZone } from "./zone.ts";

/** A cron expression that has been read. */
export type CronExpression = {
  /** The five fields as numbers, lists, `*`, and `L`, `W`, `#`. All dialects read these alike. */
  readonly canonical: string;
  /** The five fields as written, for people. Names are in capitals and nicknames are spelled out. */
  readonly fields: readonly [string, string, string, string, string];
  /** Set if neither the minute nor the hour field begins with `*`. Then clock changes neither skip nor repeat a fire. */
  readonly fixedTime: boolean;
  /** From a leading `CRON_TZ=` or `TZ=`. */
  readonly timeZone?: string;
};

type Field = {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** The end of an open range (`*`, `5/10`) if it is before `max`, because weekday 7 is Sunday again. */
  readonly openMax?: number;
  /** The names of the values. The first one means `min`. */
  readonly names?: readonly string[];
  /**
   * Reads the items that only this field knows (`L`, `W`, `#`). The answer is the canonical text, a refusal, or null for
   * any other item.
   */
  readonly special?: (item: string, field: Field) => Result<string, string> | null;
};

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

const MINUTE: Field = { name: "minute", min: 0, max: 59 };
const HOUR: Field = { name: "hour", min: 0, max: 23 };
const DAY_OF_MONTH: Field = { name: "day of month", min: 1, max: 31, special: specialDay };
const MONTH: Field = { name: "month", min: 1, max: 12, names: MONTHS };
const DAY_OF_WEEK: Field = {
  name: "day of week",
  min: 0,
  max: 7,
  openMax: 6,
  names: WEEKDAYS,
  special: specialWeekday,
};

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ["@yearly", "0 0 1 1 *"],
  ["@annually", "0 0 1 1 *"],
  ["@monthly", "0 0 1 * *"],
  ["@weekly", "0 0 * * 0"],
  ["@daily", "0 0 * * *"],
  ["@midnight", "0 0 * * *"],
  ["@hourly", "0 * * * *"],
]);

const SHAPE = "five fields: minute hour day-of-month month day-of-week";
const EXAMPLE = `e.g. "0 9 * * 1-5" for 09:00 from Monday to Friday`;

/** Reads `text`. The error lists every fault as a complete sentence. */
export function parseCron(text: string): Result<CronExpression, readonly string[]> {
  const prefix = /^\s*(?:CRON_TZ|TZ)=(\S*)\s*/i.exec(text);
  const expression = text.slice(prefix?.[0].length ?? 0).trim();
  const zone = prefix === null ? undefined : findZone(prefix[1] ?? "");
  const zoneErrors = zone === undefined || zone.ok ? [] : [zone.error];

  const parts = fiveParts(expression);
  if (!parts.ok) return err([...zoneErrors, parts.error]);
  const [minute, hour, day, month, weekday] = parts.value;
  const read = [
    parseField(MINUTE, minute),
    parseField(HOUR, hour),
    parseField(DAY_OF_MONTH, day),
    parseField(MONTH, month),
    parseField(DAY_OF_WEEK, weekday),
  ];
  const errors = [...zoneErrors, ...read.flatMap((field) => (field.ok ? [] : field.error))];
  if (errors.length > 0) return err(errors);
  return ok({
    canonical: read.map((field) => (field.ok ? field.value : "")).join(" "),
    fields: parts.value,
    fixedTime: !/^[*?]/.test(minute) && !/^[*?]/.test(hour),
    ...(zone?.ok ? { timeZone: zone.value } : {}),
  });
}

/** The times of a day at which a cron fires, in ms after midnight, ascending. They hold for every day that it names. */
export function cronTimes({ canonical }: Pick<CronExpression, "canonical">): number[] {
  const [minute = "*", hour = "*"] = canonical.split(" ");
  const values = (field: string, size: number) =>
    field === "*"
      ? Array.from({ length: size }, (_, value) => value)
      : field
          .split(",")
          .map(Number)
          .sort((a, b) => a - b);
  return values(hour, 24).flatMap((h) => values(minute, 60).map((m) => (h * 60 + m) * 60_000));
}

function fiveParts(expression: string): Result<CronExpression["fields"], string> {
  if (expression === "") return err(`the cron expression is empty; write ${SHAPE}, ${EXAMPLE}`);
  if (expression.startsWith("@")) {
    const spelledOut = NICKNAMES.get(expression.toLowerCase());
    if (spelledOut === undefined) return err(unknownNickname(expression));
    return fiveParts(spelledOut);
  }
  if (/^\d{4}-\d{2}/.test(expression)) {
    return err(`"${expression}" is a date, not a cron expression; to fire once use {"at": "2027-01-15T14:30:00Z"}`);
  }
  const parts = expression.toUpperCase().split(/\s+/);
  const [minute, hour, day, month, weekday] = parts;
  if (
    parts.length !== 5 ||
    minute === undefined ||
    hour === undefined ||
    day === undefined ||
    month === undefined ||
    weekday === undefined
  ) {
    return err(wrongCount(expression, parts));
  }
  return ok([minute, hour, day, month, weekday]);
}

function unknownNickname(expression: string): string {
  const every = /^@every\s+(\S+)$/i.exec(expression);
  if (every !== null) return `"${expression}" is not taken as cron; use {"every": "${every[1]}"} instead of cron`;
  if (/^@every$/i.test(expression)) return `"@every" is not taken as cron; use {"every": "5m"} instead of cron`;
  const hint = /^@reboot$/i.test(expression) ? `; nothing here reboots: use {"at": …} or {"every": …}` : "";
  return `"${expression}" is not a known nickname; there are ${[...NICKNAMES.keys()].join(" ")}${hint}`;
}

function wrongCount(expression: string, parts: readonly string[]): string {
  const count = `"${expression}" has ${parts.length} field${parts.length === 1 ? "" : "s"}`;
  if (parts.length === 6 && /^(?:19|20)\d\d/.test(parts[5] ?? "")) {
    return `${count}, but a cron expression here has ${SHAPE}, and no year; drop it ("${parts.slice(0, 5).join(" ")}") and bound the schedule with ends_at`;
  }
  if (parts.length === 6) {
    return `${count}, but a cron expression here has ${SHAPE}, and no seconds; drop the first field ("${parts.slice(1).join(" ")}"), or for less than a minute use {"every": "30s"}`;
  }
  return `${count}, but a cron expression has ${SHAPE}, ${EXAMPLE}`;
}

/** The canonical text of one field, or the faults of its items. */
function parseField(field: Field, text: string): Result<string, readonly string[]> {
  const errors: string[] = [];
  const values = new Set<number>();
  const specials = new Set<string>();
  let unrestricted = false;
  const items = text.split(",");
  for (const item of items) {
    const special = field.special?.(item, field) ?? null;
    if (special !== null) {
      if (!special.ok) errors.push(special.error);
      else if (special.value === "LW" && items.length > 1) errors.push(wrong(field, text, "LW cannot stand in a list"));
      else specials.add(special.value);
      continue;
    }
    const range = parseItem(field, item);
    if (!range.ok) {
      errors.push(range.error);
      continue;
    }
    const { from, to, step, open } = range.value;
    if (open && step === 1) unrestricted = true;
    for (let value = from; value <= to; value += step) values.add(field.openMax === 6 ? value % 7 : value);
  }
  if (errors.length > 0) return err(errors);
  if (unrestricted) return ok("*");
  if (values.size === 0 && specials.size === 0) return err([wrong(field, text, "no value is in it")]);
  return ok([...[...values].sort((a, b) => a - b), ...specials].join(","));
}

type Item = { readonly from: number; readonly to: number; readonly step: number; readonly open: boolean };

/** One item of a list: `*`, `?`, `5`, `1-5`, each perhaps with `/step`. */
function parseItem(field: Field, item: string): Result<Item, string> {
  const [base = "", stepText, ...rest] = item.split("/");
  if (base === "" || rest.length > 0) {
    return err(wrong(field, item, item === "" ? "a value is missing" : "it does not read", stepExample(field)));
  }
  const step = stepText === undefined ? ok(1) : parseStep(field, item, stepText);
  if (!step.ok) return step;
  const openMax = field.openMax ?? field.max;
  if (base === "*" || base === "?") return ok({ from: field.min, to: openMax, step: step.value, open: true });

  const [fromText = "", toText, ...more] = base.split("-");
  if (more.length > 0) return err(wrong(field, item, "it does not read"));
  const from = parseValue(field, fromText, item);
  if (!from.ok) return from;
  if (toText === undefined) {
    if (stepText === undefined) return ok({ from: from.value, to: from.value, step: 1, open: false });
    // An open range that begins with Sunday as 7 begins at 0, since no day comes after 7.
    const begin = from.value > openMax ? field.min : from.value;
    return ok({ from: begin, to: openMax, step: step.value, open: false });
  }
  const to = parseValue(field, toText, item);
  if (!to.ok) return to;
  // Sunday is 0 and 7. At the end of a range it is the end of the week.
  const end = toText === "SUN" && from.value > 0 ? field.max : to.value;
  if (end < from.value)
    return err(wrong(field, item, "the range runs backwards", `write ${forwards(field, from.value, end)}`));
  return ok({ from: from.value, to: end, step: step.value, open: false });
}

/** A range over the end (22-2) as two ranges that run forwards (22-23,0-2). */
function forwards(field: Field, from: number, to: number): string {
  const max = field.openMax ?? field.max;
  const head = from > max ? "" : from === max ? `${from},` : `${from}-${max},`;
  return `"${head}${to === field.min ? to : `${field.min}-${to}`}"`;
}

function parseStep(field: Field, item: string, text: string): Result<number, string> {
  const size = (field.openMax ?? field.max) - field.min + 1;
  if (!/^\d+$/.test(text)) return err(wrong(field, item, `the step "${text}" is not a number`, stepExample(field)));
  const step = Number(text);
  if (step >= 1 && step <= size) return ok(step);
  const unit = field === MINUTE ? "m" : field === HOUR ? "h" : "d";
  const instead = step > 0 && field !== MONTH ? `; for an interval use {"every": "${step}${unit}"}` : "";
  return err(wrong(field, item, `a step must be 1-${size}`, `${stepExample(field)}${instead}`));
}

const stepExample = (field: Field) => `write e.g. "*/${field === MINUTE ? 15 : 2}"`;

function parseValue(field: Field, text: string, item: string): Result<number, string> {
  const named = field.names?.indexOf(text) ?? -1;
  if (named >= 0) return ok(named + field.min);
  if (/^\d+$/.test(text) && Number(text) >= field.min && Number(text) <= field.max) return ok(Number(text));
  if (text === item && text !== "") return err(`${field.name} "${text}" is not allowed; ${takes(field)}`);
  return err(wrong(field, item, text === "" ? "a value is missing" : `"${text}" is not allowed`));
}

/** `L` the last day, `LW` the last weekday, `15W` the weekday nearest to the 15th. */
function specialDay(item: string, field: Field): Result<string, string> | null {
  if (item === "L" || item === "LW") return ok(item);
  if (item === "WL") return ok("LW");
  if (/^L-\d+W?$/.test(item))
    return err(wrong(field, item, "days before the last cannot be counted", `use "L" or "LW"`));
  const near = /^([^W]*)W$/.exec(item);
  if (near === null) return null;
  const day = Number(near[1]);
  return /^\d+$/.test(near[1] ?? "") && day >= field.min && day <= field.max
    ? ok(`${day}W`)
    : err(wrong(field, item, "W follows one day", `write e.g. "15W"`));
}

/** `FRI#2` or `5#2` the second Friday, `FRIL` or `5L` the last. */
function specialWeekday(item: string, field: Field): Result<string, string> | null {
  if (item === "L") return err(wrong(field, item, "L follows a weekday", `write e.g. "5L" for the last Friday`));
  const match = /^(.+?)(?:#(.*)|L)$/.exec(item);
  if (match === null) return null;
  const day = parseValue(field, match[1] ?? "", item);
  const nth = match[2];
  if (!day.ok || (nth !== undefined && !/^[1-5]$/.test(nth))) {
    return err(wrong(field, item, "# takes one weekday and 1-5, L one weekday", `write e.g. "FRI#2" or "5L"`));
  }
  return ok(`${day.value % 7}${nth === undefined ? "L" : `#${nth}`}`);
}

/** One error: the field, the value as written, the reason, and the values that the field takes. */
function wrong(field: Field, item: string, why: string, remedy?: string): string {
  return `${field.name} "${item}": ${why}; ${takes(field)}${remedy === undefined ? "" : `; ${remedy}`}`;
}

function takes({ name, min, max, names }: Field): string {
  return `${name} takes ${min}-${max}${names === undefined ? "" : ` or ${names[0]}-${names.at(-1)}`}`;
}
