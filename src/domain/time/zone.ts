/**
 * Time zones: the offset of a zone at an instant, and the instants of a local time.
 *
 * A local time is held as the epoch milliseconds of a UTC clock that shows the same digits (02:30 in Berlin is the
 * number for 02:30Z). So calendar arithmetic on local times never meets a time zone.
 */
import { err, ok, type Result } from "../result.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** The largest distance of a zone from UTC. A local time's instants lie within it on either side. */
const MAX_OFFSET = DAY;

/**
 * The first known year is 100, the last 9999. Beyond them Intl and Date.UTC read years differently, and no zone's rules are
 * known.
 */
const FIRST_KNOWN = Date.UTC(100, 0, 3);
const LAST_KNOWN = Date.UTC(9999, 11, 29);

/** A fixed offset as a zone's name, `+08:00`, for showing an `at`. Clients cannot use it as `timezone`. */
const FIXED_OFFSET = /^([+-])(\d{2}):(\d{2})$/;

/** Names that ICU accepts besides IANA's. Each means different things in different countries, so they are refused. */
const AMBIGUOUS = new Set(
  "ACT AET AGT ART AST BET BST CAT CNT CST CTT EAT ECT IET IST JST MIT NET NST PLT PNT PRT PST SST VST".split(" "),
);

/** The zones that abbreviations and colloquial names are most often meant for, the likelier first. */
const MEANT: ReadonlyMap<string, string> = new Map(
  Object.entries({
    pst: "America/Los_Angeles",
    pdt: "America/Los_Angeles",
    pacific: "America/Los_Angeles",
    mdt: "America/Denver",
    mountain: "America/Denver",
    cst: 'America/Chicago" or "Asia/Shanghai',
    cdt: "America/Chicago",
    central: "America/Chicago",
    edt: "America/New_York",
    eastern: "America/New_York",
    bst: "Europe/London",
    ist: 'Asia/Kolkata" or "Europe/Dublin',
    cest: "Europe/Berlin",
    eest: "Europe/Athens",
    jst: "Asia/Tokyo",
    kst: "Asia/Seoul",
    sgt: "Asia/Singapore",
    hkt: "Asia/Hong_Kong",
    aest: "Australia/Sydney",
    aedt: "Australia/Sydney",
    nzst: "Pacific/Auckland",
    nzdt: "Pacific/Auckland",
    msk: "Europe/Moscow",
  }),
);

/** The zone that a name without one of its own is meant for: `PST`, `US Pacific Time`. */
const meantZone = (name: string): string | undefined =>
  MEANT.get(
    name
      .toLowerCase()
      .replace(/\b(?:us|time|standard|daylight)\b/g, "")
      .trim(),
  );

const EXAMPLE = `use an IANA name such as "Europe/Berlin", "America/New_York" or "UTC"`;

/**
 * The zone that a client named, in IANA's spelling (`europe/berlin` is `Europe/Berlin`). Offsets and abbreviations are
 * refused, because they have no clock changes. The error says what to write instead.
 */
export function findZone(name: string): Result<string, string> {
  if (/^(?:UTC|GMT)?[+-]\d/i.test(name)) {
    return err(`"${name}" is an offset, not a time zone; ${EXAMPLE}, so that daylight saving is followed`);
  }
  const zone = meantZone(name);
  const advice = zone === undefined ? EXAMPLE : `did you mean "${zone}"?`;
  if (AMBIGUOUS.has(name.toUpperCase())) return err(`"${name}" is an ambiguous abbreviation; ${advice}`);
  const canonical = resolve(name);
  if (canonical === null) {
    const meant = similarZone(name);
    return err(`"${name}" is not a known time zone; ${meant === null ? advice : `did you mean "${meant}"?`}`);
  }
  // Intl also renames zones (Asia/Kolkata becomes Asia/Calcutta), so its spelling is used only if the name stays.
  return ok(canonical.toLowerCase() === name.toLowerCase() ? canonical : name);
}

function resolve(name: string): string | null {
  try {
    return clockOf(name).resolvedOptions().timeZone;
  } catch {
    return null;
  }
}

/**
 * The only known zone whose city the name ends with: `Berlin`, `new york`, `US/Berlin`. Null if there is not exactly one.
 */
function similarZone(name: string): string | null {
  const city = (zone: string) => zone.slice(zone.lastIndexOf("/") + 1).toLowerCase();
  const wanted = city(name.trim().replaceAll(" ", "_"));
  return Intl.supportedValuesOf("timeZone").find((zone) => city(zone) === wanted) ?? null;
}

/**
 * The number of clocks that are kept. Creating one costs 100 µs and some 10 KB; using it costs 1 µs. The bound keeps an
 * isolate small.
 */
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
 * The milliseconds to add to the instant `at` for the local time in `timeZone` (positive east of Greenwich). `timeZone` is
 * a name from `findZone` or a fixed offset such as `+08:00`.
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
  // No zone changes its clocks twice within a day of UTC, so two equal offsets mean that there was no change in between.
  return offset === offsetAtDay(timeZone, day + 1) ? offset : askOffset(timeZone, known);
}

/**
 * The number of days for each zone whose offset is remembered. It covers two years, so a walk over days asks once for each.
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

/**
 * The instants at which a zone's clocks show a local time. There are two if clocks are set back over it, and none if they
 * are set forward over it.
 */
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
