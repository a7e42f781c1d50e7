/** Verifies Standard Webhooks 1.0 signatures with WebCrypto, which compares in constant time. */

const TOLERANCE_SECONDS = 300;
const encoder = new TextEncoder();

/** The imported keys. They are values and not promises, since a runtime may not let one request await another's. */
const keys = new Map<string, CryptoKey>();

/** The bytes of a secret `whsec_…`. Throws with the fault if it is malformed. */
function bytesOf(secret: string): Uint8Array<ArrayBuffer> {
  const base64 = secret.startsWith("whsec_") ? secret.slice("whsec_".length) : undefined;
  if (base64 === undefined || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64) || base64.length % 4 !== 0) {
    throw new TypeError(
      'the secret must be "whsec_" and base64; make one with: echo "whsec_$(openssl rand -base64 32)"',
    );
  }
  return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
}

/** The secrets, checked. Throws if there is none, or one is malformed. */
export function checkedSecrets(secret: string | readonly string[]): readonly string[] {
  const secrets = typeof secret === "string" ? [secret] : [...secret];
  if (secrets.length === 0) throw new TypeError("at least one secret is needed");
  for (const one of secrets) bytesOf(one);
  return secrets;
}

/**
 * The fault of a call's signature. Undefined if one of `secrets` made it within five minutes of `nowSeconds`. `body` is the
 * text exactly as it arrived.
 */
export async function signatureProblem(
  secrets: readonly string[],
  headers: Headers,
  body: string,
  nowSeconds: number,
): Promise<string | undefined> {
  const id = headers.get("webhook-id");
  const timestamp = headers.get("webhook-timestamp");
  const signatures = headers.get("webhook-signature");
  if (!id || !timestamp || !signatures) {
    return "not signed: the headers webhook-id, webhook-timestamp and webhook-signature are all needed";
  }
  if (!/^\d{1,12}$/.test(timestamp)) return "webhook-timestamp is not a number of seconds since 1970";
  if (Math.abs(nowSeconds - Number(timestamp)) > TOLERANCE_SECONDS) {
    return `webhook-timestamp is more than ${TOLERANCE_SECONDS} s off this clock`;
  }
  const content = encoder.encode(`${id}.${timestamp}.${body}`);
  const given = signatures.split(" ").flatMap((signature) => decoded(signature) ?? []);
  for (const secret of secrets) {
    const key = await keyOf(secret);
    for (const signature of given) if (await crypto.subtle.verify("HMAC", key, signature, content)) return undefined;
  }
  return "no signature in webhook-signature matches the body and the secret";
}

/** The bytes of `v1,BASE64`. Undefined for another version or invalid base64. */
function decoded(signature: string): Uint8Array<ArrayBuffer> | undefined {
  if (!signature.startsWith("v1,")) return undefined;
  try {
    return Uint8Array.from(atob(signature.slice("v1,".length)), (character) => character.charCodeAt(0));
  } catch {
    // Invalid base64 is a signature that matches nothing.
    return undefined;
  }
}

async function keyOf(secret: string): Promise<CryptoKey> {
  const known = keys.get(secret);
  if (known !== undefined) return known;
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const key = await crypto.subtle.importKey("raw", bytesOf(secret), algorithm, false, ["verify"]);
  keys.set(secret, key);
  return key;
}
