/**
 * The JWTs that Reveille makes and takes (CONTRACT.md §7): HS256 with TOKEN_SECRET. A token says who calls (`Caller`) and
 * until when. A run's token opens only its own run.
 */
import { verify } from "hono/jwt";
import * as z from "zod";
import type { Caller } from "../domain/job/access.ts";
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

const encoder = new TextEncoder();
const { subtle } = crypto;
const HEADER = base64Url(JSON.stringify({ alg: "HS256", typ: "JWT" }));

/**
 * A JWT of the caller's claims (RFC 7519, HS256 as in RFC 7515); `expiresAt` and `now` are epoch ms. Written here, because every call of
 * an agent carries one; they are read by a library.
 */
export async function mintToken(caller: Caller, secret: string, now: number, expiresAt: number): Promise<string> {
  const claims = { ...caller, iat: Math.floor(now / SECOND_MS), exp: Math.floor(expiresAt / SECOND_MS) };
  const signed = `${HEADER}.${base64Url(asciiJson(claims))}`;
  const key = ready?.secret === secret ? ready.key : await signingKey(secret);
  const signature = new Uint8Array(await subtle.sign("HMAC", key, encoder.encode(signed)));
  return `${signed}.${base64Url(String.fromCharCode(...signature))}`;
}

/** JSON that names what is not ASCII by its number, as RFC 8259 §7 allows: its characters are its bytes. */
const asciiJson = (value: object): string =>
  JSON.stringify(value).replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** RFC 4648 §5, without padding, of a text whose characters are bytes. */
function base64Url(bytes: string): string {
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Every call of an agent carries a token: the key is made ready once. A key, not its promise, which no other request could await. */
let ready: { readonly secret: string; readonly key: CryptoKey } | undefined;

async function signingKey(secret: string): Promise<CryptoKey> {
  const key = await subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
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
