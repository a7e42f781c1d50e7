/**
 * The shapes of a heartbeat (docs/contract.md §8): its configuration, and its log of beats. They are structure only;
 * `domain/heartbeat/heartbeat.ts` has the rules between fields.
 */
import * as z from "zod";
import { DurationText, InstantText } from "./schedule.ts";
import { boundedText, IdText } from "./text.ts";

/** The most notifiers, since each is called in every beat that has an answer. */
export const MAX_NOTIFIERS = 10;

const clockText = z
  .string()
  .max(5)
  .meta({ description: "A time of day, HH:MM.", examples: ["08:00"] });
const urlText = z.string().min(1).max(2_048);
const modelText = boundedText(0, 200);

export const ActiveHours = z
  .strictObject({
    start: clockText.meta({ aliases: ["from", "begin", "start_time"] }),
    end: clockText.meta({
      aliases: ["to", "until", "end_time", "stop"],
      description: "The first minute that is no longer active, HH:MM; 24:00 is midnight.",
    }),
    timezone: z
      .string()
      .min(1)
      .max(64)
      .default("UTC")
      .meta({ description: "IANA time zone, default UTC.", examples: ["Europe/Berlin"] }),
  })
  .meta({ description: "Scheduled beats outside these hours are skipped. They may cross midnight (22:00 to 06:00)." });
export type ActiveHours = z.infer<typeof ActiveHours>;

export const Notifier = z.discriminatedUnion("type", [
  z.strictObject({ type: z.literal("webhook"), url: urlText, secret: z.string().min(1).max(256).optional() }).meta({
    description:
      "POST of {type: notification, data: {text, source}}, signed with `secret` (whsec_ and base64 of 24 to 64 bytes); without one it is signed only if the URL is the agent's own.",
  }),
  z.strictObject({ type: z.literal("slack"), url: urlText }).meta({ description: "A Slack incoming webhook." }),
  z.strictObject({ type: z.literal("discord"), url: urlText }).meta({ description: "A Discord channel webhook." }),
  z
    .strictObject({
      type: z.literal("telegram"),
      bot_token: z.string().min(1).max(256),
      chat_id: z.union([z.string().min(1).max(128), z.int().transform(String)]),
      url: urlText.optional().meta({
        description: "Of a Bot API server of your own; default https://api.telegram.org.",
      }),
    })
    .meta({ description: "sendMessage of the Telegram Bot API." }),
]);
export type Notifier = z.infer<typeof Notifier>;

/** The fields that a client may write. `name` may be in the body too, if it equals the path's. */
export const HeartbeatInput = z.strictObject({
  name: IdText.optional(),
  enabled: z.boolean().default(true),
  every: DurationText.default("30m").meta({
    aliases: ["interval", "period", "frequency"],
    description: "10s to 365d. Beats fall on multiples of it, counted in UTC from 1970: 30m beats at :00 and :30.",
  }),
  agent_id: z.union([IdText, z.literal("")]).optional(),
  fast_model: modelText.optional().meta({ description: "The model that decides whether there is anything to do." }),
  model: modelText.optional().meta({ description: "The model that does the work." }),
  active_hours: ActiveHours.optional(),
  notify: z.array(Notifier).max(MAX_NOTIFIERS).optional().meta({
    description: "The targets that get the answer. Left out: NOTIFY_URL. An empty list: nobody.",
  }),
});
export type HeartbeatInput = z.infer<typeof HeartbeatInput>;

/** The stored form, with defaults and without empty optional fields. The object itself has the name. */
export const HeartbeatConfig = HeartbeatInput.omit({ name: true });
export type HeartbeatConfig = z.infer<typeof HeartbeatConfig>;

export const BeatOutcome = z.enum(["empty", "skipped", "executed", "error"]);
export type BeatOutcome = z.infer<typeof BeatOutcome>;

export const BeatTrigger = z.enum(["schedule", "manual"]);
export type BeatTrigger = z.infer<typeof BeatTrigger>;

export const Decision = z.strictObject({ action: z.enum(["skip", "run"]), reason: z.string() });
export type Decision = z.infer<typeof Decision>;

export const Notified = z.strictObject({
  /** `code`: the function registered in code. */
  type: z.enum(["webhook", "slack", "discord", "telegram", "code"]),
  ok: z.boolean(),
  error: z.string().optional(),
});
export type Notified = z.infer<typeof Notified>;

export const TokenUsage = z.strictObject({ input: z.int().min(0), output: z.int().min(0) });
export type TokenUsage = z.infer<typeof TokenUsage>;

/** A beat as the log shows it. */
export const Beat = z
  .strictObject({
    id: z.string(),
    trigger: BeatTrigger,
    status: z.enum(["running", "ended"]),
    /** Left out while the beat is running. */
    outcome: BeatOutcome.optional(),
    /** Why a beat was skipped: by the decision, or before it. */
    reason: z.string().optional(),
    decision: Decision.optional(),
    /** The text of the fast model, if it is not a decision. */
    decision_text: z.string().optional(),
    answer: z.string().optional(),
    answer_truncated: z.boolean().optional(),
    error: z.string().optional(),
    notified: z.array(Notified).optional(),
    tokens: z.strictObject({ decision: TokenUsage.optional(), main: TokenUsage.optional() }).optional(),
    scheduled_at: z.string(),
    started_at: z.string(),
    finished_at: z.string().optional(),
    duration: z.string().optional(),
    /** 2 for a beat that repeats one which failed for a passing reason. */
    attempt: z.int(),
    retry_of: z.string().optional(),
    next_attempt_at: z.string().optional(),
    /** The number of due times before this one that passed without a beat. */
    missed: z.int().optional(),
    /** The number of equal beats in a row without a model call, with their first and last time. They are one entry. */
    count: z.int().optional(),
    first_at: z.string().optional(),
    last_at: z.string().optional(),
  })
  .meta({ id: "Beat" });
export type Beat = z.infer<typeof Beat>;

/** A heartbeat as every answer shows it; secrets among the notifiers are masked. */
export const Heartbeat = z
  .strictObject({
    name: z.string(),
    ...HeartbeatConfig.shape,
    created_at: InstantText,
    updated_at: InstantText,
    next_beat_at: InstantText.optional(),
    last_beat_at: InstantText.optional(),
    last_outcome: BeatOutcome.optional(),
  })
  .meta({ id: "Heartbeat" });
export type Heartbeat = z.infer<typeof Heartbeat>;
