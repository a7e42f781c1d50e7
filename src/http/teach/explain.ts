/** The faults of a call's input, in words that name the right field, place and value. */
import type * as z from "zod";
import type { FieldError } from "../../domain/failure.ts";
import { reachedAt } from "../../domain/time/daylight-saving.ts";
import { parseDuration } from "../../domain/time/duration.ts";
import { formatLocal, MAX_INSTANT, parseInstant } from "../../domain/time/instant.ts";
import { findZone, offsetAt } from "../../domain/time/zone.ts";
import { DAY_MS, MAX_EVERY_MS } from "../../schema/limits.ts";
import { NO_CHAINS, ONCE_OR_OFTEN } from "../../schema/schedule.ts";
import { exampleOf } from "./example.ts";
import { type Field, fieldAt, fieldsBelow, valueAt } from "./field.ts";
import { sameName } from "./near.ts";
import { correction, namesAt } from "./unknown-name.ts";
import {
  calendarSpanOf,
  clock,
  durationsOf,
  epochText,
  isEpoch,
  isReadAs,
  momentOf,
  rightValues,
  tomorrow,
  withinDay,
} from "./value.ts";
import { awsOf, cronOf, instantOf, isClock, isRecurring } from "./words.ts";
import { either, json, shown } from "./write.ts";
import { MISSING } from "./zod-words.ts";

/** The place of a field in a call. Over MCP all fields are at one level, as a tool's arguments. */
export type Place = "body" | "query" | "headers" | "arguments";

/** The fields that a call may bring, by place. */
export type Places = Partial<Readonly<Record<Place, Field>>>;

export type Lesson = { readonly places: Places; readonly now: number };

/** The issues of zod in words. `value` is the input of that place. */
export function explainIssues(
  issues: readonly z.core.$ZodIssue[],
  value: unknown,
  place: Place,
  lesson: Lesson,
): readonly FieldError[] {
  const root = lesson.places[place];
  return issues.flatMap((issue, nth) => {
    const path = issue.path.map(String);
    // Most of so many faults are not shown. The further ones are counted, and no correction is searched for them.
    if (nth >= MAX_TAUGHT) return [{ path: path.join("."), message: "is not right" }];
    if (issue.code === "unrecognized_keys") {
      const parent = valueAt(value, path);
      const beside = besideIn(parent);
      const taught = issue.keys.length > MAX_TAUGHT ? TAUGHT_OF_MANY : MAX_TAUGHT;
      return issue.keys.map((name, index) => ({
        path: [...path, name.length > MAX_SHOWN_NAME ? `${name.slice(0, MAX_SHOWN_NAME)}…` : name].join("."),
        message: index < taught ? unknownText(path, name, { parent, beside }, place, lesson) : "is not a field here",
      }));
    }
    if (issue.code === "invalid_union") {
      const inner = closest(issue.errors);
      if (inner !== undefined) {
        const below = inner.map((one) => ({ ...one, path: [...issue.path, ...one.path] }));
        return explainIssues(below, value, place, lesson);
      }
    }
    const field = root === undefined ? undefined : fieldAt(root, path);
    const given = valueAt(value, path);
    const message =
      given === undefined && issue.message === MISSING
        ? missingText(field, lesson.now)
        : valueText(issue.message, field, given, lesson.now);
    return [{ path: path.join("."), message }];
  });
}

/** The longest name that is shown. No field's name is longer, and a longer one is not echoed whole. */
const MAX_SHOWN_NAME = 100;

/** The number of faults that an answer shows. For further unknown names no correction is searched. */
export const MAX_TAUGHT = 50;

/**
 * The number of corrections if there are more unknown names than an answer shows. They are no typing errors, and searching
 * for each would take seconds.
 */
const TAUGHT_OF_MANY = 10;

/** The alternative of a union that got furthest. If its type was right, its fault says more than "wrong type". */
function closest(alternatives: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const isWrongType = ([first]: readonly z.core.$ZodIssue[]): boolean =>
    first?.code === "invalid_type" && first.path.length === 0;
  return alternatives.find((issues) => !isWrongType(issues)) ?? alternatives[0];
}

/** The names beside each name of an object, read once for all of them. */
const besideIn = (parent: unknown): Readonly<Record<string, unknown>> =>
  typeof parent === "object" && parent !== null ? Object.fromEntries(Object.entries(parent).slice(0, MAX_TAUGHT)) : {};

