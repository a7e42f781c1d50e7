/**
 * The shapes of a job (docs/contract.md §2). They are those that clients write, that are stored, and that answers show.
 * They are structure only; `domain/job/definition.ts` has the rules between fields.
 */
import * as z from "zod";
import { Budget, Pacing, Spent } from "./control.ts";
import { ownLabels } from "./file-labels.ts";
import { JOB_DEFAULTS } from "./job-defaults.ts";
import {
  MAX_DESCRIPTION_BYTES,
  MAX_LABEL_KEY_BYTES,
  MAX_LABEL_VALUE_BYTES,
  MAX_LABELS,
  MAX_MESSAGE_BYTES,
  MAX_NAME_BYTES,
} from "./limits.ts";
import { Payload } from "./payload.ts";
import { RetryPolicy } from "./retry.ts";
import { DurationText, ScheduleSpec } from "./schedule.ts";
import { SET_ELSEWHERE } from "./set-elsewhere.ts";
import { boundedText, IdText, UserIdText } from "./text.ts";

export const OwnerKind = z.enum(["user", "plugin", "system"]);
export type OwnerKind = z.infer<typeof OwnerKind>;

export const ExecScope = z.enum(["system", "user", "all_users"]);
export type ExecScope = z.infer<typeof ExecScope>;

export const SessionMode = z.enum(["reuse", "new"]);
export const Overlap = z.enum(["skip", "buffer_one", "cancel_other", "allow_all"]);
export type Overlap = z.infer<typeof Overlap>;

export const JobState = z.enum(["active", "paused", "finished"]);
export type JobState = z.infer<typeof JobState>;

/** An optional id. `""` means "none", so clients with empty defaults need no special case. */
const optionalId = z.union([IdText, z.literal("")]);
const pluginText = boundedText(1, 128);

export const Labels = z
  .record(
    boundedText(1, MAX_LABEL_KEY_BYTES).regex(/^[^:]+$/, { message: "a label's key has no colon" }),
    boundedText(0, MAX_LABEL_VALUE_BYTES),
  )
  // A job of a file may have as many labels as any other.
  .refine((labels) => ownLabels(labels).length <= MAX_LABELS, { message: `at most ${MAX_LABELS} labels` });

const NO_BOUND =
  'must be a JSON object, such as {"concurrency": 50}; to run a job once for every user write "exec_scope": "all_users"';

export const FanOutBound = z
  .strictObject(
    {
      concurrency: z
        .int()
        .min(1)
        .max(200)
        .default(JOB_DEFAULTS.fan_out.concurrency)
        .meta({
          aliases: ["max_concurrency", "parallelism", "parallel", "max_parallel"],
          description: "Calls to the agent at the same time.",
        }),
      rate_per_minute: z
        .int()
        .min(1)
        .max(1_000_000)
        .optional()
        .meta({ description: "Calls to the agent begun in a minute." }),
    },
    { error: ({ code }) => (code === "invalid_type" ? NO_BOUND : undefined) },
  )
  .meta({
    id: "FanOutBound",
    aliases: ["fanout", "fan_out_options"],
    description: "The bound on calls to the agent, over all users. Only with exec_scope all_users.",
  });
/** The fields that only Reveille writes. A client that sends one gets an error that says so. */
export const READ_ONLY_FIELDS = [
  "id",
  "state",
  "created_at",
  "updated_at",
  "last_run_at",
  "last_error",
  "last_status",
  "next_run_at",
  "paused_reason",
  "paused_until",
  "next_run_after_pause",
  "run_count",
  "consecutive_failures",
  "spent",
  "health",
  "running",
  "etag",
  "created_by",
  "updated_by",
] as const;

export const Report = z.enum(["problems", "all", "none"]).meta({
  valueAliases: {
    failures: "problems",
    failed: "problems",
    errors: "problems",
    error: "problems",
    default: "problems",
    everything: "all",
    always: "all",
    success: "all",
    true: "all",
    never: "none",
    off: "none",
    silent: "none",
    false: "none",
  },
  description:
    "The events that the job reports (GET /v1/events). problems: failures and recoveries. all: every ended run too. none: nothing.",
});
export type Report = z.infer<typeof Report>;

export const Health = z.enum(["ok", "failing", "overdue"]).meta({
  description:
    "failing: from a run.failed to the run.recovered after it. overdue: a due time has passed and nothing has answered it.",
});
export type Health = z.infer<typeof Health>;

