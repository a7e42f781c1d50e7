/** The policy for runs that failed and are tried again (docs/contract.md §2, §4). */
import * as z from "zod";
import { JOB_DEFAULTS } from "./job-defaults.ts";
import { DurationText } from "./schedule.ts";

const NO_POLICY =
  'must be a JSON object, such as {"max_attempts": 3}; the first call counts, so {"max_attempts": 1} tries nothing again';

export const RetryPolicy = z
  .strictObject(
    {
      max_attempts: z
        .int()
        .min(1, { message: "must be at least 1: the first call counts, so 1 tries nothing again" })
        .max(10)
        .default(JOB_DEFAULTS.retry.max_attempts)
        .meta({
          aliases: ["retries", "max_retries", "attempts", "retry_count", "tries"],
          description: "Calls of one run, the first included.",
        }),
      min_backoff: DurationText.default(JOB_DEFAULTS.retry.min_backoff).meta({
        aliases: [
          "initial_delay",
          "backoff",
          "delay",
          "retry_delay",
          "initial_backoff",
          "base_delay",
          "initial_interval",
        ],
        description: "The wait before the second attempt, at least 1s; it doubles from there.",
      }),
      max_backoff: DurationText.default(JOB_DEFAULTS.retry.max_backoff).meta({
        aliases: ["max_delay", "maximum_backoff", "max_interval"],
        description: "The longest wait between two attempts.",
      }),
    },
    { error: ({ code }) => (code === "invalid_type" ? NO_POLICY : undefined) },
  )
  .meta({
    id: "RetryPolicy",
    aliases: ["retry_policy", "retries_policy"],
    description: "The attempts when the agent is busy, fails, or cannot be reached.",
  });
