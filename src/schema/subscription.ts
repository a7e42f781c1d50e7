/** Subscriptions: who gets messages about which events (docs/contract.md §18). This is structure only. */
import * as z from "zod";
import { EventType } from "./event.ts";
import { MAX_NOTIFIERS, Notifier } from "./heartbeat.ts";
import { ExecScope, OwnerKind } from "./job.ts";
import { DurationText } from "./schedule.ts";
import { boundedText, UserIdText } from "./text.ts";

/** A target, like a heartbeat's notifier. A webhook always has its own secret. */
export const Target = Notifier.meta({ id: "Target" });
export type Target = z.infer<typeof Target>;

const text = boundedText(1, 200);
const labelPair = z
  .string()
  .max(300)
  .regex(/^[^:]+:/, { message: 'must be KEY:VALUE, e.g. "team:ops"' });

const NO_JOB =
  'is not a field here: a subscription is of jobs by their filters; match the job by its whole name, {"match": {"name": "nightly"}}, or by a label that it alone has';
const ONE_JOB: Readonly<Record<string, string>> = Object.fromEntries(
  ["job_id", "job", "jobs", "job_ids", "id"].map((name) => [name, NO_JOB]),
);

const STATES = /^(active|paused|finished)(,(active|paused|finished))*$/;

export const Match = z
  .strictObject({
    owner_kind: OwnerKind.optional(),
    exec_scope: ExecScope.optional(),
    agent_id: text.optional(),
    user_id: UserIdText.optional(),
    plugin_id: text.optional(),
    name: text.optional(),
    enabled: z.boolean().optional(),
    label: z
      .union([labelPair, z.array(labelPair).max(16)])
      .optional()
      .meta({
        reads: "pair",
        aliases: ["labels", "tag", "tags"],
        description: "KEY:VALUE, or several of them.",
        examples: ["team:ops"],
      }),
    q: text.optional().meta({ description: "Part of the name, in upper or lower case." }),
    state: z
      .string()
      .regex(STATES, { message: "must be a comma list of active, paused and finished" })
      .optional()
      .meta({
        description: "Comma-separated: the job's state when the event is reported.",
        examples: ["active,paused"],
      }),
  })
  .meta({
    id: "Match",
    notHere: ONE_JOB,
    description: "Filters of jobs, as in GET /v1/jobs; every one given must match.",
  });
export type Match = z.infer<typeof Match>;

/** Fields that a client may write. */
export const SubscriptionInput = z
  .strictObject({
    events: z
      .array(EventType)
      .min(1, { message: "must name at least one event" })
      .max(EventType.options.length)
      .meta({
        aliases: ["types", "event_types", "event", "on"],
        description: "The events to report. A recovery is reported to everyone who got the failure.",
        examples: [["run.failed", "run.recovered"]],
      }),
    match: Match.optional().meta({
      aliases: ["filter", "filters", "where", "selector"],
      description: "Filters of jobs, as in GET /v1/jobs; every one given must match.",
    }),
    to: z
      .array(Target)
      .min(1, { message: "must name at least one target" })
      .max(MAX_NOTIFIERS)
      .meta({
        aliases: ["targets", "target", "channels", "destinations", "destination", "notify", "recipients", "webhooks"],
        examples: [[{ type: "slack", url: "https://hooks.slack.com/..." }]],
        description:
          "The targets, each independent of the others. A webhook gets {type, timestamp, data: {event, job?, run?, count}}, signed with its secret. One without a secret gets a generated one, which only this answer shows.",
      }),
    after: z
      .int()
      .min(1)
      .max(100)
      .default(1)
      .meta({
        aliases: ["threshold", "min_failures", "failures", "consecutive_failures", "after_failures"],
        description: "Reports only from this many failures of a job in a row.",
      }),
    cooldown: DurationText.default("0s").meta({
      aliases: ["throttle", "rate_limit", "debounce", "quiet_for", "silence", "min_interval"],
      description: "After a message about a job, no other about it for this long, except for a recovery.",
    }),
    enabled: z.boolean().default(true).meta({ description: "false: deliveries are held." }),
  })
  .meta({
    id: "SubscriptionInput",
    notHere: ONE_JOB,
    examples: [
      {
        events: ["run.failed", "run.recovered"],
        match: { label: "team:ops" },
        to: [{ type: "slack", url: "https://hooks.slack.com/..." }],
      },
    ],
  });
export type SubscriptionInput = z.infer<typeof SubscriptionInput>;

/** A subscription as answers show it. Secrets are masked or left out, except for a secret that was just generated. */
export const Subscription = z
  .strictObject({
    id: z.string(),
    ...SubscriptionInput.shape,
    created_at: z.string(),
    updated_at: z.string(),
  })
  .meta({ id: "Subscription" });
export type Subscription = z.infer<typeof Subscription>;

export const DeliveryStatus = z.enum(["delivered", "retrying", "failed", "held"]);
export type DeliveryStatus = z.infer<typeof DeliveryStatus>;

export const Delivery = z
  .strictObject({
    id: z.string(),
    event_id: z.string(),
    event_type: EventType,
    target: z.string().meta({ description: "The target's kind and place, with masked secrets." }),
    status: DeliveryStatus.meta({
      description:
        "retrying: to be sent, perhaps after failures. held: the subscription is disabled, or MODE is stopped. failed: given up after 24 hours.",
    }),
    attempts: z.int(),
    created_at: z.string(),
    next_attempt_at: z.string().optional(),
    delivered_at: z.string().optional(),
    error: z.string().optional(),
  })
  .meta({ id: "Delivery" });
export type Delivery = z.infer<typeof Delivery>;

export const TestReport = z
  .strictObject({
    results: z.array(
      z.strictObject({
        target: z.string(),
        ok: z.boolean(),
        status: z.int().optional().meta({ description: "The HTTP status that the target answered." }),
        error: z.string().optional(),
      }),
    ),
  })
  .meta({ id: "TestReport" });
export type TestReport = z.infer<typeof TestReport>;
