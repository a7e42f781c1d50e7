/**
 * SHA-256 (FIPS 180-4), synchronous. WebCrypto has only an asynchronous one, and ids are worked out inside storage
 * transactions, which must not await. A weaker hash will not do: two users with one hash would share a run, and a
 * user may choose their own id. Secrets never pass through here; signatures are WebCrypto's.
 */

const ROUND_CONSTANTS = new Int32Array([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);

const INITIAL_STATE = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

const BLOCK_BYTES = 64;
const encoder = new TextEncoder();
/** Worked in anew by each call, which runs to its end before the next one can begin. */
const SCHEDULE = new Int32Array(64);

/** The 32-byte SHA-256 digest of `text` in UTF-8. */
export function sha256(text: string): Uint8Array {
  const padded = pad(encoder.encode(text));
  const hash = Int32Array.from(INITIAL_STATE);
  for (let offset = 0; offset < padded.byteLength; offset += BLOCK_BYTES) {
    expandBlock(padded, offset);
    compress(hash);
  }
  const digest = new DataView(new ArrayBuffer(32));
  for (let i = 0; i < 8; i++) digest.setInt32(i * 4, hash[i] ?? 0);
  return new Uint8Array(digest.buffer);
}

/** Takes the block in {@link SCHEDULE} into the hash (FIPS 180-4 §6.2.2). */
function compress(hash: Int32Array): void {
  let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = hash;
  for (let i = 0; i < 64; i++) {
    const t1 =
      (h +
        (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
        ((e & f) ^ (~e & g)) +
        (ROUND_CONSTANTS[i] ?? 0) +
        (SCHEDULE[i] ?? 0)) |
      0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  // An Int32Array keeps the sums to 32 bits.
  for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) hash[i] = (hash[i] ?? 0) + word;
}

/** The message, a 1 bit, zeros, and the length in bits as 64 bits: a whole number of blocks. */
function pad(message: Uint8Array): DataView {
  const blocks = Math.ceil((message.byteLength + 9) / BLOCK_BYTES);
  const padded = new Uint8Array(blocks * BLOCK_BYTES);
  padded.set(message);
  padded[message.byteLength] = 0x80;
  const view = new DataView(padded.buffer);
  const bits = message.byteLength * 8;
  view.setUint32(padded.byteLength - 8, Math.floor(bits / 2 ** 32));
  view.setUint32(padded.byteLength - 4, bits);
  return view;
}

function expandBlock(padded: DataView, offset: number): void {
  for (let i = 0; i < 16; i++) SCHEDULE[i] = padded.getInt32(offset + i * 4);
  for (let i = 16; i < 64; i++) {
    const w15 = SCHEDULE[i - 15] ?? 0;
    const w2 = SCHEDULE[i - 2] ?? 0;
    const s0 = rotate(w15, 7) ^ rotate(w15, 18) ^ (w15 >>> 3);
    const s1 = rotate(w2, 17) ^ rotate(w2, 19) ^ (w2 >>> 10);
    SCHEDULE[i] = (SCHEDULE[i - 16] ?? 0) + s0 + (SCHEDULE[i - 7] ?? 0) + s1;
  }
}

const rotate = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
