/** Warnings (docs/contract.md §13) about things that are valid but may not be meant. */
import * as z from "zod";

export const WARNING_CODES = [
  "agent_not_registered",
  "no_agent",
  "utc_assumed",
  "fixed_offset_zone",
  "day_or_weekday",
  "uneven_step",
  "jitter_is_fixed",
  "anchor",
  "duplicate_name",
  "may_overlap",
  "pause_outlasts_fires",
  "no_active_users",
  "catchup_always_runs",
  "needs_report_all",
] as const;

export const Warning = z
  .strictObject({
    path: z.string().meta({ description: "The field that the warning is about.", examples: ["schedule.cron"] }),
    code: z.enum(WARNING_CODES),
    message: z.string().meta({ description: "What will happen, and how to write the alternative." }),
  })
  .meta({ id: "Warning" });
export type Warning = z.infer<typeof Warning>;

/** The fields beside the job in answers that create or change one. GET has none of them. */
export const Advice = z.strictObject({
  warnings: z
    .array(Warning)
    .readonly()
    .optional()
    .meta({ description: "Things that may not be meant; left out if there are none." }),
  schedule_description: z.string().meta({
    description: "The schedule in plain English.",
    examples: ["At 09:00, Monday through Friday (Europe/Berlin)"],
  }),
  now: z.string().meta({ description: "The present time.", examples: ["2026-11-23T09:00:00.000Z"] }),
});
export type Advice = z.infer<typeof Advice>;
