/** The meaning of a value of the wrong form: `3600` for "1h", an epoch for an instant, `"Reuse"` for "reuse". */
import { formatDuration, parseDuration } from "../../domain/time/duration.ts";
import { formatInstant, MAX_INSTANT, parseInstant } from "../../domain/time/instant.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS, WEEK_MS } from "../../schema/limits.ts";
import type { Field, Reads } from "./field.ts";
import { nearNames, sameName, spelling, wordsOf } from "./near.ts";
import { awsOf, cronOf, hasClock, instantOf, withoutSeconds, withShortNames } from "./words.ts";
import { json } from "./write.ts";

/** Units in the spellings of people and models, in milliseconds. */
const UNITS: readonly (readonly [ms: number, names: readonly string[]])[] = [
  [1, ["ms", "msec", "msecs", "millis", "millisecond", "milliseconds"]],
  [SECOND_MS, ["s", "sec", "secs", "second", "seconds"]],
  [MINUTE_MS, ["m", "min", "mins", "minute", "minutes"]],
  [HOUR_MS, ["h", "hr", "hrs", "hour", "hours"]],
  [DAY_MS, ["d", "day", "days"]],
  [WEEK_MS, ["w", "week", "weeks"]],
];

export const unitMs = (word: string): number | undefined => UNITS.find(([, names]) => names.includes(word))?.[0];

/** The unit at the end of a name, `timeout_ms` or `everyMinutes`, and the name without it. */
export function unitOf(name: string): { readonly base: string; readonly ms: number } | undefined {
  const words = wordsOf(name);
  const ms = unitMs(words.at(-1) ?? "");
  return ms === undefined ? undefined : { base: words.slice(0, -1).join("_"), ms };
}

/** The shortest text of the duration: `1h30m`, `2d`. */
export function durationText(ms: number): string {
  for (const [unit, name] of [
    [WEEK_MS, "w"],
    [DAY_MS, "d"],
  ] as const) {
    if (ms >= unit && ms % unit === 0) return `${ms / unit}${name}`;
  }
  return formatDuration(ms);
}

/** The durations that this value may mean, most likely first. `unit` is that of the field's own name. */
export function durationsOf(value: unknown, unit: number = SECOND_MS): readonly string[] {
  if (typeof value === "number" || (typeof value === "string" && /^\d+(\.\d+)?$/.test(value))) {
    const count = Number(value);
    if (!Number.isFinite(count) || count < 0 || count * unit > MAX_INSTANT) return [];
    const ms = count * unit;
    const isSeconds = unit === SECOND_MS;
    return [...new Set([...(isSeconds ? [`${count}s`] : []), durationText(ms)])].filter(
      (text) => parseDuration(text).ok,
    );
  }
  if (typeof value === "object" && value !== null) {
    const ms = Object.entries(value).reduce(
      (sum, [name, count]) => sum + Number(count) * (unitMs(name) ?? Number.NaN),
      0,
    );
    return ms > 0 && ms < MAX_INSTANT ? [durationText(ms)] : [];
  }
  if (typeof value !== "string") return [];
  const ms = isoMs(value) ?? wordsMs(value);
  return ms === undefined ? [] : [durationText(ms)];
}

/** The milliseconds of an ISO 8601 duration, `PT1H30M` or `P2D`. */
function isoMs(text: string): number | undefined {
  const match = /^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/i.exec(text.trim());
  if (match === null) return undefined;
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = match.slice(1).map((part) => Number(part ?? 0));
  const ms = weeks * WEEK_MS + days * DAY_MS + hours * HOUR_MS + minutes * MINUTE_MS + seconds * SECOND_MS;
  return ms > 0 ? ms : undefined;
}

const CALENDAR_UNITS = { y: ["YEARLY", 1], q: ["MONTHLY", 3], m: ["MONTHLY", 1] } as const;

/** A span of months, quarters or years, which have no fixed length: `2 months`, `yearly`, `P1Y`. */
export function calendarSpanOf(
  text: string,
): { readonly freq: "MONTHLY" | "YEARLY"; readonly count: number } | undefined {
  const words = text.toLowerCase().trim();
  const match =
    /^(?:every |in |each )?p?(\d{0,4}) ?(y|m|q)(?:r|rs|o|os|ear|ears|onth|onths|uarter|uarters|early|onthly|uarterly)?$/.exec(
      words,
    );
  const [, count = "", letter = ""] = match ?? [];
  // "5 m" are minutes, and "P5M" are months.
  const isMinutes = letter === "m" && !/mo|^p/.test(words);
  if (match === null || isMinutes || (count !== "" && Number(count) === 0)) return undefined;
  const unit = letter === "y" ? CALENDAR_UNITS.y : letter === "q" ? CALENDAR_UNITS.q : CALENDAR_UNITS.m;
  return { freq: unit[0], count: (Number(count) || 1) * unit[1] };
}

