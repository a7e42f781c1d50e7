/** The shape of a schedule (CONTRACT.md §1). What it means, and whether it can ever fire, is decided by `domain/schedule.ts`. */
import * as z from "zod";
import { MAX_CRON_CHARS } from "./limits.ts";

/** Durations travel as Go duration strings; `domain/duration.ts` reads them. */
export const DurationText = z.string().min(1).max(64).meta({ reads: "duration" });
/** Instants travel as RFC 3339 with an offset; `domain/instant.ts` reads them. */
export const InstantText = z.string().min(1).max(64).meta({ reads: "instant" });

export const ScheduleSpec = z
  .strictObject({
    cron: z
      .string()
      .min(1)
      .max(MAX_CRON_CHARS)
      .optional()
      .meta({
        reads: "cron",
        aliases: ["expression", "expr", "cron_expression", "crontab", "cron_schedule", "pattern", "calendar"],
        description:
          "Five fields (minute hour day-of-month month day-of-week) or @yearly @annually @monthly @weekly @daily @midnight @hourly. Names, ranges, lists, steps, ?, L, W, #; weekday 0-7. May begin with CRON_TZ=Area/City.",
        examples: ["0 9 * * 1-5"],
      }),
    every: DurationText.optional().meta({
      aliases: [
        "interval",
        "period",
        "frequency",
        "repeat",
        "repeat_every",
        "fixed_rate",
        "seconds",
        "minutes",
        "hours",
        "days",
      ],
      description:
        "The interval, 1s to 365d: fires fall at the job's anchor (creation or last schedule change) + k·every.",
      examples: ["30m"],
    }),
    at: InstantText.optional().meta({
      aliases: [
        "run_at",
        "time",
        "date",
        "datetime",
        "when",
        "once",
        "run_date",
        "fire_at",
        "scheduled_at",
        "scheduled_for",
        "timestamp",
        "due_at",
        "next_run_at",
      ],
      description: "The one time to fire: RFC 3339 with an offset, in the future.",
      examples: ["2027-01-15T14:30:00+08:00"],
    }),
    timezone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({
        aliases: ["tz", "time_zone", "zone", "tzid", "iana_timezone"],
        description: "IANA time zone of cron, default UTC. Only with cron.",
        examples: ["Europe/Berlin"],
      }),
    jitter: DurationText.optional().meta({
      aliases: ["random_delay", "splay", "spread"],
      description: "Each fire is delayed by a fixed, per-job pseudo-random part of this duration.",
      examples: ["5m"],
    }),
    starts_at: InstantText.optional().meta({
      aliases: [
        "start",
        "start_at",
        "start_date",
        "start_time",
        "starts",
        "begin",
        "begin_at",
        "not_before",
        "anchor",
        "dtstart",
      ],
      description: "No fire is due before this time.",
    }),
    ends_at: InstantText.optional().meta({
      aliases: ["until", "end", "end_at", "end_date", "end_time", "ends", "expires_at", "not_after", "stop_at"],
      description: "No fire is due after this time.",
    }),
    max_runs: z
      .int()
      .min(1)
      .optional()
      .meta({
        aliases: ["count", "times", "max_executions", "repeat_count", "max_count", "limit", "repeats", "occurrences"],
        description: "The job is finished after so many runs.",
      }),
  })
  .meta({
    id: "Schedule",
    aliases: ["when", "trigger", "timing", "recurrence"],
    description: "When a job fires: exactly one of cron, every and at.",
  });

/** As the client wrote it, and as it is shown back. */
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;
