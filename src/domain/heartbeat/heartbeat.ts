/**
 * One heartbeat's rules (docs/contract.md §8). They say what its configuration means, when a beat is due, and what ends a
 * beat before any model is asked. Beats fall on the multiples of `every`, counted from 1970 in UTC, so no restart and no
 * edit moves them.
 */
import type { Heartbeat, HeartbeatConfig, HeartbeatInput } from "../../schema/heartbeat.ts";
import { MAX_EVERY_MS, MINUTE_MS, SECOND_MS } from "../../schema/limits.ts";
import { type FieldError, invalid, type Outcome } from "../failure.ts";
import { ok } from "../result.ts";
import { compileActiveHours, type DailyWindow, isActiveAt } from "../time/active-hours.ts";
import { parseDurationWithin } from "../time/duration.ts";
import { formatInstant } from "../time/instant.ts";
import type { Beat, Idle } from "./beat.ts";

/** A configuration with everything that a beat needs already computed. */
export type CompiledHeartbeat = {
  readonly config: HeartbeatConfig;
  /** At least 10 s. */
  readonly everyMs: number;
  readonly hours?: DailyWindow;
};

/** A heartbeat as its object keeps it; instants are epoch ms. */
export type HeartbeatRecord = {
  readonly name: string;
  readonly config: HeartbeatConfig;
  readonly createdAt: number;
  readonly updatedAt: number;
  /** Beats due up to here are handled. A beat moves it on in its own row; the later of the two counts. */
  readonly handledAt: number;
  /** The version of the code's configuration that was applied last; undefined if code never configured it. */
  readonly codeVersion?: string | undefined;
};

export const MIN_EVERY_MS = 10 * SECOND_MS;
/**
 * The number of coming beats that are searched for one within the active hours. It covers a day of minutes, or four years
 * of days.
 */
const MAX_LOOKAHEAD = 1_500;

/**
 * Fills in defaults and checks a configuration. `notify/notify.ts` checks the hosts of the notifiers' URLs. Errors:
 * `validation_failed` with every field that is wrong.
 */
export function defineHeartbeat(input: HeartbeatInput, name: string): Outcome<CompiledHeartbeat> {
  const errors: FieldError[] = [];
  if (input.name !== undefined && input.name !== name) {
    errors.push({ path: "name", message: `must be "${name}", as in the path; leave it out` });
  }
  const everyMs = readEvery(input.every, errors);
  const hours = input.active_hours === undefined ? undefined : compileActiveHours(input.active_hours);
  if (hours !== undefined && !hours.ok) errors.push(...hours.error);
  if (errors.length > 0) return invalid(errors);

  const compiled: CompiledHeartbeat = {
    config: normalise(input),
    everyMs,
    ...(hours?.ok ? { hours: hours.value } : {}),
  };
  // Only a search can tell, because the answer depends on the zone and its clock changes. The start of the search does not
  // matter.
  if (firstActiveBeat(compiled, 0) === undefined) {
    return invalid(
      [
        {
          path: "active_hours",
          message: `beats every ${input.every} fall on multiples of it in UTC, and none of these is within active_hours`,
        },
      ],
      "Choose a shorter every, or active_hours that hold one of its multiples; every 24h beats at 00:00 UTC.",
    );
  }
  return ok(compiled);
}

function readEvery(every: string, errors: FieldError[]): number {
  const ms = parseDurationWithin(every, MIN_EVERY_MS, MAX_EVERY_MS);
  if (!ms.ok) errors.push({ path: "every", message: ms.error });
  return ms.ok ? ms.value : MINUTE_MS;
}

function normalise(input: HeartbeatInput): HeartbeatConfig {
  const { name: _name, agent_id, fast_model, model, ...rest } = input;
  return {
    ...rest,
    ...(agent_id ? { agent_id } : {}),
    ...(fast_model ? { fast_model } : {}),
    ...(model ? { model } : {}),
  };
}

/** The compiled form of a configuration that was checked before it was stored. */
export function compileStored(config: HeartbeatConfig): CompiledHeartbeat {
  const hours = config.active_hours === undefined ? undefined : compileActiveHours(config.active_hours);
  return { config, everyMs: readEvery(config.every, []), ...(hours?.ok ? { hours: hours.value } : {}) };
}

/** The last due time at or before `at`. */
export const slotStart = (everyMs: number, at: number): number => Math.floor(at / everyMs) * everyMs;

/** A due time, and the number of due times before it that passed without a beat since `handledAt`. */
export type DueSlot = { readonly dueAt: number; readonly missed: number };

/**
 * The due time that the tick at `tickAt` finds open, or undefined. Any later tick before the next due time replaces a lost
 * one.
 */
