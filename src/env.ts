/** Bindings and settings: the only file that names them. Read once per environment, through zod. */
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

/** The Durable Objects, each as its contract. */
type ObjectBindings = JobBinding &
  DirectoryBinding &
  FanOutBinding &
  HeartbeatBinding &
  MailboxBinding &
  SubscriptionBinding;

/** As much of the platform's `Ai` as is used here; its own type lists every model by name. */
export type WorkersAi = { run(model: string, input: object): Promise<unknown> };

/** A rate limit of Workers: whether the key has a call left in the period. */
export type RateLimit = { limit(of: { readonly key: string }): Promise<{ readonly success: boolean }> };

/** The bindings of wrangler.toml. Variables and secrets arrive as strings and are read through `settingsOf`. */
export type Env = ObjectBindings & {
  /** An agent in the same account, called without leaving the platform; takes the place of AGENT_URL. */
  readonly AGENT?: Fetcher;
  /** Calls of one token, and failed authentications of one address; other hosts may have neither. */
  readonly CALL_LIMIT?: RateLimit;
  readonly FAILURE_LIMIT?: RateLimit;
  /** Bound by `npm start` only: the network itself, without the Worker that Miniflare has each `fetch` go through. */
  readonly NETWORK?: Fetcher;
  /** Workers Analytics Engine: a data point for each run that has ended. */
  readonly RUN_ANALYTICS?: { writeDataPoint(point: { indexes: [string]; blobs: string[]; doubles: number[] }): void };
  /** Workers AI: answers the heartbeat where no agent, CHAT_URL or OPENAI_BASE_URL is set. */
  readonly AI?: WorkersAi;
};

const blankIsUnset = (value: unknown): unknown =>
  typeof value === "string" && value.trim() === "" ? undefined : value;
const text = z.preprocess(blankIsUnset, z.string().optional());
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
  /** The collector that spans of runs are posted to (OTLP over HTTP), and the headers that it asks for. */
  OTLP_URL: text,
  OTLP_HEADERS: text,
  /** Signs and checks JWTs (HS256). */
  TOKEN_SECRET: text,
  /** The secrets that the two had before: still accepted, and never used to sign. */
  ADMIN_TOKEN_PREVIOUS: text,
  TOKEN_SECRET_PREVIOUS: text,
  /** The default agent, and the Standard Webhooks secret (`whsec_…`) that calls to it are signed with. */
  AGENT_URL: text,
  AGENT_SECRET: text,
  /** The secret that AGENT_SECRET had before: calls carry a signature of each, so that the agent may know either. */
  AGENT_SECRET_PREVIOUS: text,
  /** Without AGENT_URL: the default agent has no address, and takes its runs out of this mailbox. */
  AGENT_ID: z.preprocess(blankIsUnset, IdText.optional()),
  /**
   * Where clients and agents reach this deployment. Without it, the URL of the request that made the job is not known
   * to its alarm.
   */
  PUBLIC_URL: text,
  /** `stopped` fires nothing; `ephemeral` fires no persisted job, but heartbeats and code tasks. */
  MODE: z.preprocess(blankIsUnset, z.enum(["normal", "stopped", "ephemeral"]).default("normal")),
  /** `false` holds jobs with exec_scope `user` or `all_users`. */
  USER_JOBS: flag(true),
  CHAT_URL: text,
  /**
   * The secrets that sign calls to CHAT_URL and to ACTIVE_USERS_URL (`whsec_…`). An agent's secret goes to no URL but
   * its own.
   */
  CHAT_SECRET: text,
  USERS_SECRET: text,
  OPENAI_BASE_URL: text,
  OPENAI_API_KEY: text,
  NOTIFY_URL: text,
  ACTIVE_USERS_URL: text,
  /** A user not seen for longer is not active; unset: every user marked active is. In ms. */
  ACTIVE_WINDOW: duration,
  RUN_RETENTION: count(DEFAULT_RUN_RETENTION),
  MAX_JOBS_PER_OWNER: count(1_000),
  /** The most that an owner's unfinished jobs fire on a day, with what it backfills that day. The operator's calls are not bound. */
  MAX_FIRES_PER_DAY: count(100_000),
  /**
   * The shortest time between two fires of a schedule, in ms, for tokens other than the operator's. Unset: any that
   * `every` takes.
   */
  MIN_INTERVAL: duration,
  /** The number of calls that one invocation makes before the next one goes on. 40 is safe on the Free plan. */
  CALLS_PER_WAKE: count(DEFAULT_CALLS_PER_WAKE),
  /** `off`, under `npm start` only: calls and failed authentications are not counted. */
  RATE_LIMITS: z.preprocess(blankIsUnset, z.enum(["on", "off"]).default("on")),
  /** Origins that browsers may call the API from, comma-separated, or `*`. */
  CORS_ORIGIN: text,
  /** Set by `npm start` only: allows `http:` to agents on loopback. */
  LOCAL: flag(false),
});
export type Settings = z.infer<typeof Settings>;

const read = new WeakMap<object, Settings>();

/**
 * The settings of this environment, validated once. A setting that cannot be read throws, naming it: a deployment
 * with a misspelt MODE must not fire jobs as if nothing were wrong.
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

/** Why a job of this scope does not fire at present, or undefined where it does (docs/contract.md §3, last rule). */
export function heldBecause(settings: Settings, execScope: "system" | "user" | "all_users"): string | undefined {
  if (settings.MODE !== "normal") return `held: MODE=${settings.MODE}`;
  if (!settings.USER_JOBS && execScope !== "system") return `held: USER_JOBS=false`;
  return undefined;
}

/** The allowance of a call, by the settings that bind its caller. */
export const allowanceOf = (settings: Settings, caller: Pick<Caller, "role">): Allowance => ({
  maxJobs: settings.MAX_JOBS_PER_OWNER,
  maxFires: caller.role === "admin" ? undefined : settings.MAX_FIRES_PER_DAY,
});