/** The fields that a client may write. Unknown ones are refused. */
export const JobInput = z
  .strictObject({
    owner_kind: OwnerKind.optional().meta({
      aliases: ["owner", "owner_type"],
      description: "The kind of the job's owner; default user, or plugin if plugin_id is given.",
    }),
    exec_scope: ExecScope.optional().meta({
      valueAliases: {
        all: "all_users",
        everyone: "all_users",
        users: "all_users",
        global: "all_users",
        single: "user",
        none: "system",
      },
      aliases: ["scope", "execution_scope", "run_for", "audience"],
      description:
        "system: runs once, as no user. user: runs once, as user_id. all_users: runs once for every active user. Default: user if user_id is given, else system.",
    }),
    plugin_id: pluginText.optional().meta({
      aliases: ["plugin"],
      description: "Plugin jobs only, as are job_key and runtime_name; then all three are required.",
    }),
    job_key: pluginText.optional().meta({ description: "The plugin's own name for the job." }),
    runtime_name: pluginText.optional().meta({ description: "Where the plugin runs." }),
    name: boundedText(1, MAX_NAME_BYTES).meta({
      aliases: ["title", "job_name", "id_name"],
      description:
        "The job's name for people. It is not unique, except that nobody else may use the name of a system job.",
      examples: ["Morning briefing"],
    }),
    description: boundedText(0, MAX_DESCRIPTION_BYTES)
      .optional()
      .meta({
        aliases: ["desc", "notes", "comment", "summary"],
        description: "For people; the agent gets it too.",
      }),
    schedule: ScheduleSpec,
    message: boundedText(0, MAX_MESSAGE_BYTES)
      .optional()
      .meta({
        aliases: [
          "prompt",
          "text",
          "instruction",
          "instructions",
          "task",
          "content",
          "input",
          "body",
          "query",
          "command",
          "msg",
        ],
        description:
          "The prompt that the agent gets when the job fires; required unless a plugin or the system owns the job.",
        examples: ["Summarise my inbox and list what needs an answer today."],
      }),
    payload: Payload.optional().meta({
      aliases: ["data", "args", "arguments", "params", "parameters", "context", "metadata", "meta", "variables"],
      description: "Data for the agent, passed on unchanged; at most 64 KiB as JSON.",
    }),
    session_mode: SessionMode.default(JOB_DEFAULTS.session_mode).meta({
      valueAliases: {
        same: "reuse",
        shared: "reuse",
        continue: "reuse",
        persistent: "reuse",
        isolated: "new",
        fresh: "new",
        separate: "new",
      },
      aliases: ["session", "session_type", "conversation_mode"],
      description: "reuse: every run in one session of the agent's. new: a session for each run.",
    }),
    enabled: z
      .boolean()
      .default(true)
      .meta({
        aliases: ["active", "is_active", "is_enabled"],
        opposites: ["paused", "disabled", "is_paused", "suspended"],
        description: "false: paused.",
      }),
    agent_id: optionalId.optional().meta({
      aliases: ["agent", "agent_name", "assistant", "assistant_id"],
      description: "The agent to call; left out: the default agent.",
    }),
    user_id: UserIdText.optional().meta({
      aliases: ["user", "user_name", "uid", "for_user"],
      description: 'The user that the job runs as. A number becomes its decimal string; "" and 0 mean none.',
      examples: ["42"],
    }),
    overlap: Overlap.default(JOB_DEFAULTS.overlap).meta({
      valueAliases: {
        queue: "buffer_one",
        buffer: "buffer_one",
        wait: "buffer_one",
        replace: "cancel_other",
        cancel: "cancel_other",
        terminate: "cancel_other",
        parallel: "allow_all",
        allow: "allow_all",
        concurrent: "allow_all",
        forbid: "skip",
        drop: "skip",
        ignore: "skip",
      },
      aliases: ["overlap_policy", "concurrency_policy", "on_overlap", "if_running"],
      description:
        "When a fire comes due while a run is active. skip: it is logged as skipped. buffer_one: one more run afterwards. cancel_other: the active run is cancelled. allow_all: both run.",
    }),
    retry: RetryPolicy.prefault({}),
    timeout: DurationText.default(JOB_DEFAULTS.timeout).meta({
      aliases: ["time_limit", "max_duration", "deadline", "run_timeout", "attempt_timeout"],
      description: "How long one attempt waits for the agent's answer, 1s to 10m.",
    }),
    completion_timeout: DurationText.default(JOB_DEFAULTS.completion_timeout).meta({
      aliases: ["async_timeout", "ack_timeout"],
      description:
        "How long a run that was answered with 202 may take until it is completed or reports progress, 1s to 7d.",
    }),
    claim_timeout: DurationText.default(JOB_DEFAULTS.claim_timeout).meta({
      aliases: ["claim_deadline", "offer_timeout"],
      description:
        "How long a run that is offered to an agent without an address may wait to be claimed, 1s to 30d; then it is an error.",
    }),
    catchup_window: DurationText.default(JOB_DEFAULTS.catchup_window).meta({
      aliases: [
        "catch_up",
        "catchup",
        "catch_up_window",
        "misfire_grace_time",
        "missed_window",
        "backfill_window",
        "grace_period",
      ],
      valueAliases: { false: "0s", true: "24h" },
      description: "How old a fire that was missed during downtime may be and still run, 0s to 365d.",
    }),
    pacing: Pacing.optional(),
    continuity: z
      .boolean()
      .optional()
      .meta({
        aliases: [
          "include_previous",
          "previous",
          "with_previous",
          "previous_result",
          "last_result",
          "memory",
          "remember",
          "continue_from_last",
          "carry_over",
        ],
        description: "true: each call carries data.previous, the end of the last run of the job (or of the user).",
      }),
    budget: Budget.optional(),
    fan_out: FanOutBound.optional(),
    report: Report.default(JOB_DEFAULTS.report),
    labels: Labels.optional().meta({
      aliases: ["tags", "tag", "label", "categories"],
      description: "At most 16 short strings to filter lists by.",
      examples: [{ team: "ops" }],
    }),
  })
  .meta({
    id: "JobInput",
    shownOnly: READ_ONLY_FIELDS,
    notHere: SET_ELSEWHERE,
    description: "The fields of a job that a client writes.",
    examples: [
      {
        name: "Morning briefing",
        message: "Summarise my inbox and list what needs an answer today.",
        schedule: { cron: "0 9 * * 1-5", timezone: "Europe/Berlin" },
      },
    ],
  });
