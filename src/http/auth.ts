/**
 * The only place that reads tokens (docs/contract.md §7). It finds the caller and checks whether they may call this route.
 * Each route names its `access`; a route without one does not compile. `domain/job/access.ts` decides which jobs and runs a
 * caller sees.
 */
import { readToken } from "../agent/token.ts";
import { isTriggerToken, readTriggerToken } from "../agent/trigger-token.ts";
import { isRevoked } from "../directory/tokens.ts";
import { forbidden } from "../domain/failure.ts";
import { ADMIN, type Caller } from "../domain/job/access.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Env, Settings } from "../env.ts";
import type { HttpFailure } from "./failure.ts";
import { type Arrival, admitCall, admitFailure } from "./rate-limit.ts";
import { protocolToken } from "./socket.ts";

/** The decoded parameters of the path. */
export type PathParams = Readonly<Record<string, string>>;

type Rule = {
  readonly allows: (caller: Caller, params: PathParams) => boolean;
  /** The callers of a route, for the API's description. */
  readonly about: string;
  /** Why other callers are refused, and what they can do instead. */
  readonly refusal: string;
  readonly hint?: string;
  /** The routes change nothing, so a read-only token may call them too. */
  readonly reads?: true;
};

/** The rules of access. Every route names one of them, or is public. */
const RULES = {
  /** Every token except a run's. */
  read: {
    allows: (caller) => caller.role !== "run" && caller.role !== "trigger",
    reads: true,
    about: "Any token but a run's.",
    refusal: "A run's token opens only its own run.",
    hint: "With it, GET the run, complete it, or report its progress; for anything else use another token.",
  },
  /** Every token that may change something. */
  write: {
    allows: (caller) => caller.role !== "run" && caller.role !== "viewer" && caller.role !== "trigger",
    about: "Any token but a run's and a viewer's.",
    refusal: "This token may not change anything here.",
    hint: "Use an agent's, user's or plugin's token, or the operator's.",
  },
  /** The operator only. */
  admin: {
    allows: (caller) => caller.role === "admin",
    about: "The operator's token only.",
    refusal: "Only the operator may do this.",
    hint: "Call it with ADMIN_TOKEN, or ask the operator to.",
  },
  /** The operator, and viewers, who may read everything. */
  admin_read: {
    allows: (caller) => caller.role === "admin" || caller.role === "viewer",
    reads: true,
    about: "The operator's token or a viewer's.",
    refusal: "Only the operator and viewers may read this.",
    hint: "Call it with ADMIN_TOKEN or a viewer's token.",
  },
  /** The operator, or the user that the path's `id` names, with that user's own token. */
  own_user: {
    allows: (caller, params) => caller.role === "admin" || (caller.role === "user" && caller.user_id === params.id),
    about: "The operator's token, or the user's own.",
    refusal: "Only the operator and the user themselves may do this.",
    hint: "Call it with ADMIN_TOKEN or this user's own token.",
  },
  /** The operator, or the agent that the path's `id` names, with its own token that has no user. */
  own_agent: {
    allows: (caller, params) =>
      caller.role === "admin" ||
      (caller.role === "agent" && caller.agent_id === params.id && caller.user_id === undefined),
    about: "The operator's token, or the agent's own, bound to no user.",
    refusal: "Only the operator and the agent itself may do this.",
    hint: "Call it with ADMIN_TOKEN, or with a token of role agent, this agent_id and no user_id.",
  },
  /** The operator, and agents' tokens for this agent or for no agent in particular. */
  claim: {
    allows: (caller, params) =>
      caller.role === "admin" ||
      (caller.role === "agent" &&
        caller.access !== "read" &&
        (caller.agent_id === undefined || caller.agent_id === params.id)),
    about: "The operator's token, or an agent's with this agent_id or none.",
    refusal: "Only this agent takes runs out of its mailbox.",
    hint: "Use a token of role agent with this agent_id or without one, or ADMIN_TOKEN.",
  },
  /** The operator, and monitoring. On these routes METRICS_TOKEN is accepted like the operator's token (`serve.ts`). */
  metrics: {
    allows: (caller) => caller.role === "admin",
    about: "The operator's token, or METRICS_TOKEN.",
    refusal: "Only the operator and METRICS_TOKEN read the metrics.",
    hint: "Call it with ADMIN_TOKEN, or set METRICS_TOKEN and call it with that.",
    reads: true,
  },
  /** Every token. A run's token opens only its own run; the Job object answers 404 for another. */
  read_run: {
    allows: (caller) => caller.role !== "trigger",
    reads: true,
    about: "Any token; a run's own opens that run only.",
    refusal: "This token may not read runs.",
  },
  /** The same as `write`, and a job's own trigger token for that job. Only the job knows its token. */
  trigger: {
    allows: (caller, params) =>
      caller.role === "trigger" ? caller.job_id === params.id : caller.role !== "run" && caller.role !== "viewer",
    about: "Any token that may change the job, or the job's own trigger token.",
    refusal: "This token may not trigger the job.",
    hint: "Use the token that POST /v1/jobs/{id}/trigger-token answered for this job, or one that may change the job.",
  },
  /** The same as `write`, and a run's token for its own run. */
  report_run: {
    allows: (caller) => caller.role !== "viewer" && caller.role !== "trigger",
    about: "The run's own token, or any but a viewer's that may see the job.",
    refusal: "This token may not change anything here.",
    hint: "Use the run's own token (data.complete.token of the call to the agent), or one that may change the job.",
  },
} as const satisfies Readonly<Record<string, Rule>>;

