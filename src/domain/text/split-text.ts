/** A long text in pieces, for services that limit a message's length. */

/**
 * Splits `text` into pieces of at most `maxChars` UTF-16 units. Joined, they give the text again. A piece ends after a line
 * break or else a blank in its second half, so lines and words stay together. No character is split.
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
