/**
 * The rates of calls (docs/contract.md §16): calls a minute of one token, and failed authentications of one address. The
 * figures are in wrangler.toml. Workers' rate limits count at each location, so they protect but do not meter.
 */
import { subjectOf } from "../domain/audit.ts";
import type { Caller } from "../domain/job/access.ts";
import { err, ok, type Result } from "../domain/result.ts";
import type { Env, RateLimit, Settings } from "../env.ts";
import { MINUTE_MS, SECOND_MS } from "../schema/limits.ts";
import type { HttpFailure } from "./failure.ts";

/** The origin and time of a call (epoch ms). */
export type Arrival = {
  readonly env: Pick<Env, "CALL_LIMIT" | "FAILURE_LIMIT">;
  readonly settings: Pick<Settings, "LOCAL" | "RATE_LIMITS">;
  readonly now: number;
};

/**
 * Whether the token has a call left this minute. The operator's and runs' calls are not counted. Errors: `rate_limited`.
 */
export async function admitCall(caller: Caller, at: Arrival): Promise<Result<null, HttpFailure>> {
  if (caller.role === "admin" || caller.role === "run") return ok(null);
  return take(at.env.CALL_LIMIT, keyOf(caller), at, "This token has made as many calls as it may in a minute.");
}

/**
 * The key that a token is counted by. Older tokens have no id. All trigger tokens of one subject share a key, since it may
 * create as many as it has jobs.
 */
export function keyOf(caller: Exclude<Caller, { readonly role: "admin" | "run" }>): string {
  if (caller.role === "trigger") return `trigger ${caller.bucket}`;
  return caller.token_id ?? `${subjectOf(caller)} ${caller.expires_at}`;
}

/** Whether one more call without a valid token gets the usual answer. Errors: `rate_limited`. */
export async function admitFailure(request: Request, at: Arrival): Promise<Result<null, HttpFailure>> {
  // Under `npm start` a client could set the header itself, and all clients are on this machine.
  const address = at.settings.LOCAL ? "this machine" : (request.headers.get("cf-connecting-ip") ?? "unknown");
  const why = "Too many calls without a valid token have come from this address in a minute.";
  return take(at.env.FAILURE_LIMIT, addressKey(address), at, why);
}

/** The key of an address. An IPv6 client can call from a whole /64. */
const addressKey = (address: string): string =>
  address.includes(":") ? address.split(":").slice(0, 4).join(":") : address;

/** Takes a call from the limit. A host without the binding, and `npm start` with RATE_LIMITS=off, count nothing. */
async function take(
  limit: RateLimit | undefined,
  key: string,
  { settings, now }: Arrival,
  detail: string,
): Promise<Result<null, HttpFailure>> {
  if (limit === undefined || (settings.LOCAL && settings.RATE_LIMITS === "off")) return ok(null);
  const { success } = await limit.limit({ key });
  if (success) return ok(null);
  return err({
    kind: "rate_limited",
    retryAfterSeconds: Math.ceil((MINUTE_MS - (now % MINUTE_MS)) / SECOND_MS),
    detail,
  });
}
