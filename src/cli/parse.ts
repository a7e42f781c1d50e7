/** Reads the words of a command line: the command, its options and its arguments. */

import { parseArgs } from "node:util";
import { compact } from "../domain/compact.ts";
import { messageOf } from "../domain/text/error-text.ts";
import { nearNames } from "../http/teach/near.ts";
import { type Command, type Given, type Options, UsageError } from "./command.ts";
import { USUAL_OPTIONS } from "./usual-names.ts";
import { joined } from "./words.ts";

/** Options that every command takes. */
export const COMMON: Options = {
  url: {
    type: "string",
    value: "URL",
    about: "The deployment; else REVEILLE_URL, the stored login, or the service of this folder",
  },
  token: {
    type: "string",
    value: "TOKEN",
    about: "The token to call with; else REVEILLE_TOKEN, the stored login, or the folder's",
  },
  json: { type: "boolean", about: "Print what the API answered, for programs" },
  help: { type: "boolean", short: "h", about: "Show this help" },
};

/** The words of a command line that name a command or group, without the options in front of them. */
export function commandWords(words: readonly string[]): readonly string[] {
  const named: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") break;
    if (!word.startsWith("-")) named.push(word);
    // Only these options can stand before the command and take a value.
    else if (word === "--url" || word === "--token") index++;
  }
  return named;
}

/** The command that the words begin with. If several fit, the longest. */
export function findCommand(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const given = commandWords(words);
  const fits = commands.filter(({ name }) => name.split(" ").every((part, index) => given[index] === part));
  return fits.toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** The values of `words` for `command`. Throws a {@link UsageError} with the fault. */
export function parse(command: Command, words: readonly string[]): Given {
  const options = { ...command.options, ...COMMON };
  const { known, names } = spelled(options);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const args = joined(words, options).map((word) => (/^--[a-z]+_/.test(word) ? dashed(word) : word));
    parsed = parseArgs({ args, options: known, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(sentence(error, Object.keys(known), options));
  }
  const values = new Map<string, (string | boolean)[]>();
  for (const [name, value] of Object.entries(parsed.values)) {
    const option = names.get(name) ?? name;
    const list = (Array.isArray(value) ? value : [value]).filter((one) => one !== undefined);
    values.set(option, [...(values.get(option) ?? []), ...list]);
  }
  for (const [name, { multiple }] of Object.entries(options)) {
    if (multiple !== true && (values.get(name)?.length ?? 0) > 1) throw new UsageError(`--${name} is given twice`);
  }
  const texts = (option: string): string[] => (values.get(option) ?? []).filter((value) => typeof value === "string");
  return {
    texts,
    text: (option) => texts(option)[0],
    flag: (option) => values.get(option)?.includes(true) ?? false,
    positionals: positionalsOf(command, parsed.positionals.slice(command.name.split(" ").length)),
  };
}

/** The options in the form of `parseArgs`, including their other names. */
function spelled(options: Options) {
  const names = new Map<string, string>();
  const known: Record<string, { type: "string" | "boolean"; multiple: boolean; short?: string }> = {};
  for (const [name, { type, short, aliases = [] }] of Object.entries(options)) {
    known[name] = { type, multiple: true, ...compact({ short }) };
    for (const alias of aliases) {
      known[alias] = { type, multiple: true };
      names.set(alias, name);
    }
  }
  return { known, names };
}

/**
 * The option with dashes: `--agent_id=x` becomes `--agent-id=x`. Fields have underscores and options have dashes, so both
 * are accepted.
 */
const dashed = (word: string): string => word.replace(/^--[a-z_]+/, (name) => name.replaceAll("_", "-"));

function positionalsOf({ positionals = [] }: Command, given: readonly string[]): readonly string[] {
  const missing = positionals.filter(({ optional }, index) => optional !== true && !given[index]);
  const [first] = missing;
  if (first !== undefined) throw new UsageError(`${first.name} is missing: ${first.about}`);
  const isOpen = positionals.at(-1)?.many === true;
  const extra = isOpen ? undefined : given[positionals.length];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one argument too many`);
  return given;
}

/** The fault of an option, with the option that may be meant. `known` are all names. */
function sentence(error: unknown, known: readonly string[], options: Options): string {
  const message = messageOf(error);
  const [, unknown] = /^Unknown option '(-[^']*)'/.exec(message) ?? [];
  if (unknown !== undefined) {
    const meant = meantBy(unknown.replace(/^-+/, ""), known);
    return `there is no option ${unknown}${meant === undefined ? "" : `; did you mean --${meant}?`}`;
  }
  const [, named] = /^Option '(?:-\w, )?--([\w-]+)/.exec(message) ?? [];
  if (named === undefined) return message.split(". To specify")[0] ?? message;
  const option = options[named] ?? Object.values(options).find(({ aliases = [] }) => aliases.includes(named));
  if (option?.type === "boolean") return `--${named} takes no value`;
  return `--${named} needs a value: --${named} ${option?.value ?? "TEXT"}`;
}

/** The option that has this usual name, or else the one that begins with it, or the most similar one. */
function meantBy(given: string, known: readonly string[]): string | undefined {
  const usual = USUAL_OPTIONS.get(given)?.find((option) => known.includes(option.split(" ")[0] ?? ""));
  if (usual !== undefined) return usual;
  const begun = known.filter((name) => given.length > 1 && name.startsWith(given));
  return begun.length === 1 ? begun[0] : nearNames(given, known)[0];
}
