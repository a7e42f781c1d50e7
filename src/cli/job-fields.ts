/** A job's fields as options: those of its schedule, and the others under their own names with dashes. */
import { parsePayload } from "../domain/text/exact-json.ts";
import { type Given, type Options, UsageError } from "./command.ts";

/** The options of the schedule. Each is a field of it. */
export const SCHEDULE_OPTIONS: Options = {
  cron: { type: "string", value: "CRON", about: 'By calendar: "0 9 * * 1-5"' },
  timezone: { type: "string", value: "ZONE", about: "IANA time zone of the schedule: Europe/Berlin" },
  every: { type: "string", value: "DURATION", about: "At an interval: 30m" },
  at: { type: "string", value: "TIME", about: "Once, at a time: 2027-01-15T14:30:00+08:00" },
  in: { type: "string", value: "DURATION", about: "Once, this long from now: 20m" },
  rrule: { type: "string", value: "RULE", about: "By an RFC 5545 rule: FREQ=WEEKLY;BYDAY=TU;BYHOUR=14" },
  manual: { type: "boolean", about: "Never by itself, only when it is run or triggered" },
  "starts-at": { type: "string", value: "TIME", about: "No fire before this time; the anchor of --every" },
  "ends-at": { type: "string", value: "TIME", about: "No fire after this time" },
  "max-runs": { type: "string", value: "N", about: "Finished after this many runs" },
  jitter: { type: "string", value: "DURATION", about: "Delay each fire by a fixed part of this" },
  exclude: { type: "string", value: "WHEN", multiple: true, about: "No fire then: 2026-12-25, SAT, 22:00-07:00" },
};

/** The options that are fields of the job itself. */
const JOB_OPTIONS: Options = {
  name: { type: "string", about: "The job's name, for people" },
  message: { type: "string", short: "m", about: "The prompt that the agent gets" },
  description: { type: "string", about: "For people" },
  payload: { type: "string", value: "JSON", about: 'Data for the agent: \'{"repo": "x"}\'' },
  "agent-id": { type: "string", value: "ID", aliases: ["agent"], about: "The agent to call; else the default agent" },
  "user-id": { type: "string", value: "ID", aliases: ["user"], about: "The user that the job runs as" },
  "exec-scope": { type: "string", value: "SCOPE", aliases: ["scope"], about: "system, user or all_users" },
  "session-mode": { type: "string", value: "MODE", about: "reuse (default) or new" },
  overlap: { type: "string", value: "RULE", about: "skip (default), buffer_one, cancel_other, allow_all" },
  timeout: { type: "string", value: "DURATION", about: "How long one attempt waits for an answer (5m)" },
  "completion-timeout": { type: "string", value: "DURATION", about: "How long a run may take after 202 (1h)" },
  "claim-timeout": { type: "string", value: "DURATION", about: "How long a run waits in a mailbox (24h)" },
  "catchup-window": { type: "string", value: "DURATION", about: "How old a missed fire may be and still run (24h)" },
  "max-attempts": { type: "string", value: "N", about: "Calls of one run, the first included (3)" },
  label: { type: "string", value: "KEY:VALUE", multiple: true, about: "A label to filter by" },
  report: { type: "string", value: "WHAT", about: "problems (default), all or none" },
  continuity: { type: "boolean", about: "Pass the last run's output to the next" },
  "plugin-id": { type: "string", value: "ID", about: "Plugin jobs only, with --job-key and --runtime-name" },
  "job-key": { type: "string", value: "KEY", about: "The plugin's own name for the job" },
  "runtime-name": { type: "string", value: "NAME", about: "Where the plugin runs" },
  "owner-kind": { type: "string", value: "KIND", about: "user, plugin or system" },
  enabled: { type: "string", value: "BOOLEAN", about: "false: paused" },
  paused: { type: "boolean", about: "The same as --enabled false" },
  labels: { type: "string", value: "JSON", about: 'All labels at once: \'{"team": "ops"}\'' },
  retry: { type: "string", value: "JSON", about: '\'{"max_attempts": 3, "min_backoff": "5s"}\'' },
  "fan-out": { type: "string", value: "JSON", about: "'{\"concurrency\": 50}'" },
  pacing: {
    type: "string",
    value: "JSON",
    about: 'The bounds of the agent\'s own next_in: \'{"min": "10m", "max": "1d"}\'',
  },
  budget: { type: "string", value: "JSON", about: '\'{"runs_per_day": 20, "usd_per_day": 5}\'' },
};

