/**
 * A job on its way from one deployment to another (docs/contract.md §6, export and import). It is the job as shown, with
 * three fields that are not shown.
 */
import * as z from "zod";
import { Spent } from "./control.ts";
import { Job, JobInput, JobState, RunStatus } from "./job.ts";
import { InstantText } from "./schedule.ts";
import { IdText } from "./text.ts";

const hidden = {
  anchor_at: InstantText.optional().meta({
    description: "The beginning of the phase of every; left out if it is created_at.",
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
  .meta({ id: "ExportedJob", description: "A job with everything that another deployment needs to continue it." });
export type ExportedJob = z.infer<typeof ExportedJob>;

const instant = InstantText.optional();

/**
 * The fields that a job answers but no client writes. They follow from the other fields, so an import accepts and ignores
 * them.
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

/** A job to import: the fields that a client may write, and those that an export adds. */
export const ImportedJob = z.strictObject({ ...ignored, ...JobInput.shape, ...kept, id: IdText });
export type ImportedJob = z.infer<typeof ImportedJob>;

/** A job to import, for the API's description. Any object is accepted, and the report names its faults. */
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
        .meta({ description: "The job's id, or its place in the file, such as #3, if it has no usable id." }),
      reason: z.string(),
    }),
  ),
});
export type ImportReport = z.infer<typeof ImportReport>;
