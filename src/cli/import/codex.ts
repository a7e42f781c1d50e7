/** Codex automations: an `automation.toml`, or a file with several under `automations`. */

import { parse } from "smol-toml";
import { messageOf } from "../../domain/text/error-text.ts";
import { Failure } from "../command.ts";
import { isFields } from "../job-body.ts";
import {
  type Foreign,
  type ForeignJob,
  type ImportOptions,
  NotCarriedOver,
  present,
  readEntries,
  shortened,
  textOf,
} from "./foreign.ts";

const MAX_NAME_BYTES = 200;
const MINUTE_MS = 60_000;
/** The number below which a time is in seconds. In milliseconds it would be 1973. */
const FIRST_MS = 100_000_000_000;
/** The fields that are imported, or that do not matter for future runs. */
const READ = [
  "version",
  "id",
  "kind",
  "name",
  "prompt",
  "status",
  "rrule",
  "created_at",
  "updated_at",
  "next_run_at",
  "last_run_at",
];
const THREAD = ["target_thread_id", "thread_id"];

/** Reads automations. Their times are local, in `timezone`. Throws a {@link Failure} if the file is not TOML. */
export function readCodex(text: string, { timezone }: ImportOptions): Foreign {
  let value: Record<string, unknown>;
  try {
    value = parse(text);
  } catch (error) {
    throw new Failure(`The file is no TOML: ${messageOf(error)}`);
  }
  return readEntries(entriesOf(value), (entry) => readAutomation(entry, timezone));
}

function entriesOf(value: Record<string, unknown>): (readonly [string, unknown])[] {
  const several = value.automations ?? value.automation;
  if (Array.isArray(several))
    return several.map((entry, index) => [`automations[${index}]${named(entry)}`, entry] as const);
  if (isFields(several))
    return Object.entries(several).map(([id, entry]) => [`automations.${id}${named(entry)}`, entry] as const);
  return [[`automation${named(value)}`, value]];
}

const named = (entry: unknown): string => (isFields(entry) && typeof entry.name === "string" ? ` "${entry.name}"` : "");

function readAutomation(entry: unknown, timezone: string): Omit<ForeignJob, "place"> {
  if (!isFields(entry)) throw new NotCarriedOver("it is no table");
  if (entry.version !== undefined && entry.version !== 1)
    throw new NotCarriedOver(`version ${String(entry.version)} is not known`);
  if (THREAD.some((field) => field in entry) || entry.kind === "heartbeat") {
    throw new NotCarriedOver("it goes on in a thread of Codex, which nothing outside Codex can do");
  }
  const status = entry.status ?? "ACTIVE";
  if (status !== "ACTIVE" && status !== "PAUSED")
    throw new NotCarriedOver(`status ${JSON.stringify(status)} is not known`);
  const message = textOf(entry, "prompt");
  const schedule = scheduleOf(textOf(entry, "rrule"), entry.created_at, timezone);
  const payload = Object.fromEntries(Object.entries(entry).filter(([field]) => !READ.includes(field)));
  return {
    fields: present({
      name: shortened(typeof entry.name === "string" && entry.name !== "" ? entry.name : message, MAX_NAME_BYTES),
      message,
      schedule,
      enabled: status === "PAUSED" ? false : undefined,
      // Each run of an automation is its own task.
      session_mode: "new",
      payload: Object.keys(payload).length > 0 ? payload : undefined,
    }),
    notes: isPhased(schedule)
      ? ["it says neither DTSTART nor created_at: its intervals are counted from the import on"]
      : [],
  };
}

function scheduleOf(text: string, createdAt: unknown, timezone: string): Record<string, unknown> {
  const lines = text.trim().split(/\r?\n|\\n/);
  const start = lines.find((line) => line.startsWith("DTSTART"));
  const rrule = lines.filter((line) => line !== start).join("\n");
  if (start !== undefined) {
    const utc = start.match(/^DTSTART:(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/);
    if (utc === null) throw new NotCarriedOver(`${start} is no time in UTC; write it as DTSTART:20270101T090000Z`);
    const [, year, month, day, hour, minute, second] = utc;
    return { rrule, timezone, starts_at: `${year}-${month}-${day}T${hour}:${minute}:${second}.000Z` };
  }
  // The automation's creation decides what the rule leaves open: its minute, or the week that an interval begins with.
  const created = epochMs(createdAt);
  // Rules have no seconds. The seconds of the creation would otherwise be in each fire.
  const startsAt = created === undefined ? undefined : new Date(created - (created % MINUTE_MS)).toISOString();
  return present({ rrule, timezone, starts_at: startsAt });
}

/** Whether the rule's times depend on its beginning, and that is unknown. */
const isPhased = ({ rrule, starts_at }: Record<string, unknown>): boolean =>
  starts_at === undefined && /INTERVAL=(?!1\b)|COUNT=/.test(String(rrule));

function epochMs(value: unknown): number | undefined {
  const at = typeof value === "bigint" ? Number(value) : value instanceof Date ? value.getTime() : value;
  if (typeof at !== "number" || !Number.isFinite(at) || at <= 0) return undefined;
  return at < FIRST_MS ? at * 1_000 : at;
}
