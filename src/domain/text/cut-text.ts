/**
 * Cuts text to a size in bytes of UTF-8 without splitting a character (docs/contract.md §2). `schema/text.ts` measures it.
 */
const encoder = new TextEncoder();

/** A text, and whether it was cut. */
export type CutText = { readonly text: string; readonly truncated: boolean };

/** The longest beginning of `text` that ends between two characters and takes at most `maxBytes` bytes of UTF-8. */
export function cutUtf8(text: string, maxBytes: number): CutText {
  if (text.length * 3 <= maxBytes) return { text, truncated: false };
  // encodeInto stops before the first character that no longer fits.
  const { read } = encoder.encodeInto(text, new Uint8Array(maxBytes));
  return read === text.length ? { text, truncated: false } : { text: text.slice(0, read), truncated: true };
}
