/** The effect of the next clock change on a schedule, shown before it surprises anybody. */

import { compileSchedule } from "../../../src/domain/time/compile-schedule.ts";
import { bindFires } from "../../../src/domain/time/fires.ts";
import { formatLocal } from "../../../src/domain/time/instant.ts";
import { offsetAt } from "../../../src/domain/time/zone.ts";
import type { ScheduleSpec } from "../api/jobs.ts";

const DAY_MS = 86_400_000;
const HORIZON_DAYS = 370;

export type ClockChange = {
  /** Epoch ms of the first instant on the new offset. */
  readonly at: number;
  readonly zone: string;
  readonly forward: boolean;
  /** The last fire before the change and the first two after it, in the schedule's zone, with offset. */
  readonly fires: readonly { readonly at: number; readonly local: string }[];
};

/** The first clock change within about a year, for a cron schedule whose zone has one. Else undefined. */
export function nextClockChange(spec: ScheduleSpec, from: number): ClockChange | undefined {
  const compiled = compileSchedule(spec, { tickAligned: false });
  if (!compiled.ok || compiled.value.timing.kind !== "cron") return undefined;
  const zone = compiled.value.timing.timeZone;
  const at = findChange(zone, from);
  if (at === undefined) return undefined;
  const before = bindFires(compiled.value, { anchorAt: 0 }).last(at - 1);
  const fires = [...(before === null ? [] : [before]), ...bindFires(compiled.value, { anchorAt: 0 }).take(at - 1, 2)];
  return {
    at,
    zone,
    forward: offsetAt(zone, at) > offsetAt(zone, at - 1),
    fires: fires.map((fire) => ({ at: fire, local: formatLocal(fire, zone) })),
  };
}

function findChange(zone: string, from: number): number | undefined {
  for (let day = 0; day < HORIZON_DAYS; day++) {
    const begin = from + day * DAY_MS;
    if (offsetAt(zone, begin) !== offsetAt(zone, begin + DAY_MS)) return bisect(zone, begin, begin + DAY_MS);
  }
  return undefined;
}

/** The first instant of the new offset in (low, high]. */
function bisect(zone: string, low: number, high: number): number {
  const old = offsetAt(zone, low);
  let [before, after] = [low, high];
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (offsetAt(zone, middle) === old) before = middle;
    else after = middle;
  }
  return after;
}
