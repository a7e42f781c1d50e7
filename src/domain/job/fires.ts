/** Coming fires as answers show them: in UTC, and as the clocks of the schedule's zone will show them. */
import * as z from "zod";
import { bindFires } from "../time/fires.ts";
import { formatInstant, formatLocal } from "../time/instant.ts";
import { type Schedule, scheduleZone } from "../time/schedule.ts";

export const Fire = z
  .strictObject({
    at: z.string().meta({ description: "In UTC.", examples: ["2026-11-23T08:00:00.000Z"] }),
    local: z.string().meta({
      description: "In the schedule's time zone, with its offset then.",
      examples: ["2026-11-23T09:00:00+01:00"],
    }),
  })
  .meta({ id: "Fire" });
export type Fire = z.infer<typeof Fire>;

/**
 * The first `count` fires after `from` (epoch ms), which is also the anchor of `every`. There are fewer if the schedule
 * ends. The delay of `jitter` belongs to a job and is left out.
 */
export function showFires(schedule: Schedule, from: number, count: number): readonly Fire[] {
  const zone = scheduleZone(schedule);
  const fires = bindFires(schedule, { anchorAt: from }).take(from, Math.min(count, schedule.maxRuns ?? count));
  return fires.map((at) => ({ at: formatInstant(at), local: formatLocal(at, zone) }));
}
