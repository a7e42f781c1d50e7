/**
 * Bytes as text that can be read aloud and survives URLs and case-folding. The alphabet is Crockford's base 32 in lower
 * case, without i, l, o and u.
 */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** The alphabet as the inside of a regular expression's character class. */
export const BASE32_CLASS = "0-9a-hjkmnp-tv-z";

/** The first `length` characters (5 bits each) of `bytes`. There are fewer if the bytes end sooner. */
export function base32(bytes: Uint8Array, length: number): string {
  let text = "";
  let pending = 0;
  let pendingBits = 0;
  for (const byte of bytes) {
    pending = ((pending << 8) | byte) & 0xfff;
    pendingBits += 8;
    while (pendingBits >= 5) {
      if (text.length === length) return text;
      pendingBits -= 5;
      text += ALPHABET.charAt((pending >> pendingBits) & 31);
    }
  }
  return text;
}

/**
 * The number that `text` of this alphabet encodes, 5 bits a character. The text has at most 10 characters, so the number is
 * exact.
 */
export function base32Value(text: string): number {
  let value = 0;
  for (const character of text) value = value * 32 + Math.max(0, ALPHABET.indexOf(character));
  return value;
}
