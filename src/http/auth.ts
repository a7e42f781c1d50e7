/**
 * Who calls, and whether they may call this route (CONTRACT.md §7): the only place that reads tokens. Each route names
 * its `access`; a route without one does not compile. Which jobs and runs a caller sees is decided where they are, by
 * `domain/access.ts`.
 */
import { readToken } from "../agent/token.ts";
import { forbidden } from "../domain/failure.ts";
import { ADMIN, type Caller } from "../domain/job/access.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Settings } from "../env.ts";
import type { HttpFailure } from "./failure.ts";

/** The parameters of the path, decoded. */
export type PathParams = Readonly<Record<string, string>>;

type Rule = {
  readonly allows: (caller: Caller, params: PathParams) => boolean;
  /** Who may call, for the API's description. */
  readonly about: string;
  /** Why another caller may not, and how to go on. */
  readonly refusal: string;
  readonly hint?: string;
};

/** The table of who may call what: every route names one of these rules, or is public. */
const RULES = {
  /** Every token but a run's. */
  read: {
    allows: (caller) => caller.role !== "run",
    about: "Any token but a run's.",
    refusal: "A run's token opens only its own run.",
    hint: "With it, GET the run, complete it, or report its progress; for anything else use another token.",
  },
  /** Every token that may change something. */
  write: {
    allows: (caller) => caller.role !== "run" && caller.role !== "viewer",
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
  /** The operator, and viewers, who read everything. */
  admin_read: {
    allows: (caller) => caller.role === "admin" || caller.role === "viewer",
    about: "The operator's token or a viewer's.",
    refusal: "Only the operator and viewers may read this.",
    hint: "Call it with ADMIN_TOKEN or a viewer's token.",
  },
  /** The operator, or the user that the path's `id` names, with a user's token of their own. */
  own_user: {
    allows: (caller, params) => caller.role === "admin" || (caller.role === "user" && caller.user_id === params.id),
    about: "The operator's token, or the user's own.",
    refusal: "Only the operator and the user themselves may do this.",
    hint: "Call it with ADMIN_TOKEN or this user's own token.",
  },
  /** Every token; a run's opens its own run only, which the Job object sees to: another run is 404. */
  read_run: {
    allows: () => true,
    about: "Any token; a run's own opens that run only.",
    refusal: "This token may not read runs.",
  },
  /** As `write`, and a run's token for its own run. */
  report_run: {
    allows: (caller) => caller.role !== "viewer",
    about: "The run's own token, or any but a viewer's that may see the job.",
    refusal: "This token may not change anything here.",
    hint: "Use the run's own token (data.complete.token of the call to the agent), or one that may change the job.",
  },
} as const satisfies Readonly<Record<string, Rule>>;

/**
 * Who may call a route at all: whoever a rule allows, or anybody, without a token (`public`). `health` is for healthz alone:
 * it answers even where the deployment is not configured.
 */
export type Access = "health" | "public" | keyof typeof RULES;

/** Settings without which no call but healthz is answered: {@link configured} tells. */
export type Secrets = { readonly adminToken: string; readonly tokenSecret: string };

/** The two secrets, or the failure that says which one is not set. */
export function configured(settings: Settings): Result<Secrets, HttpFailure> {
  const { ADMIN_TOKEN, TOKEN_SECRET } = settings;
  if (ADMIN_TOKEN !== undefined && TOKEN_SECRET !== undefined) {
    return ok({ adminToken: ADMIN_TOKEN, tokenSecret: TOKEN_SECRET });
  }
  const missing = [
    ...(ADMIN_TOKEN === undefined ? ["ADMIN_TOKEN"] : []),
    ...(TOKEN_SECRET === undefined ? ["TOKEN_SECRET"] : []),
  ];
  return err({
    kind: "not_configured",
    detail: `This deployment has no ${missing.join(" and no ")}, so it answers nobody.`,
  });
}

/** Who may call a route of this access, in words. */
export const callersOf = (access: Access): string | undefined =>
  access === "health" || access === "public" ? undefined : RULES[access].about;

/** Whether the caller may call a route of this access with these parameters. Errors: `forbidden`. */
export function permit(access: Access, caller: Caller | undefined, params: PathParams): Result<null, HttpFailure> {
  if (access === "health" || access === "public") return ok(null);
  const rule: Rule = RULES[access];
  return caller !== undefined && rule.allows(caller, params) ? ok(null) : forbidden(rule.refusal, rule.hint);
}

/**
 * The caller whose token the request carries. Errors: `unauthorized`.
 * Why a token is not valid stays unsaid, except that none was sent: the holder of a token can correct only that.
 */
export function authenticate(request: Request, secrets: Secrets): Promise<Result<Caller, HttpFailure>> {
  return identify(request.headers.get("authorization"), secrets);
}

async function identify(authorization: string | null, secrets: Secrets): Promise<Result<Caller, HttpFailure>> {
  const refuse = (detail: string) => err({ kind: "unauthorized", detail } as const);
  if (authorization === null) return refuse("The call carries no token.");
  const token = /^Bearer +(\S+) *$/i.exec(authorization)?.[1];
  if (token === undefined) return refuse("The Authorization header is not `Bearer` followed by one token.");
  if (equalSecrets(token, secrets.adminToken)) return ok(ADMIN);
  const caller = await readToken(token, secrets.tokenSecret);
  return caller === undefined ? refuse("The token is not valid, or no longer.") : ok(caller);
}

const encoder = new TextEncoder();

/** Compares in a time that depends on the lengths only: it says nothing about where the texts differ. */
function equalSecrets(given: string, secret: string): boolean {
  const [a, b] = [encoder.encode(given), encoder.encode(secret)];
  const isSameLength = a.byteLength === b.byteLength;
  // Of another length, the secret is compared with itself, and the answer is no all the same.
  return crypto.subtle.timingSafeEqual(isSameLength ? a : b, b) && isSameLength;
}