export type JobInput = z.infer<typeof JobInput>;

/** The form that is stored and sent to the agent, with every default and without empty optional fields. */
export const JobDefinition = JobInput.required({ owner_kind: true, exec_scope: true });
export type JobDefinition = z.infer<typeof JobDefinition>;

export const RunStatus = z.enum(["running", "success", "error", "skipped"]).meta({
  valueAliases: {
    failed: "error",
    failure: "error",
    completed: "success",
    succeeded: "success",
    done: "success",
    ok: "success",
    active: "running",
    pending: "running",
    in_progress: "running",
  },
});
export type RunStatus = z.infer<typeof RunStatus>;

/** A job as every answer shows it. */
export const Job = z
  .strictObject({
    id: z.string(),
    ...JobDefinition.shape,
    state: JobState,
    paused_reason: z.string().optional().meta({ description: "The reason that was given for the pause." }),
    paused_until: z.string().optional().meta({ description: "When a paused job resumes by itself." }),
    next_run_after_pause: z
      .string()
      .optional()
      .meta({ description: "Beside paused_until: the first fire after it; left out if there is none." }),
    created_at: z.string(),
    updated_at: z
      .string()
      .meta({ description: "When the definition or the state was last changed. Runs do not change it." }),
    last_run_at: z.string().optional(),
    last_status: RunStatus.optional(),
    last_error: z.string().optional(),
    next_run_at: z.string().optional().meta({ description: "Left out if the job has no fire to come." }),
    run_count: z.int().meta({ description: "Ended runs, without skipped ones." }),
    consecutive_failures: z.int(),
    spent: Spent,
    health: Health,
    running: z.int().optional().meta({
      description: "In the answer to GET: the number of its runs and fan-outs under way; left out if there are none.",
    }),
    created_by: z
      .string()
      .optional()
      .meta({
        description: "Who created it: `admin`, `code`, or the subject of the token: `agent:A`, `user:U`, `plugin:P`.",
        examples: ["agent:helper"],
      }),
    updated_by: z.string().optional().meta({ description: "Who changed it last, as in `created_by`." }),
    etag: z.string().meta({ description: "The job's version, for If-Match.", examples: ['"3"'] }),
  })
  .meta({ id: "Job" });
export type Job = z.infer<typeof Job>;
