/** The events that Reveille reports by itself, and a job's health (docs/contract.md §18). */
import * as z from "zod";
import { EVENT_TYPES } from "./event-types.ts";
import { Run } from "./run.ts";

type EventName = (typeof EVENT_TYPES)[number];

/** Usual names of events that are called otherwise here. */
export const EVENT_ALIASES: Readonly<Record<string, EventName>> = {
  failed: "run.failed",
  failure: "run.failed",
  error: "run.failed",
  "run.error": "run.failed",
  "job.failed": "run.failed",
  success: "run.succeeded",
  succeeded: "run.succeeded",
  completed: "run.succeeded",
  "run.success": "run.succeeded",
  "run.completed": "run.succeeded",
  "run.finished": "run.succeeded",
  "job.succeeded": "run.succeeded",
  "job.completed": "run.succeeded",
  recovered: "run.recovered",
  recovery: "run.recovered",
  skipped: "run.skipped",
  paused: "job.paused",
  overdue: "job.overdue",
  missed: "job.overdue",
  budget: "budget.reached",
  "budget.exhausted": "budget.reached",
  "budget.exceeded": "budget.reached",
  "budget.used_up": "budget.reached",
  "run.missed": "job.overdue",
  "job.missed": "job.overdue",
  "job.recovered": "run.recovered",
  "job.skipped": "run.skipped",
  "fanout.failed": "fan_out.failed",
};

export const EventType = z.enum(EVENT_TYPES).meta({
  id: "EventType",
  valueAliases: EVENT_ALIASES,
  description:
    "run.failed: a run has ended as error, its attempts used up. run.recovered: the first success after that. job.paused: by the agent or by Reveille, not by hand. job.overdue: the sweep found a due time that nothing had answered. budget.reached: once a day. fan_out.failed: ended as error, or with failed users. run.succeeded and run.skipped: of jobs with report all.",
});
export type EventType = z.infer<typeof EventType>;

/** An event as every answer shows it. */
export const Event = z
  .strictObject({
    id: z.string().meta({ description: "The same for every report of the event, so that repeats can be recognised." }),
    type: EventType,
    at: z.string().meta({ description: "When it happened." }),
    message: z.string().meta({ description: "One sentence for people." }),
    job_id: z.string().optional(),
    job_name: z.string().optional(),
    run: Run.optional().meta({ description: "The event's run, as it ended." }),
  })
  .meta({ id: "Event" });
export type Event = z.infer<typeof Event>;

/**
 * The content of MCP's `run.offered`. It is not in the list of events, since the run is in its mailbox until it is claimed.
 */
export const OfferedEvent = z.strictObject({ ...Event.shape, type: z.literal("run.offered"), agent_id: z.string() });
export type OfferedEvent = z.infer<typeof OfferedEvent>;
