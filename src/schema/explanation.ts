/** The shape of an explanation (docs/contract.md §6, `explain`): why a job did or did not run at a time. */
import * as z from "zod";
import { JobState } from "./job.ts";
import { Run } from "./run.ts";

export const Verdict = z.enum([
  "ran",
  "running",
  "skipped",
  "coalesced",
  "waiting",
  "overdue",
  "not_due",
  "in_future",
  "before_creation",
  "other_schedule",
  "paused",
  "finished",
  "held",
  "log_expired",
  "no_trace",
]);
export type Verdict = z.infer<typeof Verdict>;

/** An explanation as clients see it. */
export const Explanation = z
  .strictObject({
    job_id: z.string(),
    at: z.string().meta({ description: "The time in question." }),
    state: JobState.meta({ description: "The job's state now." }),
    verdict: Verdict.meta({
      description:
        "What happened, for programs: `coalesced` means that a later run stands for this fire too, `log_expired` that the log no longer reaches back so far, `no_trace` that the job was paused then.",
    }),
    explanation: z.string().meta({
      description: "What happened, in one or two sentences.",
      examples: ["The fire due at 2026-11-23T09:00:00.000Z was not run: run r_01 was still active (overlap: skip)."],
    }),
    due_at: z.string().optional().meta({ description: "The due time that the verdict is about." }),
    run: Run.optional().meta({ description: "The run that the verdict is about." }),
    fan_out_id: z.string().optional().meta({ description: "The fan-out that the verdict is about." }),
    next_run_at: z.string().optional().meta({ description: "When the job fires next." }),
  })
  .meta({ id: "Explanation" });
export type Explanation = z.infer<typeof Explanation>;
