/** The known name that a wrong name was meant to be. It differs in spelling, by a typing error, or by a word. */

/** The words of a name: `sessionMode`, `session-mode` and `Session Mode` have the same two. */
export const wordsOf = (name: string): readonly string[] =>
  name
    .slice(0, MAX_NAME_CHARS)
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .split(/[^\p{L}\p{N}]+/u)
    .filter((word) => word !== "");

const MAX_NAME_CHARS = 100;

/** The name without the differences between spellings. */
export const spelling = (name: string): string => wordsOf(name).join("");

const knownSpellings = new Map<string, string>();
const MAX_KNOWN_SPELLINGS = 2_000;

/**
 * The same as {@link spelling} for a name of a schema. It is cached, since every wrong name is compared with the few of
 * them.
 */
function spellingOfKnown(name: string): string {
  const present = knownSpellings.get(name);
  if (present !== undefined) return present;
  const made = spelling(name);
  if (knownSpellings.size < MAX_KNOWN_SPELLINGS) knownSpellings.set(name, made);
  return made;
}

/** The known names that equal this one in another spelling. */
export const sameName = (given: string, known: readonly string[]): readonly string[] => {
  const wanted = spelling(given);
  return wanted === "" ? [] : known.filter((name) => spellingOfKnown(name) === wanted);
};

/** The known names that resemble this one most, by typing errors or else by shared words. */
export function nearNames(given: string, known: readonly string[], mostSlips = 3): readonly string[] {
  const wanted = spelling(given);
  if (wanted === "") return [];
  const byDistance = known.map((name) => ({ name, slips: slipsWithin(wanted, spellingOfKnown(name), mostSlips) }));
  const least = Math.min(...byDistance.map(({ slips }) => slips));
  if (least <= Math.min(mostSlips, allowedSlips(wanted.length))) {
    return byDistance
      .filter(({ name, slips }) => slips === least && slips < spellingOfKnown(name).length)
      .map(({ name }) => name);
  }
  const words = wordsOf(given);
  return known.filter((name) => {
    const others = wordsOf(name);
    const shared = words.filter((word) => others.includes(word));
    return (
      shared.some((word) => word.length > 2 && !SAID_OF_ALL.has(word)) &&
      shared.length === Math.min(words.length, others.length)
    );
  });
}

/** Words that say nothing of what a name is about. */
const SAID_OF_ALL: ReadonlySet<string> = new Set(["min", "max", "the", "per", "day", "and", "for", "all"]);

/**
 * The number of typing errors allowed for a length. Short names resemble each other, so names of two letters allow none.
 */
const allowedSlips = (length: number): number => (length <= 2 ? 0 : length <= 4 ? 1 : length <= 8 ? 2 : 3);

/** The same as {@link slipsBetween}. The result is above `most` if the lengths alone decide that. */
const slipsWithin = (a: string, b: string, most: number): number =>
  Math.abs(a.length - b.length) > most ? most + 1 : slipsBetween(a, b);

/** The letters to add, drop, replace or swap to turn one text into the other (restricted Damerau-Levenshtein distance). */
export function slipsBetween(a: string, b: string): number {
  let twoBack: number[] = [];
  let back = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const isSame = a[i - 1] === b[j - 1];
      let least = Math.min((back[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1, (back[j - 1] ?? 0) + (isSame ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        least = Math.min(least, (twoBack[j - 2] ?? 0) + 1);
      }
      row.push(least);
    }
    twoBack = back;
    back = row;
  }
  return back[b.length] ?? 0;
}
