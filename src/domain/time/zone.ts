/**
 * Time zones: the offset of a zone at an instant, and the instants of a local time.
 *
 * A local time is held as the epoch milliseconds of a UTC clock that shows the same digits (02:30 in Berlin is the
 * number for 02:30Z). So calendar arithmetic on local times never meets a time zone.
 */
import { err, ok, type Result } from "../result.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** No zone is further than this from UTC, so a local time's instants lie within it on either side. */
const MAX_OFFSET = DAY;

/** The years 100 to 9999: beyond them Intl and Date.UTC read years otherwise, and no zone's rules are known. */
const FIRST_KNOWN = Date.UTC(100, 0, 3);
const LAST_KNOWN = Date.UTC(9999, 11, 29);

/** A fixed offset as a zone's name, `+08:00`: how an `at` is shown. Clients cannot name one as `timezone`. */
const FIXED_OFFSET = /^([+-])(\d{2}):(\d{2})$/;

/**
 * ICU takes these besides IANA's names; each means different things in different countries, so they are refused.
 */
const AMBIGUOUS = new Set(
  "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST".split(" "),
);

const EXAMPLE = `use an IANA name such as "Europe/Berlin", "America/New_York" or "UTC"`;

/**
 * The zone a client named, spelled as IANA spells it (`europe/berlin` is `Europe/Berlin`). The error tells what to
 * write instead: offsets and abbreviations are refused because they know no daylight saving.
 */
export function findZone(name: string): Result<string, string> {
  if (/^(?:UTC|GMT)?[+-]\d/i.test(name)) {
    return err(`"${name}" is an offset, not a time zone; ${EXAMPLE}, so that daylight saving is followed`);
  }
  if (AMBIGUOUS.has(name.toUpperCase())) return err(`"${name}" is an ambiguous abbreviation; ${EXAMPLE}`);
  const canonical = resolve(name);
  if (canonical === null) {
    const meant = similarZone(name);
    return err(`"${name}" is not a known time zone; ${meant === null ? EXAMPLE : `did you mean "${meant}"?`}`);
  }
  // Intl also renames (Asia/Kolkata becomes Asia/Calcutta): take its spelling only where the name stays.
  return ok(canonical.toLowerCase() === name.toLowerCase() ? canonical : name);
}

function resolve(name: string): string | null {
  try {
    return clockOf(name).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/** `Berlin`, `new york` and `US/Berlin` end like exactly one known zone's city. */
function similarZone(name: string): string | null {
  const city = (zone: string) => zone.slice(zone.lastIndexOf("/") + 1).toLowerCase();
  const wanted = city(name.trim().replaceAll(" ", "_"));
  return Intl.supportedValuesOf("timeZone").find((zone) => city(zone) === wanted) ?? null;
}

/** Making one costs 100 µs and some 10 KB, asking it 1 µs. The bound keeps an isolate that serves all zones small. */
const MAX_CLOCKS = 100;
const clocks = new Map<string, Intl.DateTimeFormat>();

function clockOf(timeZone: string): Intl.DateTimeFormat {
  const known = clocks.get(timeZone);
  if (known !== undefined) return known;
  if (clocks.size >= MAX_CLOCKS) clocks.clear();
  const made = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  clocks.set(timeZone, made);
  return made;
}

/**
 * Milliseconds to add to the instant `at` for the local time in `timeZone` then (east of Greenwich is positive).
 * `timeZone` is a name from `findZone` or a fixed offset such as `+08:00`.
 */
export function offsetAt(timeZone: string, at: number): number {
  if (timeZone === "UTC") return 0;
  const fixed = FIXED_OFFSET.exec(timeZone);
  if (fixed !== null) {
    return (fixed[1] === "-" ? -1 : 1) * (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000;
  }
  const known = Math.min(Math.max(at, FIRST_KNOWN), LAST_KNOWN);
  const day = Math.floor(known / DAY);
  const offset = offsetAtDay(timeZone, day);
  // No zone changes its clocks twice within a day of UTC, so between two equal offsets there was no change.
  return offset === offsetAtDay(timeZone, day + 1) ? offset : askOffset(timeZone, known);
}

/**
 * Days of UTC whose first offset is remembered, for each zone. Two years are kept, so a walk over days asks once for
 * each.
 */
const MAX_DAYS = 800;
const dayOffsets = new Map<string, Map<number, number>>();

/** The offset at the first instant of a day of UTC, counted from 1970-01-01. */
function offsetAtDay(timeZone: string, day: number): number {
  let known = dayOffsets.get(timeZone);
  if (known === undefined) {
    if (dayOffsets.size >= MAX_CLOCKS) dayOffsets.clear();
    known = new Map();
    dayOffsets.set(timeZone, known);
  }
  const present = known.get(day);
  if (present !== undefined) return present;
  if (known.size >= MAX_DAYS) known.clear();
  const offset = askOffset(timeZone, day * DAY);
  known.set(day, offset);
  return offset;
}

/** The offset at `known`, asked of Intl. */
function askOffset(timeZone: string, known: number): number {
  const second = known - (((known % 1000) + 1000) % 1000);
  // "11/23/2026, 10:00:00", cut by position: this is the hot path.
  const shown = clockOf(timeZone).format(second);
  const comma = shown.indexOf(",");
  const part = (from: number, to: number) => Number(shown.slice(from, to));
  const [hour, minute, sec] = [part(comma + 2, comma + 4), part(comma + 5, comma + 7), part(comma + 8, comma + 10)];
  return Date.UTC(part(6, comma), part(0, 2) - 1, part(3, 5), hour, minute, sec) - second;
}

/** When a zone's clocks show a local time: once; twice (set back over it); or never (set forward over it). */
export type LocalTime =
  | { readonly kind: "once"; readonly at: number }
  | { readonly kind: "repeated"; readonly first: number; readonly second: number; readonly change: Change }
  | { readonly kind: "skipped"; readonly change: Change };

/** A change of the clocks: the first instant on the new offset, and the offset before and from then on. */
export type Change = { readonly at: number; readonly before: number; readonly after: number };

/** The instants at which clocks in `timeZone` show the local time `local`. */
export function resolveLocal(timeZone: string, local: number): LocalTime {
  const before = offsetAt(timeZone, local - MAX_OFFSET);
  const after = offsetAt(timeZone, local + MAX_OFFSET);
  if (before === after) return { kind: "once", at: local - before };
  const first = local - before;
  const second = local - after;
  const showsFirst = offsetAt(timeZone, first) === before;
  const showsSecond = offsetAt(timeZone, second) === after;
  if (showsFirst && showsSecond) {
    return { kind: "repeated", first, second, change: findChange(timeZone, first, second, before, after) };
  }
  if (showsFirst) return { kind: "once", at: first };
  if (showsSecond) return { kind: "once", at: second };
  return { kind: "skipped", change: findChange(timeZone, second, first, before, after) };
}

/** The change between two instants a day or less apart, to the millisecond, by halving. */
function findChange(timeZone: string, from: number, to: number, before: number, after: number): Change {
  let old = from;
  let changed = to;
  while (changed - old > 1) {
    const middle = Math.floor((old + changed) / 2);
    if (offsetAt(timeZone, middle) === before) old = middle;
    else changed = middle;
  }
  return { at: changed, before, after };
}
