/** Parts and frequencies of other calendars that a recurrence rule does not have here, and how to write each. */

import { reachedAt } from "./daylight-saving.ts";
import { formatLocal, parseInstant } from "./instant.ts";
import { findZone } from "./zone.ts";

/** The names of parts of a rule in other calendars. */
const ELSEWHERE: Readonly<Record<string, (value: string) => string>> = {
  DTSTART: (value) => startElsewhere(`DTSTART:${value}`),
  TZID: (value) => `"TZID" is not a part of a rule; write "timezone": "${value}" beside rrule`,
  EXDATE: (value) => `"EXDATE" is not a part of the rule itself; write it after a newline, as EXDATE:${value}`,
  RDATE: (value) => `"RDATE" is not a part of the rule itself; write it after a newline, as RDATE:${value}`,
  BYWEEKDAY: (value) => `"BYWEEKDAY" is not a part of a rule; write BYDAY=${value}`,
  BYDAYS: (value) => `"BYDAYS" is not a part of a rule; write BYDAY=${value}`,
  BYWEEK: (value) => `"BYWEEK" is not a part of a rule; write BYWEEKNO=${value}`,
};

/** The text to write in place of an unknown part. Undefined if there is nothing like it. */
export const partElsewhere = (part: string, value: string): string | undefined => ELSEWHERE[part]?.(value);

/** The advice for a DTSTART, with its time and zone as they are written here. */
export function startElsewhere(line: string): string {
  const [, zone, text = ""] = /^DTSTART(?:;TZID=([^:;]+))?[^:]*:(.*)$/i.exec(line) ?? [];
  const [, date, clock, utc] = /^(\d{4}\d{2}\d{2})T(\d{2}\d{2}\d{2})(Z)?$/i.exec(text.trim()) ?? [];
  const spaced = (digits = "", by: string) => digits.replace(/^(.+)(..)(..)$/, `$1${by}$2${by}$3`);
  const written = date === undefined ? undefined : `${spaced(date, "-")}T${spaced(clock, ":")}Z`;
  const time = written === undefined ? "" : `, "starts_at": ${startIn(utc === undefined ? zone : "UTC", written)}`;
  const timezone = zone === undefined ? "" : `, "timezone": "${zone}"`;
  return `DTSTART is not part of rrule here: give the time as schedule.starts_at, and begin rrule with FREQ=${time}${timezone}`;
}

/** A start in its zone's own time, with the offset that the zone has then. */
function startIn(zone: string | undefined, written: string): string {
  const known = zone === undefined ? undefined : findZone(zone);
  const local = parseInstant(written);
  if (zone === "UTC") return `"${written}"`;
  if (!known?.ok || !local.ok) return `"${written}" with the zone's offset in place of Z`;
  return `"${formatLocal(reachedAt(known.value, local.value), known.value)}"`;
}

/** Frequencies that are another frequency with an interval. */
export const OTHER_FREQUENCIES: Readonly<Record<string, string>> = {
  BIWEEKLY: "FREQ=WEEKLY;INTERVAL=2",
  FORTNIGHTLY: "FREQ=WEEKLY;INTERVAL=2",
  BIMONTHLY: "FREQ=MONTHLY;INTERVAL=2",
  QUARTERLY: "FREQ=MONTHLY;INTERVAL=3",
  ANNUALLY: "FREQ=YEARLY",
  WEEKDAYS: "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
};
