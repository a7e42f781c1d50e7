/**
 * Standard Webhooks 1.0, symmetric (`v1`): HMAC-SHA256 over `{id}.{timestamp}.{body}`, keyed with the bytes after `whsec_`.
 * WebCrypto makes the signatures and compares them in constant time.
 */
import { err, ok, type Result } from "../domain/result.ts";

const SECRET_PREFIX = "whsec_";
const VERSION_PREFIX = "v1,";
/** The distance of a timestamp from now at which a receiver takes the call for a replay. */
const TOLERANCE_SECONDS = 300;
const MAX_CACHED_KEYS = 256;

const encoder = new TextEncoder();
const { subtle } = crypto;

/** The key's bytes. Errors: `secret` is not `whsec_` followed by padded standard base64 of at least one byte. */
export function parseSecret(secret: string): Result<Uint8Array, string> {
  if (!secret.startsWith(SECRET_PREFIX)) return err(`the secret does not begin with ${SECRET_PREFIX}`);
  const key = fromBase64(secret.slice(SECRET_PREFIX.length));
  if (key === undefined || key.byteLength === 0) {
    return err(
      `the secret is not ${SECRET_PREFIX} followed by base64; make one with: echo "whsec_$(openssl rand -base64 32)"`,
    );
  }
  return ok(key);
}

/** The least length of a secret. Standard Webhooks' symmetric secrets have 24 to 64 bytes. */
const MIN_SECRET_BYTES = 24;
const MAX_SECRET_BYTES = 64;

/** The fault of a configured secret, if it has one. The text does not repeat the secret. */
export function secretError(secret: string): string | undefined {
  const key = parseSecret(secret);
  if (!key.ok) return key.error;
  const bytes = key.value.byteLength;
  if (bytes >= MIN_SECRET_BYTES && bytes <= MAX_SECRET_BYTES) return undefined;
  return `must be ${SECRET_PREFIX} and base64 of ${MIN_SECRET_BYTES} to ${MAX_SECRET_BYTES} random bytes`;
}

/** A secret, or several while one is being replaced, newest first. A call carries a signature for each. */
export type Secrets = string | readonly string[];

/** The signed content. `body` is the exact text that is sent. */
export type Signable = {
  readonly secret: Secrets;
  readonly id: string;
  readonly timestampSeconds: number;
  readonly body: string;
};

/**
 * The value of `webhook-signature`: one signature for each secret, in their order. Errors: a malformed secret; an id with a
 * `.`, which could be read as another id and timestamp.
 */
export async function sign({ secret, id, timestampSeconds, body }: Signable): Promise<Result<string, string>> {
  if (id.includes(".")) return err("the id to be signed holds a full stop, which Standard Webhooks keeps for itself");
  const content = encoder.encode(`${id}.${timestampSeconds}.${body}`);
  const signatures: string[] = [];
  for (const one of [secret].flat()) {
    const key = await keyOf(one);
    if (!key.ok) return key;
    const signature = await subtle.sign("HMAC", key.value, content);
    signatures.push(VERSION_PREFIX + btoa(String.fromCharCode(...new Uint8Array(signature))));
  }
  return ok(signatures.join(" "));
}

export type SignatureHeaders = Readonly<Record<"webhook-id" | "webhook-timestamp" | "webhook-signature", string>>;

/** The three `webhook-*` headers of a call. Errors as {@link sign}. */
export async function signedHeaders(call: Signable): Promise<Result<SignatureHeaders, string>> {
  const signature = await sign(call);
  if (!signature.ok) return signature;
  return ok({
    "webhook-id": call.id,
    "webhook-timestamp": `${call.timestampSeconds}`,
    "webhook-signature": signature.value,
  });
}

/** The facts of a genuine call. `id` is the same when a call is repeated. */
export type Verified = { readonly id: string; readonly timestampSeconds: number };

/**
 * Verifies for receivers that `body`, the request's text as it arrived, was signed with `secret` within `toleranceSeconds`
 * of now. One valid `v1` among the space-separated signatures is enough, so secrets can be replaced. `secret` may be
 * several. Errors say what is wrong.
 */
export async function verify(call: {
  readonly secret: Secrets;
  readonly headers: { get(name: string): string | null };
  readonly body: string;
  readonly nowSeconds: number;
  readonly toleranceSeconds?: number;
}): Promise<Result<Verified, string>> {
  const { secret, headers, body, nowSeconds, toleranceSeconds = TOLERANCE_SECONDS } = call;
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature");
  if (!id || !timestamp || !signatures) {
    return err("not signed: the headers webhook-id, webhook-timestamp and webhook-signature are all needed");
  }
  if (!/^\d{1,12}$/.test(timestamp)) return err("webhook-timestamp is not a number of seconds since 1970");
  const timestampSeconds = Number(timestamp);
  if (Math.abs(nowSeconds - timestampSeconds) > toleranceSeconds) {
    return err(`webhook-timestamp is more than ${toleranceSeconds} s off this clock`);
  }
  const content = encoder.encode(`${id}.${timestamp}.${body}`);
  const given = signatures.split(" ").flatMap((one) => signatureOf(one) ?? []);
  for (const one of [secret].flat()) {
    const key = await keyOf(one);
    if (!key.ok) return key;
    for (const signature of given) {
      if (await subtle.verify("HMAC", key.value, signature, content)) return ok({ id, timestampSeconds });
    }
  }
  return err("no signature in webhook-signature matches the body and the secret");
}

const signatureOf = (versioned: string): Uint8Array | undefined =>
  versioned.startsWith(VERSION_PREFIX) ? fromBase64(versioned.slice(VERSION_PREFIX.length)) : undefined;

async function keyOf(secret: string): Promise<Result<CryptoKey, string>> {
  const known = keys.get(secret);
  return known === undefined ? importKey(secret) : ok(known);
}

/** The imported keys. They are not promises, since in workerd no request may await a promise of another. */
const keys = new Map<string, CryptoKey>();

async function importKey(secret: string): Promise<Result<CryptoKey, string>> {
  const bytes = parseSecret(secret);
  if (!bytes.ok) return bytes;
  const key = await subtle.importKey("raw", bytes.value, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
  if (keys.size >= MAX_CACHED_KEYS) keys.clear();
  keys.set(secret, key);
  return ok(key);
}

/** The bytes of padded standard base64. Undefined for any other text, which `atob` alone would partly accept. */
function fromBase64(text: string): Uint8Array | undefined {
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text)) return undefined;
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}