const ALONE: ReadonlyMap<string, number> = new Map([
  ["secondly", SECOND_MS],
  ["minutely", MINUTE_MS],
  ["hourly", HOUR_MS],
  ["daily", DAY_MS],
  ["weekly", WEEK_MS],
]);

/** The milliseconds of a duration in words: `30 minutes`, `1 hour 30 min`, `every 2 hours`, `hourly`. */
function wordsMs(text: string): number | undefined {
  const words = text
    .toLowerCase()
    .replace(/^(?:every|in|each)\s+/, "")
    .trim();
  const alone = ALONE.get(words) ?? unitMs(words);
  if (alone !== undefined) return alone;
  // The length is checked first, and "and" can be read in one way only. A hostile text could otherwise take exponential
  // time.
  if (words.length > 60 || !/^(?:\d+(?:\.\d+)?\s*[a-z]+(?:[\s,]+(?:and\s+)?)?)+$/.test(words)) return undefined;
  const parts = [...words.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/g)].map(([, count, unit = ""]) => {
    const ms = unitMs(unit);
    return ms === undefined ? Number.NaN : Number(count) * ms;
  });
  const sum = parts.reduce((total, ms) => total + ms, 0);
  return Number.isFinite(sum) && sum > 0 ? sum : undefined;
}

/** The number from which an epoch counts milliseconds. In seconds it would be after the year 5000. */
const EPOCH_MS_FROM = 1e11;

/** The instant of an epoch in seconds or milliseconds. */
export function epochText(value: unknown): string | undefined {
  const isDigits = typeof value === "string" && /^\d{9,14}$/.test(value);
  if (typeof value !== "number" && !isDigits) return undefined;
  const count = Number(value);
  const ms = count >= EPOCH_MS_FROM ? count : count * SECOND_MS;
  return count > 0 && Number.isFinite(ms) && ms <= MAX_INSTANT
    ? formatInstant(Math.round(ms)).replace(".000Z", "Z")
    : undefined;
}

/** Tomorrow at this time of day, for examples, since a past date would be copied. */
export const tomorrow = (now: number): string => clock(now + DAY_MS);

/** The instant to the second. */
export const clock = (at: number): string =>
  formatInstant(Math.floor(at / SECOND_MS) * SECOND_MS).replace(".000Z", "Z");

/** Whether the text can be read in this form. */
export function isReadAs(reads: Reads, text: string): boolean {
  switch (reads) {
    case "duration":
      return parseDuration(text).ok;
    case "moment":
      return isReadAs("duration", text) || isReadAs("instant", text);
    case "pair":
      return text.includes(":");
    case "instant":
      return parseInstant(text).ok || /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(text);
    case "cron":
      return /^@[a-z]+$/.test(text.trim()) || isCronShaped(text.trim());
    case "rrule":
      return /\bFREQ=/i.test(text);
  }
}

