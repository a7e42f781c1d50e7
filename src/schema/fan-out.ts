/** The shape of a fan-out as clients see it (docs/contract.md §6). */
import * as z from "zod";
import { Trigger } from "./run.ts";

export const FanOutStatus = z.enum(["running", "success", "error"]);

/** A fan-out. `total` = `succeeded` + `failed` + `skipped` + `pending`, and it grows while the users are read. */
export const FanOut = z.strictObject({
  id: z.string(),
  job_id: z.string(),
  status: FanOutStatus,
  trigger: Trigger,
  scheduled_at: z.string(),
  started_at: z.string(),
  finished_at: z.string().optional(),
  error: z.string().optional(),
  total: z.int(),
  succeeded: z.int(),
  failed: z.int(),
  skipped: z.int(),
  pending: z.int(),
  /** The number of earlier fires, missed while nothing could run, that this fan-out also stands for. */
  missed: z.int().optional(),
});
export type FanOut = z.infer<typeof FanOut>;
