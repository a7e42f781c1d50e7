/** Reads the words of a command line: which command is meant, its options and its arguments. */
import { parseArgs } from "node:util";
import { type Command, type Given, type Options, UsageError } from "./command.ts";

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

/** The words of a command line that name a command or group, the options in front of them left out. */
export function commandWords(words: readonly string[]): readonly string[] {
  const named: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    if (word === "--") break;
    if (!word.startsWith("-")) named.push(word);
    // Only these can stand before the command and take a value.
    else if (word === "--url" || word === "--token") index++;
  }
  return named;
}

/** The command whose name the words begin with, the longest that fits. */
export function findCommand(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const given = commandWords(words);
  const fits = commands.filter(({ name }) => name.split(" ").every((part, index) => given[index] === part));
  return fits.toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** The values of `words` for `command`. Throws a {@link UsageError} with what is wrong with them. */
export function parse(command: Command, words: readonly string[]): Given {
  const options = { ...command.options, ...COMMON };
  const { known, names } = spelled(options);
  let parsed: ReturnType<typeof parseArgs>;
  try {
    const args = words.map((word) => (/^--[a-z]+_/.test(word) ? dashed(word) : word));
    parsed = parseArgs({ args, options: known, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(sentence(error));
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

/** The options as `parseArgs` takes them, with their other names. */
function spelled(options: Options) {
  const names = new Map<string, string>();
  const known: Record<string, { type: "string" | "boolean"; multiple: boolean; short?: string }> = {};
  for (const [name, { type, short, aliases = [] }] of Object.entries(options)) {
    known[name] = { type, multiple: true, ...(short === undefined ? {} : { short }) };
    for (const alias of aliases) {
      known[alias] = { type, multiple: true };
      names.set(alias, name);
    }
  }
  return { known, names };
}

/** `--agent_id=x` as `--agent-id=x`: fields have underscores, options have dashes, and either may be typed. */
const dashed = (word: string): string => word.replace(/^--[a-z_]+/, (name) => name.replaceAll("_", "-"));

function positionalsOf({ positionals = [] }: Command, given: readonly string[]): readonly string[] {
  const missing = positionals.filter(({ optional }, index) => optional !== true && given[index] === undefined);
  const [first] = missing;
  if (first !== undefined) throw new UsageError(`${first.name} is missing: ${first.about}`);
  const isOpen = positionals.at(-1)?.many === true;
  const extra = isOpen ? undefined : given[positionals.length];
  if (extra !== undefined) throw new UsageError(`"${extra}" is one argument too many`);
  return given;
}

/** What Node says of a wrong option, without its advice on dashes. */
function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split(". To specify")[0] ?? message;
}