/** Whether the text has five or six fields of digits, signs and three-letter names. Five English words do not. */
function isCronShaped(text: string): boolean {
  const fields = text.split(/\s+/);
  return (
    (fields.length === 5 || fields.length === 6) &&
    fields.every((field) => /^(?:[\d*?,/#LW-]|[A-Z]{3}(?![A-Z]))+$/i.test(field))
  );
}

/** The values of an enum that this value may mean. */
export function nearValues({ values, valueAliases }: Field, given: unknown): readonly string[] {
  if (typeof given !== "string") return [];
  const same = sameName(given, values);
  if (same.length > 0) return same;
  const alias = Object.entries(valueAliases).find(([name]) => spelling(name) === spelling(given))?.[1];
  return alias === undefined ? nearNames(given, values) : [alias];
}

/** The values that the field takes, as JSON, most likely first. Empty if there is no good guess. */
export function rightValues(field: Field, given: unknown, now: number, unit?: number): readonly string[] {
  const { types, reads, values } = field;
  const isWhole = reads !== "cron" || typeof given !== "string" || withoutSeconds(given) === undefined;
  if (fits(field, given) && unit === undefined && isWhole) return [json(given)];
  const named = typeof given === "boolean" ? field.valueAliases[String(given)] : undefined;
  if (named !== undefined) return [json(named)];
  if (reads === "duration") return durationsOf(given, unit).map((text) => json(text));
  if (reads === "cron" && typeof given === "string") {
    const aws = awsOf(given);
    const cron =
      (aws !== undefined && "cron" in aws ? aws.cron : undefined) ??
      withoutSeconds(given) ??
      withShortNames(given) ??
      cronOf(given);
    if (cron !== undefined) return [json(cron)];
  }
  if (reads === "rrule" && typeof given === "object" && given !== null && !Array.isArray(given)) {
    const parts = Object.entries(given).map(([name, part]) => `${name.toUpperCase()}=${String(part).toUpperCase()}`);
    return parts.length === 0 ? [] : [json(parts.join(";"))];
  }
  if (reads === "moment") {
    const text = isEpoch(given) ? epochText(given) : typeof given === "string" ? momentOf(given, now) : undefined;
    return text === undefined ? durationsOf(given, unit).map((one) => json(one)) : [json(text)];
  }
  if (reads === "pair" && typeof given === "string") {
    const [[key, value] = []] = Object.entries(
      given.includes("=") || given.includes(":") ? (labelOf(given) ?? {}) : {},
    );
    const pair = key === undefined ? undefined : json(`${key}:${value}`);
    return pair === undefined || pair === json(given) ? [] : [pair];
  }
  if (reads === "pair" && (typeof given !== "object" || given === null)) return [];
  if (reads === "pair" && typeof given === "object" && given !== null && !Array.isArray(given)) {
    const pairs = Object.entries(given).map(([key, value]) => `${key}:${String(value)}`);
    return pairs.length === 1 ? pairs.map(json) : pairs.length > 1 && types.includes("array") ? [json(pairs)] : [];
  }
  if (reads === "instant") {
    const text = epochText(given) ?? (typeof given === "string" ? instantMeant(field, given, now) : undefined);
    return text === undefined ? [] : [json(text)];
  }
  if (values.length > 0) return nearValues(field, given).map((value) => json(value));
  if (types.includes("boolean")) {
    const flag =
      typeof given === "string" || typeof given === "number" ? FLAGS.get(String(given).toLowerCase()) : undefined;
    if (flag !== undefined) return [json(flag)];
  }
  if (types.includes("integer") || types.includes("number")) {
    if (typeof given === "string" && /^-?\d+(\.\d+)?$/.test(given)) return [json(Number(given))];
    // A field with the unit in its name takes only the number: `wait_seconds` of "30s" is 30.
    const ownUnit = unitOf(field.name)?.ms;
    const span = ownUnit !== undefined && typeof given === "string" ? parseDuration(given) : undefined;
    if (ownUnit !== undefined && span?.ok && span.value % ownUnit === 0) return [json(span.value / ownUnit)];
  }
  if (types.includes("array") && field.item !== undefined && !Array.isArray(given) && given !== null) {
    return rightValues(field.item, given, now).map((item) => `[${item}]`);
  }
  if (types.includes("object") && typeof given === "string") return objectsOf(field, given, now);
  if (types.includes("object") && typeof given === "number") {
    const inner = field.fields.filter(
      (one) => /^(?:integer|number)$/.test(one.types.join()) && fits(one, given) && given >= (one.least ?? given),
    );
    return inner.map(({ name }) => json({ [name]: given }));
  }
  if (types.includes("object") && Array.isArray(given)) return objectsOfList(field, given);
  if (types.includes("string") && reads === undefined && (typeof given === "number" || typeof given === "boolean"))
    return [json(String(given))];
  const range = types.includes("string") ? rangeOf(given) : undefined;
  if (range !== undefined) return [json(range)];
  if (types.includes("string") && Array.isArray(given) && given.length === 1) return rightValues(field, given[0], now);
  return [];
}

/** The time that words, a date or a span mean. A span counts from now. */
function instantMeant({ name }: Field, given: string, now: number): string | undefined {
  const text = instantOf(given, now);
  if (text !== undefined) return withinDay(name, given, text);
  const [duration = given] = durationsOf(given);
  const ms = parseDuration(duration);
  return ms.ok && ms.value > 0 && ms.value < MAX_INSTANT - now ? clock(now + ms.value) : undefined;
}

/** Whether a text names a day and no time of day. */
const isDay = (text: string): boolean =>
  /^\d{4}-\d{2}-\d{2}$/.test(text.trim()) || (!/^\d{4}-|^now$/i.test(text.trim()) && !hasClock(text));

/** The time of a date. A fire comes in the morning, a schedule ends as the day does, all else is as it begins. */
export function withinDay(name: string, given: string, text: string): string {
  if (name === "at" || !isDay(given)) return text;
  return text.replace(/T.*/, name === "ends_at" ? "T23:59:59Z" : "T00:00:00Z");
}

/** `{"from": "22:00", "to": "07:00"}` as the text of a window or of a range of dates. */
function rangeOf(given: unknown): string | undefined {
  if (typeof given !== "object" || given === null || Array.isArray(given)) return undefined;
  const value = (names: readonly string[]): string | undefined => {
    const found = Object.entries(given).find(([name]) => names.includes(spelling(name)))?.[1];
    return typeof found === "string" ? found : undefined;
  };
  const [from, to] = [value(["from", "start", "begin", "date", "day", "weekday"]), value(["to", "end", "until"])];
  if (from === undefined || Object.keys(given).length !== (to === undefined ? 1 : 2)) return undefined;
  return to === undefined ? from : `${from}${from.includes(":") ? "-" : "/"}${to}`;
}

/** Whether a number is more likely a time than a span, since no span takes three years of seconds. */
export const isEpoch = (given: unknown): boolean => Number(given) >= 100_000_000;

/** The time that a text means, if the domain has not read it. A day alone means its first minute. */
export const momentOf = (text: string, now: number): string | undefined => {
  const meant = instantOf(text, now);
  return isDay(text) ? meant?.replace(/T\d{2}:\d{2}/, "T00:00") : meant;
};

const FLAGS: ReadonlyMap<string, boolean> = new Map([
  ["true", true],
  ["false", false],
  ["yes", true],
  ["no", false],
  ["on", true],
  ["off", false],
  ["1", true],
  ["0", false],
]);

/** The objects that a list may mean: the one with a list in it, labels, or data. */
function objectsOfList(field: Field, given: readonly unknown[]): readonly string[] {
  const lists = field.fields.filter(({ types, isRequired }) => isRequired && types.join() === "array");
  const [list] = lists;
  if (list !== undefined) return lists.length > 1 ? [] : [json({ [list.name]: given })];
  if (!field.isOpen || field.fields.length > 0) return [];
  const labels = isLabels(field) ? given.map(labelOf) : [];
  if (labels.length === 0) return [json({ items: given })];
  return labels.some((one) => one === undefined) ? [] : [json(Object.assign({}, ...labels))];
}

/** Whether the object holds short texts alone, as its example shows. */
const isLabels = ({ example }: Field): boolean =>
  typeof example === "object" && example !== null && Object.values(example).every((one) => typeof one === "string");

/** The label of `team:ops`, `team=ops` or `urgent`. */
function labelOf(text: unknown): Readonly<Record<string, string>> | undefined {
  if (typeof text !== "string") return undefined;
  const cut = text.search(/[:=]/);
  const [key, value] = cut < 0 ? [text.trim(), "true"] : [text.slice(0, cut).trim(), text.slice(cut + 1).trim()];
  return key === "" ? undefined : { [key]: value };
}

/** The objects that a text may mean: it is JSON, or one of the object's fields reads it. */
function objectsOf(field: Field, text: string, now: number): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === "object" && parsed !== null) return [json(parsed)];
  } catch {
    // The text is not JSON. One field of the object may take it.
  }
  if (field.isOpen && field.fields.length === 0) {
    const label = isLabels(field) ? labelOf(text) : { text };
    return label === undefined ? [] : [json(label)];
  }
  const aws = awsOf(text);
  if (aws !== undefined) return "cron" in aws ? [json(aws)] : durationsOf(aws.every).map((every) => json({ every }));
  const [spoken] = durationsOf(text);
  if (spoken !== undefined) return spans(field, text, spoken);
  const reader = field.fields.find(({ reads }) => reads !== undefined && isReadAs(reads, text));
  if (reader !== undefined) return [json({ [reader.name]: text })];
  const at = field.fields.find(({ reads }) => reads === "instant");
  const instant = instantOf(text, now);
  if (at !== undefined && instant !== undefined) return [json({ [at.name]: instant })];
  const cron = field.fields.find(({ reads }) => reads === "cron");
  const cronText = cronOf(text);
  if (cron !== undefined && cronText !== undefined) return [json({ [cron.name]: cronText })];
  return [];
}

