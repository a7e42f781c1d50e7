/**
 * The JWTs that Reveille makes and takes (CONTRACT.md §7): HS256 with TOKEN_SECRET. A token says who calls (`Caller`) and
 * until when. A run's token opens only its own run.
 */
import { sign, verify } from "hono/jwt";
import * as z from "zod";
import type { Caller } from "../domain/access.ts";
import { DAY_MS, MAX_COMPLETION_TIMEOUT_MS, SECOND_MS } from "../schema/limits.ts";

/** A run may be reported on for as long as it can be held, renewals aside: the longest completion_timeout and a day. */
export const RUN_TOKEN_TTL_MS = MAX_COMPLETION_TIMEOUT_MS + DAY_MS;

const id = z.string().min(1).optional();
const Claims = z.union([
  z.object({
    role: z.enum(["agent", "user", "plugin", "viewer"]),
    agent_id: id,
    user_id: id,
    plugin_id: id,
    exp: z.number(),
  }),
  z.object({ role: z.literal("run"), job_id: z.string(), run_id: z.string(), exp: z.number() }),
]);

/** Signs the caller's claims; `expiresAt` and `now` are epoch ms. */
export async function mintToken(caller: Caller, secret: string, now: number, expiresAt: number): Promise<string> {
  const claims = { ...caller, iat: Math.floor(now / SECOND_MS), exp: Math.floor(expiresAt / SECOND_MS) };
  return sign(claims, await signingKey(secret), "HS256");
}

/** Every call of an agent carries a token: the key is made ready once. A key, not its promise, which no other request could await. */
let ready: { readonly secret: string; readonly key: CryptoKey } | undefined;

async function signingKey(secret: string): Promise<CryptoKey> {
  if (ready?.secret === secret) return ready.key;
  const bytes = new TextEncoder().encode(secret);
  const key = await crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  ready = { secret, key };
  return key;
}

/** Who a token speaks for, or undefined where it is not ours, is spoilt, or has expired. */
export async function readToken(token: string, secret: string): Promise<Caller | undefined> {
  // hono/jwt answers every bad token by throwing; to us all of them are the same: not a caller.
  const payload = await verify(token, secret, "HS256").catch(() => undefined);
  const claims = Claims.safeParse(payload);
  if (!claims.success) return undefined;
  const { exp: _exp, ...caller } = claims.data;
  if (caller.role === "viewer") return { role: "viewer" };
  return caller;
}