export function dueSlot(everyMs: number, handledAt: number, tickAt: number): DueSlot | undefined {
  const dueAt = slotStart(everyMs, tickAt);
  if (dueAt <= handledAt) return undefined;
  return { dueAt, missed: (dueAt - slotStart(everyMs, handledAt)) / everyMs - 1 };
}

/**
 * The gates before a beat at `at`: enabled, active hours, and a document that is not empty. Undefined lets the beat pass. A
 * manual beat ignores the first two, since its caller asked for it. A document of only whitespace counts as empty.
 */
export function idleBecause(
  heartbeat: CompiledHeartbeat,
  beat: { readonly trigger: "schedule" | "manual"; readonly at: number; readonly document: string },
): Idle | undefined {
  const { config, hours } = heartbeat;
  if (beat.trigger === "schedule") {
    if (!config.enabled) return { outcome: "skipped", reason: "the heartbeat is disabled" };
    if (hours !== undefined && !isActiveAt(hours, beat.at)) {
      return { outcome: "skipped", reason: `outside the active hours ${hoursText(config)}` };
    }
  }
  if (beat.document.trim() === "") return { outcome: "empty", reason: "the document is empty" };
  return undefined;
}

function hoursText({ active_hours }: HeartbeatConfig): string {
  return active_hours === undefined ? "" : `${active_hours.start} to ${active_hours.end} ${active_hours.timezone}`;
}

/** The first due time after `after` within the active hours. Undefined if the search finds none. */
function firstActiveBeat({ everyMs, hours }: CompiledHeartbeat, after: number): number | undefined {
  const first = slotStart(everyMs, after) + everyMs;
  if (hours === undefined || isActiveAt(hours, first)) return first;
  // Active hours begin and end on a minute, and every such minute holds a beat if the interval is no longer than a minute.
  const step = Math.max(everyMs, MINUTE_MS);
  for (let k = 1; k <= MAX_LOOKAHEAD; k++) {
    const from = slotStart(step, first) + k * step;
    const dueAt = Math.ceil(from / everyMs) * everyMs;
    if (isActiveAt(hours, dueAt)) return dueAt;
  }
  return undefined;
}

/** Whether the object sets its own alarm. The tick comes once a minute, so beats between two minutes need one. */
const ringsItself = ({ config, everyMs }: CompiledHeartbeat): boolean => config.enabled && everyMs % MINUTE_MS !== 0;

/**
 * The time at which the heartbeat's object must wake by itself, in epoch ms, or undefined. It wakes for a queued beat, for
 * the repeat of a failed beat, and for beats between two ticks. A beat in progress is checked when it ends.
 */
export function nextWakeAt(
  heartbeat: CompiledHeartbeat,
  newest: Beat | undefined,
  handledAt: number,
  now: number,
): number | undefined {
  if (newest?.phase === "queued") return now;
  if (newest !== undefined && newest.phase !== "ended") return undefined;
  const dueAt = ringsItself(heartbeat) ? firstActiveBeat(heartbeat, handledAt) : undefined;
  const wakeAt = Math.min(newest?.retryAt ?? Number.POSITIVE_INFINITY, dueAt ?? Number.POSITIVE_INFINITY);
  return Number.isFinite(wakeAt) ? Math.max(wakeAt, now) : undefined;
}

/**
 * The record of a new or changed configuration. Neither creating nor editing causes a beat. A new heartbeat, another
 * `every` or enabling could cause one, so what was due until `now` then counts as handled.
 */
export function configure(
  name: string,
  config: HeartbeatConfig,
  now: number,
  current: { readonly record: HeartbeatRecord; readonly handledAt: number } | undefined,
): HeartbeatRecord {
  if (current === undefined) return { name, config, createdAt: now, updatedAt: now, handledAt: now };
  const before = current.record.config;
  const restarts = before.every !== config.every || before.enabled !== config.enabled;
  return {
    ...current.record,
    config,
    updatedAt: now,
    handledAt: restarts ? Math.max(current.handledAt, now) : current.handledAt,
  };
}

/** The heartbeat as clients see it; `config` is the masked one. */
export function heartbeatView(
  record: HeartbeatRecord,
  config: HeartbeatConfig,
  newest: Beat | undefined,
  handledAt: number,
  now: number,
): Heartbeat {
  const compiled = compileStored(record.config);
  const nextAt = record.config.enabled ? firstActiveBeat(compiled, Math.max(handledAt, now)) : undefined;
  return {
    name: record.name,
    ...config,
    created_at: formatInstant(record.createdAt),
    updated_at: formatInstant(record.updatedAt),
    ...(nextAt === undefined ? {} : { next_beat_at: formatInstant(nextAt) }),
    ...(newest === undefined ? {} : { last_beat_at: formatInstant(newest.lastAt) }),
    ...(newest?.outcome === undefined ? {} : { last_outcome: newest.outcome }),
  };
}
