/**
 * SHA-256, synchronous. WebCrypto's is asynchronous, but ids are computed inside storage transactions, which must not
 * await. A weaker hash will not do: two users with one hash would share a run, and a user may choose their own id. Secrets
 * are not hashed here; WebCrypto makes signatures.
 */
import { sha256 as hash } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();

/** The 32-byte SHA-256 digest of `text` in UTF-8. */
export const sha256 = (text: string): Uint8Array => hash(encoder.encode(text));
