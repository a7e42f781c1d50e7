/** A long text in pieces, for services that limit a message's length. */

/**
 * `text` in pieces of at most `maxChars` UTF-16 units, whole when joined. Cut after a line break or else a blank in the second
 * half of a piece, so that lines and words stay together; never within a character.
 */
export function chunkText(text: string, maxChars: number): string[] {
  const pieces: string[] = [];
  let rest = text;
  while (rest.length > maxChars) {
    const end = cutAt(rest, maxChars);
    pieces.push(rest.slice(0, end));
    rest = rest.slice(end);
  }
  return rest === "" ? pieces : [...pieces, rest];
}

function cutAt(text: string, maxChars: number): number {
  for (const separator of ["\n", " "]) {
    const end = text.lastIndexOf(separator, maxChars - 1) + 1;
    if (end > maxChars / 2) return end;
  }
  const last = text.charCodeAt(maxChars - 1);
  const splitsPair = last >= 0xd800 && last <= 0xdbff && maxChars > 1;
  return splitsPair ? maxChars - 1 : maxChars;
}
