/** The shape of a schedule (CONTRACT.md §1). What it means, and whether it can ever fire, is decided by `domain/schedule.ts`. */
import * as z from "zod";
import { MAX_CRON_CHARS } from "./limits.ts";

/** Durations travel as Go duration strings; `domain/duration.ts` reads them. */
export const DurationText = z.string().min(1).max(64);
/** Instants travel as RFC 3339 with an offset; `domain/instant.ts` reads them. */
export const InstantText = z.string().min(1).max(40);

export const ScheduleSpec = z.strictObject({
  cron: z.string().min(1).max(MAX_CRON_CHARS).optional(),
  every: DurationText.optional(),
  at: InstantText.optional(),
  timezone: z.string().min(1).max(64).optional(),
  jitter: DurationText.optional(),
  starts_at: InstantText.optional(),
  ends_at: InstantText.optional(),
  max_runs: z.int().min(1).optional(),
});

/** As the client wrote it, and as it is shown back. */
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;
