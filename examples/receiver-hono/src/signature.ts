/** Standard Webhooks 1.0, for receivers: HMAC-SHA256 over `id.timestamp.body`, keyed with the bytes behind `whsec_`. */
const TOLERANCE_SECONDS = 300;
const MIN_KEY_BYTES = 24;

/**
 * What is wrong with the signature, or undefined. `body` is the request's text exactly as it arrived; one of `secrets` must have signed
 * it. Throws if a secret is none: an empty key would let everybody sign.
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
  if (!id || !timestamp || !signatures) return "the webhook-* headers are missing";
  // Written so that a timestamp which is no number fails as well.
  if (!(Math.abs(nowSeconds - Number(timestamp)) <= TOLERANCE_SECONDS)) return "the timestamp is too far off";

  const keys = await Promise.all(secrets.map(importKey));
  const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
  // Several signatures, separated by spaces, let a secret be changed without a pause; `verify` takes constant time.
  for (const signature of signatures.split(" ")) {
    const [version, base64 = ""] = signature.split(",");
    if (version !== "v1") continue;
    for (const key of keys) {
      if (await crypto.subtle.verify("HMAC", key, decode(base64), signed)) return undefined;
    }
  }
  return "no signature fits";
}

async function importKey(secret: string): Promise<CryptoKey> {
  const bytes = decode(secret.startsWith("whsec_") ? secret.slice("whsec_".length) : "");
  if (bytes.byteLength < MIN_KEY_BYTES) {
    throw new Error('Set AGENT_SECRET to "whsec_" and the secret in base64, of 24 bytes or more.');
  }
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
}

/** Bytes of base64; none for what is not base64, and no key or signature is empty. */
function decode(base64: string): Uint8Array {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return new Uint8Array();
  }
}
