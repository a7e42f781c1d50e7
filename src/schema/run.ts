/** The shapes of a run (docs/contract.md §5) and of what clients send about one (§6: complete, progress, backfill). */
import * as z from "zod";
import { Control } from "./control.ts";
import { RunStatus } from "./job.ts";
import { MAX_CONTROL_TEXT_BYTES, MAX_MESSAGE_BYTES, MAX_PROGRESS_MESSAGE_BYTES } from "./limits.ts";
import { Payload } from "./payload.ts";
import { DurationText, InstantText, MomentText } from "./schedule.ts";
import { boundedText } from "./text.ts";

export const Trigger = z.enum(["schedule", "manual", "backfill", "event"]);
export type Trigger = z.infer<typeof Trigger>;

export const Progress = z
  .strictObject({
    percent: z
      .number()
      .min(0)
      .max(100)
      .optional()
      .meta({ aliases: ["progress", "percentage", "pct", "percent_complete"], description: "How much is done." }),
    message: boundedText(0, MAX_PROGRESS_MESSAGE_BYTES)
      .optional()
      .meta({
        aliases: ["text", "note", "msg", "step", "status", "description"],
        description: "What is being done.",
      }),
  })
  .meta({ examples: [{ percent: 40, message: "Reading the inbox" }] });
export type Progress = z.infer<typeof Progress>;

export const Run = z
  .strictObject({
    id: z.string().meta({
      description: "Made of the job and its due time, so it is the same for every attempt and redelivery.",
    }),
    job_id: z.string(),
    session_id: z.string().meta({ description: "The agent's session." }),
    user_id: z.string().optional().meta({ description: "The user that it runs as." }),
    status: RunStatus.meta({ description: "skipped: the agent was not called; error says why." }),
    trigger: Trigger,
    scheduled_at: z.string().meta({ description: "When it was due." }),
    started_at: z.string(),
    finished_at: z.string().optional(),
    error: z.string().optional().meta({ description: "Why it failed or was skipped." }),
    attempt: z.int().meta({ description: "From 1." }),
    next_attempt_at: z.string().optional().meta({ description: "After a failed attempt: when the next one is made." }),
    completion_due_at: z.string().optional().meta({
      description:
        "While the agent holds a run that it answered with 202: when it times out unless completed or renewed.",
    }),
    retry_of: z.string().optional().meta({ description: "The run that this one repeats." }),
    count: z.int().optional().meta({
      description:
        "For a skip while nothing fires (MODE, USER_JOBS): the number of fires in a row that it stands for. scheduled_at is when the first of them was due.",
    }),
    last_scheduled_at: z.string().optional().meta({ description: "When the last of the counted fires was due." }),
    offered_at: z.string().optional().meta({
      description: "When the run was put into the mailbox of an agent without an address.",
    }),
    claimed_at: z.string().optional().meta({ description: "When the agent took the run out of its mailbox." }),
    lease_expires_at: z.string().optional().meta({
      description:
        "While the agent holds a claimed run: when it counts as interrupted unless completed. Each progress renews it.",
    }),
    missed: z.int().optional().meta({
      description:
        "The number of earlier fires, missed while nothing could run, that this run (or skip) also stands for.",
    }),
    http_status: z.int().optional().meta({ description: "The agent's last status." }),
    output: z.string().optional().meta({ description: "The first 16 KiB of the agent's answer." }),
    output_truncated: z.boolean().optional().meta({ description: "true: the output was longer." }),
    attempts: z
      .array(
        z.strictObject({
          attempt: z.int(),
          started_at: z.string(),
          finished_at: z.string().optional(),
          http_status: z.int().optional(),
          error: z.string().optional(),
        }),
      )
      .optional()
      .meta({ description: "The last ten attempts, oldest first, each with the first 500 bytes of its error." }),
    unchanged: z.boolean().optional().meta({ description: "true: the agent found nothing new." }),
    cost_usd: z.number().optional().meta({ description: "The cost that the agent reported, in US dollars." }),
    tokens: z.int().optional().meta({ description: "The number of tokens that the agent reported." }),
    control_error: z.string().optional().meta({
      description:
        "The faults of the agent's control: fields that were not understood or not allowed. They changed nothing.",
    }),
    next_at: z.string().optional().meta({ description: "When the job fires next because the agent asked for it." }),
    progress: Progress.optional().meta({ description: "The agent's last report of progress." }),
    fan_out_id: z.string().optional().meta({ description: "The fan-out that it belongs to." }),
  })
  .meta({ id: "Run", description: "One run of a job: from the time it was due to its end." });
export type Run = z.infer<typeof Run>;

/**
 * The body of a completion. A longer output or error is cut to the kept size (16 KiB and 4 KiB) and not refused, so that no
 * result is lost.
 */
