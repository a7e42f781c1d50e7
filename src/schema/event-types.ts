/** The names of the events. They are apart from their shapes, because the dashboard lists them but does not load zod. */
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
