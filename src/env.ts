/** The bindings and settings, which only this file names. They are read once for each environment, with zod. */
import * as z from "zod";
import type { Caller } from "./domain/job/access.ts";
import type { Allowance } from "./domain/limits/admission.ts";
import { parseDuration } from "./domain/time/duration.ts";
import type { DirectoryBinding } from "./objects/directory.ts";
import type { FanOutBinding } from "./objects/fan-out.ts";
import type { HeartbeatBinding } from "./objects/heartbeat.ts";
import type { JobBinding } from "./objects/job.ts";
import type { MailboxBinding } from "./objects/mailbox.ts";
import type { SubscriptionBinding } from "./objects/subscription.ts";
import { DEFAULT_CALLS_PER_WAKE, DEFAULT_RUN_RETENTION } from "./schema/limits.ts";
import { IdText } from "./schema/text.ts";

/** The bindings of the Durable Objects, each typed as its contract. */
type ObjectBindings = JobBinding &
  DirectoryBinding &
  FanOutBinding &
  HeartbeatBinding &
  MailboxBinding &
  SubscriptionBinding;

/** The part of the platform's `Ai` that is used here. Its own type lists every model by name. */
export type WorkersAi = { run(model: string, input: object): Promise<unknown> };

/** A rate limit of Workers. It says whether the key has a call left in the period. */
export type RateLimit = { limit(of: { readonly key: string }): Promise<{ readonly success: boolean }> };

/** The bindings of wrangler.toml. Variables and secrets arrive as strings and are read with `settingsOf`. */
export type Env = ObjectBindings & {
  /** An agent in the same account, called without leaving the platform. It replaces AGENT_URL. */
  readonly AGENT?: Fetcher;
  /** The limits for the calls of one token, and for failed authentications of one address. Other hosts may have neither. */
  readonly CALL_LIMIT?: RateLimit;
  readonly FAILURE_LIMIT?: RateLimit;
  /** The network itself, bound by `npm start` only. It avoids the Worker that Miniflare puts before each `fetch`. */
  readonly NETWORK?: Fetcher;
  /** Workers Analytics Engine, which gets a data point for each ended run. */
  readonly RUN_ANALYTICS?: { writeDataPoint(point: { indexes: [string]; blobs: string[]; doubles: number[] }): void };
  /** Workers AI, which answers the heartbeat if no agent, CHAT_URL or OPENAI_BASE_URL is set. */
  readonly AI?: WorkersAi;
};

const blankIsUnset = (value: unknown): unknown =>
  typeof value === "string" && value.trim() === "" ? undefined : value;
const text = z.preprocess(blankIsUnset, z.string().optional());
const webUrl = text.refine((value) => value === undefined || (/^https?:\/\//i.test(value) && URL.canParse(value)), {
  error: "must be a whole URL, such as https://reveille.example.com",
});
const count = (fallback: number) => z.preprocess(blankIsUnset, z.coerce.number().int().min(1).default(fallback));
const flag = (fallback: boolean) =>
  z
    .preprocess(blankIsUnset, z.enum(["true", "false"]).default(fallback ? "true" : "false"))
    .transform((on) => on === "true");
const duration = z.preprocess(blankIsUnset, z.string().optional()).transform((value, context) => {
  if (value === undefined) return undefined;
  const ms = parseDuration(value);
  if (ms.ok && ms.value > 0) return ms.value;
  context.addIssue({ code: "custom", message: ms.ok ? "must be longer than 0" : ms.error });
  return z.NEVER;
});

