/** The words of a command line, in a form that Node's parser accepts without ambiguity. */
import type { Option, Options } from "./command.ts";

/**
 * Joins the words of a command line. A value that begins with a dash is joined to its option (`--message "- buy milk"`),
 * since Node's parser refuses it as ambiguous. An option without a value gets its own value, since the parser has no
 * options with an optional value.
 */
export function joined(words: readonly string[], options: Options): string[] {
  const out: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") return [...out, ...words.slice(index)];
    const [name, option] = optionOf(word, options) ?? [];
    const next = words[index + 1];
    if (option === undefined || option.type === "boolean") out.push(word);
    else if (option.alone !== undefined && !(next !== undefined && option.alone.takes.test(next))) {
      out.push(`--${name}=${option.alone.value}`);
    } else if (next !== undefined && /^-./.test(next) && !isOption(next, options)) {
      out.push(`--${name}=${next}`);
      index++;
    } else out.push(word);
  }
  return out;
}

/** The option that a word names without a value: `--name`, `-n`. Underscores are accepted like dashes. */
function optionOf(word: string, options: Options): readonly [string, Option] | undefined {
  const long = /^--([a-z][a-z_-]*)$/.exec(word)?.[1]?.replaceAll("_", "-");
  return Object.entries(options).find(
    ([name, { short, aliases = [] }]) =>
      name === long || (long !== undefined && aliases.includes(long)) || (short !== undefined && word === `-${short}`),
  );
}

const isOption = (word: string, options: Options): boolean =>
  word === "--" || optionOf(word.split("=")[0] ?? "", options) !== undefined;
