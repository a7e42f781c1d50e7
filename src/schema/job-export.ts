/**
 * A job on its way from one deployment to another (docs/contract.md §6, export and import). The job as it is shown,
 * and the three things of it that are not.
 */
import * as z from "zod";
import { Spent } from "./control.ts";
import { Job, JobInput, JobState, RunStatus } from "./job.ts";
import { InstantText } from "./schedule.ts";
import { IdText } from "./text.ts";

const hidden = {
  anchor_at: InstantText.optional().meta({
    description: "Where the phase of every begins; left out where that is created_at.",
  }),
  finished_at: InstantText.optional().meta({
    description: "When a finished job was finished: it is erased 7 days later.",
  }),
  spent_on: z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/)
    .optional()
    .meta({ description: "The day of spent.today, in the schedule's zone." }),
  fires: z.int().min(0).optional().meta({ description: "Runs that max_runs has counted so far." }),
};

/** One line of an export. */
export const ExportedJob = z
  .strictObject({ ...Job.shape, ...hidden })
  .meta({ id: "ExportedJob", description: "A job with all that another deployment needs to go on with it." });
export type ExportedJob = z.infer<typeof ExportedJob>;

const instant = InstantText.optional();

/**
 * The fields that a job answers and no client writes. It follows from the rest here, so an import takes it and does
 * not look at it.
 */
const ignored = Object.fromEntries(
  Object.keys(Job.shape)
    .filter((field) => !(field in JobInput.shape))
    .map((field) => [field, z.unknown().optional()]),
);

/** The fields that an export brings along and an import keeps. */
const kept = {
  state: JobState.optional(),
  paused_reason: z.string().optional(),
  paused_until: instant,
  created_at: instant,
  updated_at: instant,
  last_run_at: instant,
  last_status: RunStatus.optional(),
  last_error: z.string().optional(),
  run_count: z.int().min(0).default(0),
  consecutive_failures: z.int().min(0).default(0),
  spent: Spent.optional(),
  ...hidden,
};

/** A job to import: what a client may write, and what an export adds. */
export const ImportedJob = z.strictObject({ ...ignored, ...JobInput.shape, ...kept, id: IdText });
export type ImportedJob = z.infer<typeof ImportedJob>;

/** A job to import, for the API's description. Any object is taken, and the report tells its faults. */
export const ImportedItem = z.looseObject({ id: z.string(), name: z.string(), schedule: z.looseObject({}) }).meta({
  id: "ImportedJob",
  description:
    "An ExportedJob, of which id, name, schedule and message are enough; or a job of the Go original's jobs.json, whose empty fields count as left out.",
});

export const ImportReport = z.strictObject({
  imported: z.int(),
  skipped: z.array(
    z.strictObject({
      id: z
        .string()
        .meta({ description: "The job's id; of one without a usable id its place in the file, such as #3." }),
      reason: z.string(),
    }),
  ),
});
export type ImportReport = z.infer<typeof ImportReport>;