export const FIELD_OPTIONS: Options = { ...JOB_OPTIONS, ...SCHEDULE_OPTIONS };

/** Options whose value is JSON. */
const JSON_OPTIONS = ["payload", "labels", "retry", "fan-out", "pacing", "budget"];
const SPECIAL = new Set([...JSON_OPTIONS, "max-attempts", "label", "paused", "enabled"]);
const NUMBERS = new Set(["max-runs"]);
const LISTS = new Set(["exclude"]);

type Fields = Record<string, unknown>;

/** The schedule of the options. Undefined if none is given. */
export const scheduleOf = (given: Given): Fields | undefined => fieldsOf(given, SCHEDULE_OPTIONS);

/** The fields of the options in the API's form. Throws a {@link UsageError} if a value is not JSON or not a label. */
export function jobFieldsOf(given: Given): Fields {
  const fields =
    fieldsOf(given, Object.fromEntries(Object.entries(JOB_OPTIONS).filter(([name]) => !SPECIAL.has(name)))) ?? {};
  for (const option of JSON_OPTIONS) {
    const text = given.text(option);
    if (text !== undefined) fields[option.replaceAll("-", "_")] = jsonOf(option, text);
  }
  const attempts = given.text("max-attempts");
  if (attempts !== undefined)
    fields.retry = { ...objectOf(fields.retry), max_attempts: numberOf("max-attempts", attempts) };
  const labels = given.texts("label");
  if (labels.length > 0) fields.labels = { ...objectOf(fields.labels), ...Object.fromEntries(labels.map(labelOf)) };
  const enabled = given.flag("paused") ? "false" : given.text("enabled");
  if (enabled !== undefined) fields.enabled = booleanOf("enabled", enabled);
  const schedule = scheduleOf(given);
  if (schedule !== undefined) fields.schedule = schedule;
  return fields;
}

function fieldsOf(given: Given, options: Options): Fields | undefined {
  const fields: Fields = {};
  for (const [name, { type }] of Object.entries(options)) {
    const field = name.replaceAll("-", "_");
    const value = given.text(name);
    if (type === "boolean") {
      if (given.flag(name)) fields[field] = true;
    } else if (LISTS.has(name)) {
      if (given.texts(name).length > 0) fields[field] = given.texts(name);
    } else if (value !== undefined) fields[field] = NUMBERS.has(name) ? numberOf(name, value) : value;
  }
  return Object.keys(fields).length === 0 ? undefined : fields;
}

/** The value of an option that is JSON. */
export function jsonOf(option: string, text: string): unknown {
  try {
    return parsePayload(text);
  } catch {
    throw new UsageError(`--${option} must be JSON, e.g. --${option} '{"repo": "x"}'; got ${text}`);
  }
}

export function numberOf(option: string, text: string): number {
  if (!/^\d+$/.test(text)) throw new UsageError(`--${option} must be a whole number; got "${text}"`);
  return Number(text);
}

/** The value of an option that takes one of a few words. */
export function oneOf<T extends string>(option: string, text: string | undefined, words: readonly T[]): T | undefined {
  const found = words.find((word) => word === text);
  if (text === undefined || found !== undefined) return found;
  throw new UsageError(`--${option} must be ${words.join(", ").replace(/, (?=[^,]*$)/, " or ")}; got "${text}"`);
}

function booleanOf(option: string, text: string): boolean {
  if (text !== "true" && text !== "false") throw new UsageError(`--${option} must be true or false; got "${text}"`);
  return text === "true";
}

const objectOf = (value: unknown): object => (typeof value === "object" && value !== null ? value : {});

function labelOf(text: string): readonly [string, string] {
  const at = text.search(/[:=]/);
  if (at <= 0) throw new UsageError(`--label must be KEY:VALUE, e.g. --label team:ops; got "${text}"`);
  return [text.slice(0, at), text.slice(at + 1)];
}