export const CompleteBody = z
  .strictObject({
    status: z.enum(["success", "error"]).meta({
      aliases: ["outcome", "state"],
      valueAliases: {
        completed: "success",
        complete: "success",
        succeeded: "success",
        done: "success",
        ok: "success",
        finished: "success",
        failed: "error",
        failure: "error",
      },
    }),
    output: z
      .union([z.string(), z.record(z.string(), z.unknown()), z.array(z.unknown())])
      .optional()
      .meta({
        aliases: ["result", "response", "answer", "data", "text", "message"],
        description: "The result: text, or JSON, which is kept as text. The first 16 KiB are kept.",
      }),
    error: z.string().optional().meta({ description: "Why it failed; the first 4 KiB are kept." }),
    control: z.union([Control, z.unknown()]).optional().meta({
      description: "Steers the job. Faults are in the run's control_error and do not fail the call.",
    }),
  })
  .meta({ examples: [{ status: "success", output: "3 messages need an answer today." }] });
export type CompleteBody = z.infer<typeof CompleteBody>;

export const BackfillBody = z
  .strictObject({
    from: InstantText.optional().meta({
      aliases: ["start", "since", "start_time", "begin", "after"],
      description: "The first time that counts: RFC 3339 with an offset.",
    }),
    to: InstantText.optional().meta({
      aliases: ["end", "until", "end_time", "before"],
      description: "The last time that counts; not in the future.",
    }),
    cancel: z
      .boolean()
      .optional()
      .meta({ description: "true, alone: drop the fires that still wait. Active runs continue." }),
  })
  .meta({
    description: 'The window, {"from", "to"}, or {"cancel": true}.',
    examples: [{ from: "2026-11-01T00:00:00Z", to: "2026-11-08T00:00:00Z" }],
  });
export type BackfillBody = z.infer<typeof BackfillBody>;

export const PauseBody = z
  .strictObject({
    reason: boundedText(0, MAX_CONTROL_TEXT_BYTES)
      .optional()
      .meta({ aliases: ["comment", "note", "why"], description: "Why, for people: paused_reason." }),
    until: MomentText.optional().meta({
      aliases: [
        "resume_at",
        "for",
        "duration",
        "resume_after",
        "snooze",
        "till",
        "seconds",
        "minutes",
        "hours",
        "days",
      ],
      description: "When the job resumes by itself: RFC 3339 with an offset, or a duration from now.",
      examples: ["2h"],
    }),
  })
  .meta({
    notHere: { timezone: "is not a field here: `until` carries its zone's offset" },
    examples: [{ reason: "holidays", until: "2027-01-04T09:00:00+01:00" }],
  });
export type PauseBody = z.infer<typeof PauseBody>;

const thisRun = {
  message: boundedText(1, MAX_MESSAGE_BYTES)
    .optional()
    .meta({
      aliases: ["prompt", "text", "instruction", "instructions", "task", "content"],
      description: "The prompt for this run only.",
    }),
  payload: Payload.optional().meta({
    aliases: ["data", "input", "args", "arguments", "params", "body", "context"],
    description: "The payload for this run only, in place of the job's own.",
  }),
};

export const RunNowBody = z
  .strictObject({
    ...thisRun,
    wait: DurationText.optional().meta({
      aliases: ["timeout", "wait_for", "wait_seconds", "max_wait"],
      description: "1s to 50s: wait this long for the run to end, and answer with it. Not for all_users jobs.",
      examples: ["30s"],
    }),
  })
  .meta({ examples: [{ message: "Only what came in since noon." }] });

export const TriggerKey = z
  .string()
  .min(1)
  .max(255)
  .meta({
    aliases: ["idempotency_key", "event_id", "dedupe_key"],
    description: "Names this event. For 24 hours the same key gets the first answer again and runs nothing.",
  });

export const TriggerBody = z
  .strictObject({
    payload: Payload.optional().meta({
      aliases: ["data", "input", "event", "args", "body"],
      description: "Merged over the job's own payload (RFC 7396), for this run only.",
    }),
    key: TriggerKey.optional(),
  })
  .meta({
    notHere: {
      message:
        'is not a field here: a trigger brings data, and the job\'s own message goes with it; write {"payload": {"message": {value}}}. Another message for one run takes POST /v1/jobs/{id}/run',
    },
    examples: [{ payload: { order: "A-17" }, key: "order-A-17" }],
  });
export type TriggerBody = z.infer<typeof TriggerBody>;

/** The outcome of an event. */
export const TriggerStatus = z.enum(["running", "buffered", "skipped"]).meta({
  description:
    "running: its run has begun. buffered: it runs after the active run. skipped: it does not run; the run says why.",
});
export const Triggered = z.union([
  z.strictObject({ run_id: z.string(), status: TriggerStatus }),
  z.strictObject({ fan_out_id: z.string(), status: TriggerStatus }),
]);
export type Triggered = z.infer<typeof Triggered>;