/**
 * The schedules that a span of time may mean. "in 20 minutes" is once, "every 20 minutes" repeats, and "20m" may be either.
 */
function spans(field: Field, text: string, duration: string): readonly string[] {
  const names = field.fields.filter(({ reads }) => reads === "duration").map(({ name }) => name);
  const once = names.filter((name) => name === "in");
  const often = names.filter((name) => name === "every");
  const meant = /^\s*(?:in|after)\b/i.test(text) ? once : /\bevery\b/i.test(text) ? often : [...often, ...once];
  return (meant.length > 0 ? meant : names.slice(0, 1)).map((name) => json({ [name]: duration }));
}

/** Whether the value has the field's type and form. Its meaning is not checked. */
export function fits(field: Field, given: unknown): boolean {
  const { types, values, reads } = field;
  if (types.length > 0 && !types.some((type) => isOfType(type, given))) return false;
  if (typeof given !== "string") return true;
  if (values.length > 0 && !values.includes(given)) return false;
  return reads === undefined || isReadAs(reads, given);
}

function isOfType(type: string, value: unknown): boolean {
  if (type === "null") return value === null;
  if (type === "array") return Array.isArray(value);
  if (type === "object") return typeof value === "object" && value !== null && !Array.isArray(value);
  return type === "integer" ? Number.isInteger(value) : typeof value === type;
}
