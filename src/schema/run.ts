/** The shapes of a run (CONTRACT.md §5) and of what clients send about one (§6: complete, progress, backfill). */
import * as z from "zod";
import { RunStatus } from "./job.ts";
import { MAX_PROGRESS_MESSAGE_BYTES } from "./limits.ts";
import { InstantText } from "./schedule.ts";
import { boundedText } from "./text.ts";

export const Trigger = z.enum(["schedule", "manual", "backfill"]);
export type Trigger = z.infer<typeof Trigger>;

export const Progress = z.strictObject({
  percent: z.number().min(0).max(100).optional(),
  message: boundedText(0, MAX_PROGRESS_MESSAGE_BYTES).optional(),
});
export type Progress = z.infer<typeof Progress>;

export const Run = z
  .strictObject({
    id: z.string(),
    job_id: z.string(),
    session_id: z.string(),
    user_id: z.string().optional(),
    status: RunStatus,
    trigger: Trigger,
    scheduled_at: z.string(),
    started_at: z.string(),
    finished_at: z.string().optional(),
    error: z.string().optional(),
    attempt: z.int(),
    /** While a failed attempt waits for its next one: when that is. */
    next_attempt_at: z.string().optional(),
    /** While the agent holds a run that it answered with 202: when it times out unless completed or renewed. */
    completion_due_at: z.string().optional(),
    /** How many earlier fires, missed while nothing could run, this run (or skip) stands for as well. */
    missed: z.int().optional(),
    http_status: z.int().optional(),
    output: z.string().optional(),
    output_truncated: z.boolean().optional(),
    progress: Progress.optional(),
    fan_out_id: z.string().optional(),
  })
  .meta({ id: "Run", description: "One run of a job: from the time it was due to its end." });
export type Run = z.infer<typeof Run>;

/** Output and error are cut where they are longer than what is kept (16 KiB and 4 KiB), never refused: a result is not to be lost. */
export const CompleteBody = z.strictObject({
  status: z.enum(["success", "error"]),
  output: z.union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())]).optional(),
  error: z.string().optional(),
});
export type CompleteBody = z.infer<typeof CompleteBody>;

export const BackfillBody = z.strictObject({ from: InstantText, to: InstantText });