/**
 * The callers that a route admits: those of a rule, or anybody (`public`). `health` is for healthz alone, which answers
 * even if the deployment is not configured.
 */
export type Access = "health" | "public" | keyof typeof RULES;

/**
 * The secrets that tokens are checked against, the current one first. Without the current ones only healthz is answered
 * ({@link configured}).
 */
export type Secrets = {
  readonly adminTokens: readonly [string, ...string[]];
  readonly tokenSecrets: readonly [string, ...string[]];
};

/**
 * The least length of a secret. RFC 7518 §3.2 asks for 256 bits, since an agent gets tokens and could search a shorter
 * secret offline.
 */
const MIN_SECRET_CHARS = 32;
const HOW_TO = "Make one with `openssl rand -base64 32` and set it with `npx wrangler secret put NAME`.";

/** The secrets, or the failure that names a missing or weak one. `npm start` only warns about a weak one. */
export function configured(settings: Settings): Result<Secrets, HttpFailure> {
  const { ADMIN_TOKEN, TOKEN_SECRET, LOCAL } = settings;
  const refuse = (detail: string) => err({ kind: "not_configured", detail } as const);
  if (ADMIN_TOKEN === undefined || TOKEN_SECRET === undefined) {
    const missing = Object.entries({ ADMIN_TOKEN, TOKEN_SECRET }).flatMap(([name, value]) =>
      value === undefined ? [name] : [],
    );
    return refuse(`This deployment has no ${missing.join(" and no ")}, so it answers nobody.`);
  }
  if (!LOCAL) {
    for (const [name, value] of Object.entries({ ADMIN_TOKEN, TOKEN_SECRET })) {
      if (value.length >= MIN_SECRET_CHARS) continue;
      const lack = `has ${value.length} characters, and at least ${MIN_SECRET_CHARS} are needed`;
      return refuse(`${name} ${lack}, so this deployment answers nobody. ${HOW_TO.replace("NAME", name)}`);
    }
    if (ADMIN_TOKEN === TOKEN_SECRET) {
      return refuse(
        `ADMIN_TOKEN and TOKEN_SECRET are the same, so this deployment answers nobody. Give each its own. ${HOW_TO}`,
      );
    }
  }
  const { ADMIN_TOKEN_PREVIOUS, TOKEN_SECRET_PREVIOUS } = settings;
  return ok({
    adminTokens: [ADMIN_TOKEN, ...(ADMIN_TOKEN_PREVIOUS === undefined ? [] : [ADMIN_TOKEN_PREVIOUS])],
    tokenSecrets: [TOKEN_SECRET, ...(TOKEN_SECRET_PREVIOUS === undefined ? [] : [TOKEN_SECRET_PREVIOUS])],
  });
}

/** The callers of routes with this access, in words. */
export const callersOf = (access: Access): string | undefined =>
  access === "health" || access === "public" ? undefined : RULES[access].about;