const Settings = z.object({
  /** The operator's bearer token. */
  ADMIN_TOKEN: text,
  /** Reads /metrics, and nothing else. */
  METRICS_TOKEN: text,
  /** The collector that gets the spans of runs (OTLP over HTTP), and its headers. */
  OTLP_URL: text,
  OTLP_HEADERS: text,
  /** Signs and checks JWTs (HS256). */
  TOKEN_SECRET: text,
  /** The previous secrets of the two. They are still accepted, but not used to sign. */
  ADMIN_TOKEN_PREVIOUS: text,
  TOKEN_SECRET_PREVIOUS: text,
  /** The default agent, and the Standard Webhooks secret (`whsec_…`) that calls to it are signed with. */
  AGENT_URL: text,
  AGENT_SECRET: text,
  /** The previous AGENT_SECRET. Calls carry a signature with each, so the agent may know either. */
  AGENT_SECRET_PREVIOUS: text,
  /** The mailbox of the default agent, if AGENT_URL is not set. Then that agent has no address. */
  AGENT_ID: z.preprocess(blankIsUnset, IdText.optional()),
  /**
   * The URL at which clients and agents reach this deployment. Without it, a job's alarm knows only the URL of the request
   * that created the job.
   */
  PUBLIC_URL: webUrl,
  /** `stopped` fires nothing; `ephemeral` fires no persisted job, but heartbeats and code tasks. */
  MODE: z.preprocess(blankIsUnset, z.enum(["normal", "stopped", "ephemeral"]).default("normal")),
  /** `false` holds jobs with exec_scope `user` or `all_users`. */
  USER_JOBS: flag(true),
  CHAT_URL: text,
  /**
   * The secrets that sign calls to CHAT_URL and to ACTIVE_USERS_URL (`whsec_…`). An agent's secret goes only to its own
   * URL.
   */
  CHAT_SECRET: text,
  USERS_SECRET: text,
  OPENAI_BASE_URL: text,
  OPENAI_API_KEY: text,
  NOTIFY_URL: text,
  ACTIVE_USERS_URL: text,
  /** The time in ms after which a user who was not seen is not active. Unset: every user marked active is. */
  ACTIVE_WINDOW: duration,
  RUN_RETENTION: count(DEFAULT_RUN_RETENTION),
  MAX_JOBS_PER_OWNER: count(1_000),
  /**
   * The most fires of an owner's unfinished jobs on a day, including its backfills of that day. It does not limit the
   * operator's calls.
   */
  MAX_FIRES_PER_DAY: count(100_000),
  /**
   * The shortest time in ms between two fires of a schedule, for tokens other than the operator's. Unset: any that `every`
   * accepts.
   */
  MIN_INTERVAL: duration,
  /** The number of calls that one invocation makes before the next one continues. 40 is safe on the Free plan. */
  CALLS_PER_WAKE: count(DEFAULT_CALLS_PER_WAKE),
  /** `off` stops counting calls and failed authentications. It works under `npm start` only. */
  RATE_LIMITS: z.preprocess(blankIsUnset, z.enum(["on", "off"]).default("on")),
  /** Origins that browsers may call the API from, comma-separated, or `*`. */
  CORS_ORIGIN: text,
  /** Set by `npm start` only: allows `http:` to agents on loopback. */
  LOCAL: flag(false),
});
export type Settings = z.infer<typeof Settings>;
/** The settings by name. Those that `npm start` sets by itself are among them. */
export const SETTING_NAMES = Settings.keyof().options;

const read = new WeakMap<object, Settings>();

/**
 * The settings of this environment, validated once. Throws and names the setting if one cannot be read, since a deployment
 * with a misspelt MODE must not fire jobs.
 */
export function settingsOf(env: object): Settings {
  const known = read.get(env);
  if (known !== undefined) return known;
  const parsed = Settings.safeParse(env);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new Error(`The setting ${issue?.path.join(".") ?? "?"} is not usable: ${issue?.message ?? "unknown"}`);
  }
  read.set(env, parsed.data);
  return parsed.data;
}

/** Why a job of this scope does not fire at present. Undefined if it does (docs/contract.md §3, last rule). */
export function heldBecause(settings: Settings, execScope: "system" | "user" | "all_users"): string | undefined {
  if (settings.MODE !== "normal") return `held: MODE=${settings.MODE}`;
  if (!settings.USER_JOBS && execScope !== "system") return `held: USER_JOBS=false`;
  return undefined;
}

/** The limits for a call, by the settings that apply to its caller. */
export const allowanceOf = (settings: Settings, caller: Pick<Caller, "role">): Allowance => ({
  maxJobs: settings.MAX_JOBS_PER_OWNER,
  maxFires: caller.role === "admin" ? undefined : settings.MAX_FIRES_PER_DAY,
});
