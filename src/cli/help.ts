/** The help of `reveille` and of each command, written from their declarations. */
import type { Command, Options } from "./command.ts";
import { COMMON } from "./parse.ts";

const GLOBAL_NOTE =
  "Options that every command takes: --url URL, --token TOKEN, --json, --help. Read `reveille COMMAND --help` for the rest.";

/** The help of one command. */
export function commandHelp(command: Command): string {
  const { name, summary, about, positionals = [], options = {}, examples } = command;
  const shown = positionals.map(({ name: word, optional, many }) => {
    const dots = many === true ? `${word}...` : word;
    return optional === true ? `[${dots}]` : dots;
  });
  const usage = ["reveille", name, ...shown, ...(Object.keys(options).length > 0 ? ["[options]"] : [])].join(" ");
  const parts = [
    `${summary}.${about === undefined ? "" : `\n${about}`}`,
    `Usage: ${usage}`,
    section(
      "Arguments",
      positionals.map((positional) => [positional.name, positional.about]),
    ),
    section("Options", optionRows(options)),
    section("Common options", optionRows(COMMON)),
    ["Examples:", ...examples.map((example) => `  ${example}`)].join("\n"),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

/** The help of all commands, or of those of a group (`jobs`). */
export function groupHelp(commands: readonly Command[], group: string | undefined, intro: string): string {
  const inside = group === undefined ? commands : commands.filter(({ name }) => name.startsWith(`${group} `));
  const usage = `Usage: reveille ${group === undefined ? "COMMAND" : `${group} COMMAND`} [options]`;
  const examples = inside.flatMap(({ examples: [first] }) => (first === undefined ? [] : [`  ${first}`]));
  const parts = [
    intro,
    usage,
    section(
      "Commands",
      inside.map(({ name, summary }) => [name, summary]),
    ),
    ["Examples:", ...examples.slice(0, 6)].join("\n"),
    GLOBAL_NOTE,
  ];
  return parts.join("\n\n");
}

function optionRows(options: Options): (readonly [string, string])[] {
  return Object.entries(options).map(([name, { value = "TEXT", short, about, multiple, type, alone }]) => {
    const shown = type === "boolean" ? "" : alone === undefined ? ` ${value}` : ` [${value}]`;
    const named = `${short === undefined ? "" : `-${short}, `}--${name}${shown}`;
    return [named, multiple === true ? `${about} (may be repeated)` : about];
  });
}

function section(title: string, rows: readonly (readonly [string, string])[]): string {
  if (rows.length === 0) return "";
  const width = Math.max(...rows.map(([left]) => left.length));
  return [`${title}:`, ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`)].join("\n");
}
