/**
 * SHA-256, synchronous. WebCrypto has only an asynchronous one, and ids are worked out inside storage transactions, which must not await.
 * A weaker hash will not do: two users with one hash would share a run, and a user may choose their own id. Secrets never pass
 * through here; signatures are WebCrypto's.
 */
import { sha256 as hash } from "@noble/hashes/sha2.js";

const encoder = new TextEncoder();

/** The 32-byte SHA-256 digest of `text` in UTF-8. */
export const sha256 = (text: string): Uint8Array => hash(encoder.encode(text));
