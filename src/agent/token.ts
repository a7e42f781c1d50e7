/**
 * The JWTs that Reveille issues and accepts (docs/contract.md §7): HS256 with TOKEN_SECRET. A token names its `Caller` and
 * its expiry. A run's token opens only its own run.
 */
import { verify } from "hono/jwt";
import * as z from "zod";
import { compact } from "../domain/compact.ts";
import type { Caller, TokenFacts } from "../domain/job/access.ts";
import { DAY_MS, MAX_COMPLETION_TIMEOUT_MS, SECOND_MS } from "../schema/limits.ts";

/** The time for which a run may be reported on: the longest completion_timeout plus a day, without renewals. */
export const RUN_TOKEN_TTL_MS = MAX_COMPLETION_TIMEOUT_MS + DAY_MS;

const ISSUER = "reveille";

const id = z.string().min(1).optional();
const common = { exp: z.number(), iss: z.literal(ISSUER).optional() };
const facts = {
  jti: id,
  access: z.enum(["read", "write"]).optional(),
  agents: z.array(z.string()).optional(),
};
const Claims = z.union([
  z.object({ role: z.literal("viewer"), ...facts, ...common }),
  z.object({
    role: z.enum(["agent", "user", "plugin"]),
    agent_id: id,
    user_id: id,
    plugin_id: id,
    ...facts,
    ...common,
  }),
  z.object({
    role: z.literal("run"),
    ...{ job_id: z.string(), run_id: z.string(), claimed_at: z.number().optional() },
    ...common,
  }),
]);

const encoder = new TextEncoder();
const { subtle } = crypto;
const HEADER = base64Url(JSON.stringify({ alg: "HS256", typ: "JWT" }));

/**
 * A JWT with the caller's claims (RFC 7519, HS256 as in RFC 7515). `expiresAt` and `now` are epoch ms. It is written by
 * hand because every call of an agent carries one. A library reads it.
 */
export async function mintToken(caller: Caller, secret: string, now: number, expiresAt: number): Promise<string> {
  const { token_id: jti, expires_at: _before, ...who }: TokenFacts & { readonly role: string } = caller;
  const times = { iat: Math.floor(now / SECOND_MS), exp: Math.floor(expiresAt / SECOND_MS) };
  const claims = { ...who, jti, iss: ISSUER, ...times };
  const signed = `${HEADER}.${base64Url(asciiJson(claims))}`;
  const key = ready?.secret === secret ? ready.key : await signingKey(secret);
  const signature = new Uint8Array(await subtle.sign("HMAC", key, encoder.encode(signed)));
  return `${signed}.${base64Url(String.fromCharCode(...signature))}`;
}

/** JSON that escapes all non-ASCII characters, as RFC 8259 §7 allows, so its characters are its bytes. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Base64url (RFC 4648 §5, without padding) of a text whose characters are bytes. */
function base64Url(bytes: string): string {
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * The imported key, kept because every call of an agent carries a token. It is not a promise, since no other request could
 * await one.
 */
let ready: { readonly secret: string; readonly key: CryptoKey } | undefined;

async function signingKey(secret: string): Promise<CryptoKey> {
  const key = await subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  ready = { secret, key };
  return key;
}

/** The caller of a token. Undefined if none of the secrets has signed it or it has expired. */
export async function readToken(token: string, secrets: readonly string[]): Promise<Caller | undefined> {
  for (const secret of secrets) {
    // hono/jwt throws for every bad token. Here they all mean that there is no caller.
    const payload = await verify(token, secret, "HS256").catch(() => undefined);
    const claims = Claims.safeParse(payload);
    if (claims.success) return callerOf(claims.data);
  }
  return undefined;
}

function callerOf(claims: z.output<typeof Claims>): Caller {
  const { exp, iss: _iss, ...who } = claims;
  const expires_at = exp * SECOND_MS;
  if (who.role === "run") return { ...who, expires_at };
  const { jti: token_id, access, ...rest } = who;
  return compact({ ...rest, token_id, access: access === "read" ? access : undefined, expires_at });
}
