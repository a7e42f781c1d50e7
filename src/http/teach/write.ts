/** The spelling of values in the texts about wrong calls. */

const MAX_SHOWN_CHARS = 120;

/** JSON with a space after each colon and comma, as people write it. */
export function json(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(json).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  const entries = Object.entries(value).map(([name, inner]) => `${JSON.stringify(name)}: ${json(inner)}`);
  return `{${entries.join(", ")}}`;
}

/** The same as {@link json}, with an ellipsis for a long value, which the reader knows. */
export const shown = (value: unknown): string => {
  const text = json(value);
  return text.length > MAX_SHOWN_CHARS ? "…" : text;
};

/** The value under this path of names, as an object: `{"schedule": {"every": "1h"}}`. */
export function nested(path: readonly string[], value: string): string {
  return path.reduceRight((inner, name) => `{${JSON.stringify(name)}: ${inner}}`, value);
}

/** Words joined as in a sentence: `a, b or c`. */
export function either(words: readonly string[]): string {
  const last = words.at(-1) ?? "";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} or ${last}`;
}