function unknownText(
  at: readonly string[],
  name: string,
  { parent, beside }: { readonly parent: unknown; readonly beside: Readonly<Record<string, unknown>> },
  place: Place,
  { places, now }: Lesson,
): string {
  const root = places[place];
  const noun = NOUNS[place];
  if (root === undefined) return `is not ${noun} here: this call takes none`;
  const value = valueAt(parent, [name]);
  const isHere = [...fieldsBelow(root)].some(({ field }) => sameName(name, [field.name]).length > 0);
  const elsewhere = isHere || at.length > 0 ? undefined : otherPlace(name, value, place, { places, now });
  if (elsewhere !== undefined) return elsewhere;
  const other = Object.entries(fieldAt(root, at)?.notHere ?? {}).find(([known]) => sameName(name, [known]).length > 0);
  if (other !== undefined && value === null && at.length === 0 && /^paused/.test(other[0])) return END_OF_PAUSE;
  if (other !== undefined) return other[1].replaceAll("{value}", place === "query" ? String(value) : shown(value));
  if (sameName(name, ["after"]).length > 0 && isNoTime(value, now)) return NO_CHAINS;
  if (typeof value === "boolean" && sameName(name, ["repeat", "repeats", "once"]).length > 0) return ONCE_OR_OFTEN;
  const corrected = correction({ root, at, name, value, beside, now });
  if (at.length === 0 && sameName(name, root.shownOnly).length > 0) {
    return `is read-only: Reveille sets it${corrected === undefined ? "; leave it out" : `. A field that can be set ${corrected}`}`;
  }
  if (corrected !== undefined) return place === "query" ? asQuery(corrected) : corrected;
  const names = namesAt(root, at);
  return names.length === 0
    ? `is not ${noun} here: this call takes none`
    : `is not ${noun} here; there are ${names.join(", ")}`;
}

const END_OF_PAUSE = 'is read-only: to end the pause write "enabled": true, or send POST /v1/jobs/{id}/resume';

/** Whether the text is neither a span nor a time. It may be the id or name of a job. */
const isNoTime = (value: unknown, now: number): boolean =>
  typeof value === "string" &&
  durationsOf(value).length === 0 &&
  !isReadAs("moment", value) &&
  instantOf(value, now) === undefined;

const NOUNS: Readonly<Record<Place, string>> = {
  body: "a field",
  query: "a query parameter",
  headers: "a header",
  arguments: "a field",
};

/** The correction for a right name in the wrong part of the call. */
function otherPlace(name: string, value: unknown, place: Place, { places, now }: Lesson): string | undefined {
  for (const other of ["body", "query", "headers"] as const) {
    const root = places[other];
    if (other === place || root === undefined) continue;
    const found = root.fields.find((field) => sameName(name, [field.name]).length > 0);
    if (found === undefined) continue;
    const [text = "…"] = rightValues(found, value, now);
    if (other === "query") return `is a query parameter, not a field of the body: send ?${found.name}=${bare(text)}`;
    if (other === "headers") return `is a header, not ${NOUNS[place]}: send \`${found.name}: ${bare(text)}\``;
    return `is a field of the body, not ${NOUNS[place]}: send {"${found.name}": ${text}}`;
  }
  return undefined;
}

const bare = (text: string): string => text.replace(/^"(.*)"$/, "$1");

