/**
 * The shapes of a job (CONTRACT.md §2): what a client may write, what is stored, what is shown.
 * Structure only; what the fields mean together is `domain/definition.ts`.
 */
import * as z from "zod";
import {
  MAX_DESCRIPTION_BYTES,
  MAX_LABEL_KEY_BYTES,
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
} from "./limits.ts";
import { DurationText, ScheduleSpec } from "./schedule.ts";
import { boundedText, IdText, UserIdText, utf8Bytes } from "./text.ts";

export const OwnerKind = z.enum(["user", "plugin", "system"]);
export type OwnerKind = z.infer<typeof OwnerKind>;

export const ExecScope = z.enum(["system", "user", "all_users"]);
export type ExecScope = z.infer<typeof ExecScope>;

export const SessionMode = z.enum(["reuse", "new"]);
export const Overlap = z.enum(["skip", "buffer_one", "cancel_other", "allow_all"]);
export type Overlap = z.infer<typeof Overlap>;

export const JobState = z.enum(["active", "paused", "finished"]);
export type JobState = z.infer<typeof JobState>;

/** `""` stands for "none" wherever an id is optional, so that clients with empty defaults need no special case. */
const optionalId = z.union([IdText, z.literal("")]);
const pluginText = boundedText(1, 128);

export const Payload = z
  .record(z.string(), z.unknown())
  .refine((payload) => utf8Bytes(JSON.stringify(payload)) <= MAX_PAYLOAD_BYTES, {
    message: `must be at most ${MAX_PAYLOAD_BYTES} bytes as JSON; keep the data elsewhere and pass a reference`,
  });

export const Labels = z
  .record(
    boundedText(1, MAX_LABEL_KEY_BYTES).regex(/^[^:]+$/, { message: "a label's key has no colon" }),
    boundedText(0, MAX_LABEL_VALUE_BYTES),
  )
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, { message: `at most ${MAX_LABELS} labels` });

export const RetryPolicy = z.strictObject({
  max_attempts: z.int().min(1).max(10).default(3),
  min_backoff: DurationText.default("5s"),
  max_backoff: DurationText.default("10m"),
});

export const FanOutBound = z.strictObject({
  concurrency: z.int().min(1).max(200).default(50),
  rate_per_minute: z.int().min(1).max(1_000_000).optional(),
});

/** Fields that a client may write; unknown ones are refused. */
export const JobInput = z.strictObject({
  owner_kind: OwnerKind.optional(),
  exec_scope: ExecScope.optional(),
  plugin_id: pluginText.optional(),
  job_key: pluginText.optional(),
  runtime_name: pluginText.optional(),
  name: boundedText(1, MAX_NAME_BYTES),
  description: boundedText(0, MAX_DESCRIPTION_BYTES).optional(),
  schedule: ScheduleSpec,
  message: boundedText(0, MAX_MESSAGE_BYTES).optional(),
  payload: Payload.optional(),
  session_mode: SessionMode.default("reuse"),
  enabled: z.boolean().default(true),
  agent_id: optionalId.optional(),
  user_id: UserIdText.optional(),
  overlap: Overlap.default("skip"),
  retry: RetryPolicy.prefault({}),
  timeout: DurationText.default("5m"),
  completion_timeout: DurationText.default("1h"),
  catchup_window: DurationText.default("24h"),
  fan_out: FanOutBound.optional(),
  labels: Labels.optional(),
});
export type JobInput = z.infer<typeof JobInput>;

/** What is stored and handed to the agent: every default filled in, empty optional fields left out. */
export const JobDefinition = JobInput.required({ owner_kind: true, exec_scope: true });
export type JobDefinition = z.infer<typeof JobDefinition>;

/** Written by Reveille only; a client that sends one is told so. */
export const READ_ONLY_FIELDS = [
  "id",
  "state",
  "created_at",
  "updated_at",
  "last_run_at",
  "last_error",
  "last_status",
  "next_run_at",
  "run_count",
  "consecutive_failures",
  "etag",
] as const;

export const RunStatus = z.enum(["running", "success", "error", "skipped"]);
export type RunStatus = z.infer<typeof RunStatus>;

/** A job as every answer shows it. */
export const Job = z.strictObject({
  id: z.string(),
  ...JobDefinition.shape,
  state: JobState,
  paused_reason: z.string().optional(),
  created_at: z.string(),
  updated_at: z.string(),
  last_run_at: z.string().optional(),
  last_status: RunStatus.optional(),
  last_error: z.string().optional(),
  next_run_at: z.string().optional(),
  run_count: z.int(),
  consecutive_failures: z.int(),
  etag: z.string(),
});
export type Job = z.infer<typeof Job>;
