/**
 * The shape of a schedule (docs/contract.md §1, §13). `domain/time/compile-schedule.ts` decides what it means and whether
 * it can fire.
 */
import * as z from "zod";
import { MAX_CRON_CHARS, MAX_EXCLUSIONS } from "./limits.ts";

/** A duration as a Go duration string, which `domain/time/duration.ts` reads. */
export const DurationText = z.string().min(1).max(64).meta({ reads: "duration" });
/** An instant as RFC 3339 with an offset, which `domain/time/instant.ts` reads. */
export const InstantText = z.string().min(1).max(64).meta({ reads: "instant" });

/** A future time: a duration from now, or an instant. */
export const MomentText = z.string().min(1).max(64).meta({ reads: "moment" });

/** The kinds of schedule. Each is a field, and a schedule has exactly one of them. */
export const SCHEDULE_KINDS = ["cron", "every", "at", "in", "rrule", "manual"] as const;
export type ScheduleKind = (typeof SCHEDULE_KINDS)[number];

export const NO_CHAINS =
  "is not a field here: no job waits for another; make this one manual, and let the first job's agent send POST /v1/jobs/{id}/trigger when it is done";

/** The names under which other schedulers have one job start another. */
const CHAIN_NAMES = [
  "depends_on",
  "dependencies",
  "on_success",
  "on_complete",
  "on_completion",
  "then",
  "next_job",
  "after_job",
  "run_after",
  "parent_job",
  "upstream",
  "downstream",
];
export const CHAINS: Readonly<Record<string, string>> = Object.fromEntries(
  CHAIN_NAMES.map((name) => [name, NO_CHAINS]),
);

export const ONCE_OR_OFTEN =
  "is not a field here, for the kind says it: in and at fire once and then leave the list; cron, every and rrule fire again and again, at most max_runs times";

/** The names under which other schedulers say whether a job fires once. */
export const ONCE: Readonly<Record<string, string>> = Object.fromEntries(
  ["one_time", "one_shot", "run_once", "recurring", "repeating", "delete_after_run", "auto_delete"].map((name) => [
    name,
    ONCE_OR_OFTEN,
  ]),
);

export const ScheduleSpec = z
  .strictObject({
    cron: z
      .string()
      .min(1)
      .max(MAX_CRON_CHARS)
      .optional()
      .meta({
        reads: "cron",
        instead: { duration: "every", instant: "at", rrule: "rrule" },
        aliases: ["expression", "expr", "cron_expression", "crontab", "cron_schedule", "pattern", "calendar"],
        description:
          "Five fields (minute hour day-of-month month day-of-week) or @yearly @annually @monthly @weekly @daily @midnight @hourly. Names, ranges, lists, steps, ?, L, W, #; weekday 0-7. May begin with CRON_TZ=Area/City.",
        examples: ["0 9 * * 1-5"],
      }),
    every: DurationText.optional().meta({
      instead: { cron: "cron", instant: "at", rrule: "rrule" },
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
        "The interval, 1s to 365d: fires fall at starts_at + k·every, or without it at the job's creation or last schedule change + k·every.",
      examples: ["30m"],
    }),
    at: InstantText.optional().meta({
      instead: { cron: "cron", duration: "in", rrule: "rrule" },
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
      description:
        "The one time to fire, in the future: RFC 3339 with an offset, or a local time without one beside timezone.",
      examples: ["2027-01-15T14:30:00+08:00"],
    }),
    in: DurationText.optional().meta({
      instead: { cron: "cron", instant: "at", rrule: "rrule" },
      aliases: ["delay", "after", "delay_by", "from_now", "wait", "in_seconds", "in_minutes", "delay_seconds"],
      description: "Fires once, this long from now, 1s to 365d; stored as the resulting at.",
      examples: ["20m"],
    }),
    rrule: z
      .string()
      .min(1)
      .optional()
      .meta({
        reads: "rrule",
        instead: { cron: "cron", duration: "every", instant: "at" },
        aliases: ["recurrence", "rule", "recurrence_rule", "ical", "rfc5545"],
        description:
          "An RFC 5545 recurrence rule, MINUTELY to YEARLY; EXDATE: and RDATE: lines may follow after a newline. DTSTART, from which INTERVAL counts, is starts_at, by default the job's creation.",
        examples: ["FREQ=WEEKLY;INTERVAL=2;BYDAY=TU;BYHOUR=14;BYMINUTE=0"],
      }),
    manual: z
      .literal(true, { message: "manual is only ever true; for a job that fires by itself leave it out" })
      .optional()
      .meta({
        aliases: ["on_demand", "manually", "manual_only"],
        description: "true: never fires by itself, only by run now and trigger.",
        examples: [true],
      }),
    timezone: z
      .string()
      .min(1)
      .max(64)
      .optional()
      .meta({
        aliases: ["tz", "time_zone", "zone", "tzid", "iana_timezone"],
        description:
          "IANA time zone of cron, of rrule, of an at without an offset, and of exclude beside every; default UTC.",
        examples: ["Europe/Berlin"],
      }),
    exclude: z
      .array(z.string().min(1).max(64))
      .max(MAX_EXCLUSIONS, { message: `at most ${MAX_EXCLUSIONS} exclusions are taken` })
      .optional()
      .meta({
        aliases: [
          "except",
          "excluding",
          "excludes",
          "exclusions",
          "excluded",
          "exdate",
          "exdates",
          "skip_dates",
          "blackout",
          "holidays",
        ],
        description:
          "With cron, every and rrule: times at which it does not fire, in timezone: a date, a range of dates (both included), a weekday, a daily window (start included, end not).",
        examples: [["2026-12-24/2027-01-01", "SAT", "22:00-07:00"]],
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
      description:
        "No fire is due before this time; every counts from it, and it is the DTSTART of rrule. May be past.",
    }),
    ends_at: InstantText.optional().meta({
      aliases: [
        "until",
        "end",
        "end_at",
        "end_date",
        "end_time",
        "ends",
        "expires_at",
        "not_after",
        "stop_at",
        "expires_in",
        "expires",
        "valid_until",
      ],
      description: "No fire is due after this time.",
    }),
    max_runs: z
      .int()
      .min(1)
      .optional()
      .meta({
        aliases: ["count", "times", "max_executions", "repeat_count", "max_count", "limit", "repeats", "occurrences"],
        description: "The job is finished after this many runs of its schedule. Manual runs do not count.",
      }),
  })
  .meta({
    id: "Schedule",
    notHere: { ...CHAINS, ...ONCE },
    aliases: ["when", "trigger", "timing", "recurrence"],
    description: "When a job fires: exactly one of cron, every, at, in, rrule and manual.",
  });

/** The schedule as the client wrote it, and as it is shown. */
export type ScheduleSpec = z.infer<typeof ScheduleSpec>;
