/** The names of the events, apart from their shapes: the dashboard lists them, and loads no zod. */
export const EVENT_TYPES = [
  "run.failed",
  "run.recovered",
  "run.succeeded",
  "run.skipped",
  "job.paused",
  "job.overdue",
  "budget.reached",
  "fan_out.failed",
  "heartbeat.failed",
  "tick.late",
] as const;