/** The correction of a query parameter, written as in a URL. */
const asQuery = (text: string): string =>
  text
    .replace("is not a field here", "is not a query parameter here")
    .replace(/"(\w+)": ("[^"]*"|[^\s(]+)/, (_whole, name: string, value: string) => `${name}=${bare(value)}`);

/** The text about a missing field: its purpose, and an example. */
export function missingText(field: Field | undefined, now: number): string {
  if (field === undefined) return "is required";
  const example = exampleOf(field, now);
  const about = field.description === undefined ? "" : `: ${firstSentence(field.description)}`;
  return `is required${about}${example === undefined ? "" : `; for example "${field.name}": ${json(example)}`}`;
}

const firstSentence = (text: string): string => (/^.*?[^.][.](?= |$)/.exec(text)?.[0] ?? text).replace(/[.]$/, "");

/** The text about a wrong value, with the right one if it is known. */
function valueText(message: string, field: Field | undefined, given: unknown, now: number): string {
  if (field === undefined) return message;
  const instead = insteadOf(field, given, now);
  if (instead !== undefined) return `${message}; write ${instead}`;
  if (field.name === "schedule" && Array.isArray(given)) return `${message}; make a job for each`;
  if (field.reads === "instant" && Array.isArray(given) && given.length > 1)
    return `${message}; make a job for each time`;
  if (field.reads === "cron" && Array.isArray(given) && given.length > 1) {
    return `${message}: make two jobs, or one rrule with BYHOUR, BYMINUTE and BYSETPOS`;
  }
  const right = rightValues(field, given, now).filter((text) => text !== json(given));
  if ((field.reads === "duration" || field.reads === "moment") && typeof given === "number") {
    if (right.length === 0) return message;
    const isTime = field.reads === "moment" && isEpoch(given);
    return isTime
      ? `is a time, which is text: write ${either(right)}`
      : `is a duration, which is text with a unit: write ${either(right)}${asMilliseconds(given)}`;
  }
  if (field.reads === "instant") {
    const epoch = epochText(given);
    const meant = epoch === undefined ? "" : `; ${json(given)} is ${json(epoch)}`;
    return `${message}${meant}; ${clockText(now)}`;
  }
  if (right.length === 0) {
    return field.example === undefined || field.example === true
      ? message
      : `${message}; for example ${json(field.example)}`;
  }
  return `${message}; write ${either(right.slice(0, 3).map((text) => (text.length > 200 ? "…" : text)))}`;
}

/** The reading of a large round number as milliseconds. */
const asMilliseconds = (given: number): string =>
  given >= 10_000 && given % 1_000 === 0 ? `, or ${json(`${given / 1_000}s`)} if milliseconds are meant` : "";

const clockText = (now: number): string => `it is ${clock(now)} now, and tomorrow at this time is "${tomorrow(now)}"`;

/** The domain's findings, with the right value added if the schema knows it and the text does not. */
export function refine(
  errors: readonly FieldError[],
  sent: Readonly<Partial<Record<Place, unknown>>>,
  lesson: Lesson,
): readonly FieldError[] {
  return errors.map((error) => {
    const path = error.path.split(".");
    for (const place of ["arguments", "body", "query"] as const) {
      const root = lesson.places[place];
      const field = root === undefined ? undefined : fieldAt(root, path);
      if (field !== undefined && field.name === path.at(-1)) {
        return {
          ...error,
          message: refined(error.message, field, valueAt(sent[place], path), {
            now: lesson.now,
            zone: zoneBeside(sent[place], path),
            isDaily: isDaily(valueAt(sent[place], [...path.slice(0, -1), "every"])),
          }),
        };
      }
    }
    return error;
  });
}

/** The text for a value that a neighbouring field takes. An `at` of "30m" or "in 30 minutes" is `{"in": "30m"}`. */
function insteadOf(field: Field, given: unknown, now: number): string | undefined {
  const { reads, instead } = field;
  if (typeof given !== "string") return undefined;
  const far = reads === "duration" ? farSpan(field, given, now) : undefined;
  if (far !== undefined) return far;
  if (reads !== undefined && isReadAs(reads, given)) return undefined;
  const [duration] = isReadAs("duration", given) ? [given] : durationsOf(given);
  for (const other of ["rrule", "cron", "instant", "duration"] as const) {
    const name = instead[other];
    const cron = other === "cron" && (reads === "cron" || isRecurring(given)) ? cronOf(given) : undefined;
    const text = other === "duration" ? duration : (cron ?? (isReadAs(other, given) ? given : undefined));
    if (name !== undefined && text !== undefined) return json({ [name]: text });
  }
  return undefined;
}

/** A span that no duration can say, in months, in years or of more than 365 days. It is a rule, or a time. */
function farSpan({ instead, name }: Field, given: string, now: number): string | undefined {
  const { rrule, instant } = instead;
  const span = calendarSpanOf(given);
  const ms = span === undefined ? parseDuration(given) : undefined;
  const days = ms?.ok && ms.value > MAX_EVERY_MS ? Math.round(ms.value / DAY_MS) : undefined;
  if (rrule === undefined || instant === undefined || (span === undefined && days === undefined)) return undefined;
  if (name !== "in") {
    return json({
      [rrule]: span === undefined ? `FREQ=DAILY;INTERVAL=${days}` : `FREQ=${span.freq};INTERVAL=${span.count}`,
    });
  }
  const at = new Date(now);
  if (span === undefined) at.setTime(now + (days ?? 0) * DAY_MS);
  else at.setUTCMonth(at.getUTCMonth() + span.count * (span.freq === "YEARLY" ? 12 : 1));
  return at.getTime() > MAX_INSTANT ? undefined : json({ [instant]: clock(at.getTime()) });
}

/** The instant that a duration means in a list's `since`: that long before now (`since=1h`). */
function instantAgo(name: string, given: string, now: number): string | undefined {
  const [text] = /^(?:since|from|after)$/.test(name) ? [...durationsOf(given), given] : [];
  const ms = text === undefined ? undefined : parseDuration(text);
  return ms?.ok && ms.value > 0 && ms.value < now ? clock(now - ms.value) : undefined;
}

/** The zone beside a field, if it is known. A time without an offset is read in it. */
function zoneBeside(sent: unknown, path: readonly string[]): string | undefined {
  const given = valueAt(sent, [...path.slice(0, -1), "timezone"]);
  const zone = typeof given === "string" ? findZone(given) : undefined;
  return zone?.ok ? zone.value : undefined;
}

/** The time that words or a bare date mean, as the field takes it. For an end it is the last second of the day. */
function timeMeant({ name }: Field, given: string, now: number, zone = "UTC"): string | undefined {
  const text = instantOf(given, now + offsetAt(zone, now));
  if (text === undefined) return undefined;
  const local = withinDay(name, given, text);
  if (zone === "UTC") return `write "${local}" for UTC, or the zone's offset in place of Z`;
  return name === "at" ? `write "${local.slice(0, 16)}", which is in ${zone}` : inZone(local, zone);
}

/** The advice to write a local time (`…Z`) with the offset that the zone has then. */
function inZone(local: string, zone: string): string | undefined {
  const read = parseInstant(local);
  return read.ok ? `write "${formatLocal(reachedAt(zone, read.value), zone)}"` : undefined;
}

/** Whether an interval is a day, so that a time of day beside it is a calendar. */
const isDaily = (every: unknown): boolean =>
  typeof every === "string" && [every, ...durationsOf(every)].some((text) => text === "1d" || text === "24h");

type Beside = { readonly now: number; readonly zone: string | undefined; readonly isDaily: boolean };

function refined(message: string, field: Field, given: unknown, { now, zone, isDaily: daily }: Beside): string {
  if (field.name === "timezone" && typeof given === "string" && /^(?:(?:per|each)[ _-]?)?users?\b/i.test(given)) {
    return `${message}; a job has one zone for all its users: make a job for each zone`;
  }
  if (daily && field.name === "at" && typeof given === "string" && isClock(given)) {
    return `${message}; for every day at that time write ${json({ cron: cronOf(given) })} in place of every and at`;
  }
  const instead = insteadOf(field, given, now);
  if (instead !== undefined && !message.includes(instead)) return `${message}; write ${instead}`;
  if (field.reads === "instant") {
    // The text says already what to write. Another time would be one more to choose from.
    if (message.includes('; write "')) return message;
    const epoch = epochText(given);
    const saysNow = /\bit is (?:now )?\d{4}-/.test(message);
    const meant = typeof given === "string" ? timeMeant(field, given, now, zone) : undefined;
    if (meant !== undefined) return `${message}; ${meant}; it is ${clock(now)} now`;
    const ago = typeof given === "string" ? instantAgo(field.name, given, now) : undefined;
    if (ago !== undefined) return `${message}; write "${ago}" for so long before now; it is ${clock(now)} now`;
    const isSpan = typeof given === "string" && epoch === undefined && !isReadAs("instant", given);
    const ahead = isSpan ? rightValues(field, given, now).at(0) : undefined;
    if (ahead !== undefined) return `${message}; write ${ahead} for so long from now; it is ${clock(now)} now`;
    const clockWords = saysNow ? `tomorrow at this time is "${tomorrow(now)}"` : clockText(now);
    return `${message}${epoch === undefined ? "" : `; ${shown(given)} is ${json(epoch)}`}; ${clockWords}`;
  }
  if (field.reads === "moment") {
    const meant =
      typeof given === "string" && zone !== undefined ? momentOf(given, now + offsetAt(zone, now)) : undefined;
    if (meant !== undefined && zone !== undefined) return `${message}; ${inZone(meant, zone)}; it is ${clock(now)} now`;
    const local = typeof given === "string" && !isReadAs("duration", given) ? momentOf(given, now) : undefined;
    const [right] =
      local === undefined ? rightValues(field, given, now).filter((text) => text !== json(given)) : [json(local)];
    if (right !== undefined) {
      const isMeant = right.endsWith('Z"') && !isEpoch(given);
      const zone = isMeant ? " for UTC, or the zone's offset in place of Z" : "";
      return `${message}; write ${right}${zone}; it is ${clock(now)} now`;
    }
  }
  if (field.reads === "cron" && typeof given === "string") {
    const aws = awsOf(given);
    const [every] = aws !== undefined && "every" in aws ? durationsOf(aws.every) : [];
    const cron = rightValues(field, given, now).find((text) => text !== json(given));
    if (every !== undefined) return `${json(given)} is no cron expression; write ${json({ every })} in place of cron`;
    if (aws !== undefined && "cron" in aws)
      return `${json(given)} is written without its frame and the year; write ${json(aws.cron)}`;
    return cron === undefined || message.includes(cron) ? message : `${message}; write ${cron}`;
  }
  if (field.reads === "duration") {
    // A duration that can be read is refused for its length. Another way to write it would be refused too.
    const right = (typeof given === "string" && isReadAs("duration", given) ? [] : durationsOf(given))
      .map(json)
      .filter((text) => text !== json(given) && !message.includes(`write ${text}`));
    if (right.length === 0)
      return field.example === undefined ? message : `${message}; for example ${json(field.example)}`;
    return `${message}; write ${either(right)}`;
  }
  return message;
}
