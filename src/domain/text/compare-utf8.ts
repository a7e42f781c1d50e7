/** The order of SQLite's BINARY collation, for merging lists that several shards return in that order. */

/**
 * Negative if `a` comes first, positive if `b` does. UTF-8 sorts by code point. JavaScript's `<` sorts by UTF-16 unit,
 * which puts an emoji before U+FF01 and would leave gaps in a merged list.
 */
export function compareUtf8(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

/** Surrogates stand for code points above every other UTF-16 unit. */
const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);
