import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";
import { bindFires } from "../../../../src/domain/time/fires.ts";
import { formatInstant } from "../../../../src/domain/time/instant.ts";
import type { Schedule } from "../../../../src/domain/time/schedule.ts";
import type { ScheduleSpec } from "../../../../src/schema/schedule.ts";

export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
export const ANCHOR = Date.parse("2026-11-23T09:00:07.123Z");
export const NOW = ANCHOR;

export function compile(spec: ScheduleSpec): Schedule {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
}

export const fires = (schedule: Schedule) => bindFires(schedule, { anchorAt: ANCHOR });
export const iso = (at: number | null) => (at === null ? null : formatInstant(at));