/** Whether the caller may call a route of this access with these parameters. Errors: `forbidden`. */
export function permit(access: Access, caller: Caller | undefined, params: PathParams): Result<null, HttpFailure> {
  if (access === "health" || access === "public") return ok(null);
  const rule: Rule = RULES[access];
  if (caller === undefined || !rule.allows(caller, params)) return forbidden(rule.refusal, rule.hint);
  return isReadOnly(caller) && rule.reads !== true ? forbidden(READ_ONLY, READ_ONLY_HINT) : ok(null);
}

const READ_ONLY = "This token may only read: it was made with access `read`.";
const READ_ONLY_HINT =
  "Use GET, or MCP's reading tools; to change something, ask the operator for a token with access `write`.";

const isReadOnly = (caller: Caller): boolean => "access" in caller && caller.access === "read";

/** The Authorization header, or the token that a browser's WebSocket sends instead. */
function authorizationOf(request: Request): string | null {
  const token = protocolToken(request);
  return request.headers.get("authorization") ?? (token === undefined ? null : `Bearer ${token}`);
}

/** The credentials of a call. `queryToken` is the trigger token in the URL, on a route that takes one there. */
export type Authentication = Arrival & {
  readonly env: Env;
  readonly secrets: Secrets;
  readonly queryToken?: string | undefined;
};

/**
 * The caller whose token the request carries. Errors: `unauthorized`; `rate_limited` if the token, or an address without
 * one, calls too often. Other callers' calls never cause the refusal of a valid token. The answer does not say why a token
 * is invalid, except that none was sent: the holder can correct only that.
 */
export async function authenticate(request: Request, by: Authentication): Promise<Result<Caller, HttpFailure>> {
  const caller = await identify(request, by);
  if (!caller.ok) {
    const admitted = await admitFailure(request, by);
    return admitted.ok ? caller : admitted;
  }
  const admitted = await admitCall(caller.value, by);
  return admitted.ok ? caller : admitted;
}

async function identify(
  request: Request,
  { env, secrets, now, queryToken }: Authentication,
): Promise<Result<Caller, HttpFailure>> {
  const refuse = (detail: string) => err({ kind: "unauthorized", detail } as const);
  const authorization = authorizationOf(request);
  if (authorization === null && queryToken === undefined) return refuse("The call carries no token.");
  const token = authorization === null ? queryToken : /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token === undefined) return refuse("The Authorization header is not `Bearer` followed by one token.");
  // URLs end up in logs and histories. So only a token that opens nothing but one job's trigger is taken from there.
  if (authorization === null && !isTriggerToken(token)) return refuse(NOT_IN_URL);
  if (secrets.adminTokens.some((secret) => equalSecrets(token, secret))) return ok(ADMIN);
  const caller = isTriggerToken(token)
    ? await readTriggerToken(env, token)
    : await readToken(token, secrets.tokenSecrets);
  if (caller === undefined || (await isRevoked(env, caller, now))) return refuse("Invalid or expired token.");
  return ok(caller);
}

/** The hint of a refused trigger. Its sender is a webhook's, and has no other token. */
export const HOW_TO_SEND_A_TRIGGER_TOKEN =
  "Send the token that POST /v1/jobs/{id}/trigger-token answered last for this job, as `Authorization: Bearer TOKEN` or, where a sender sets no headers, as `?token=TOKEN`.";

const NOT_IN_URL = "Only a job's trigger token is taken from the URL; send any other as Authorization: Bearer.";

const encoder = new TextEncoder();

/** Whether the request carries this token, for a token that opens only one route. */
export function carriesToken(request: Request, secret: string | undefined): boolean {
  const token = /^Bearer +(\S+) *$/i.exec(authorizationOf(request) ?? "")?.[1];
  return token !== undefined && secret !== undefined && equalSecrets(token, secret);
}

/** Compares in a time that depends only on the lengths, so it does not show where the texts differ. */
function equalSecrets(given: string, secret: string): boolean {
  const [a, b] = [encoder.encode(given), encoder.encode(secret)];
  const isSameLength = a.byteLength === b.byteLength;
  // If the lengths differ, the secret is compared with itself, and the answer is still no.
  return crypto.subtle.timingSafeEqual(isSameLength ? a : b, b) && isSameLength;
}
