/** Runs a command line and returns the exit code (docs/contract.md §21): 0 done, 1 refused or failed, 2 wrong usage. */
import { nearNames } from "../http/teach/near.ts";
import { type Command, Failure, UsageError } from "./command.ts";
import { commandHelp, groupHelp } from "./help.ts";
import { commandWords, findCommand, parse } from "./parse.ts";
import type { Terminal } from "./terminal.ts";
import { USUAL_COMMANDS } from "./usual-names.ts";

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

const INTRO = "Reveille wakes your AI agents: once, at an interval, or by calendar.";

/** The exit code of `words` (without node and the script's path) among `commands`. */
export async function run(
  commands: readonly Command[],
  words: readonly string[],
  terminal: Terminal,
  version: string,
): Promise<number> {
  const options = words.slice(0, words.includes("--") ? words.indexOf("--") : undefined);
  const wantsHelp = options.includes("--help") || options.includes("-h") || words[0] === "help";
  const asked = words[0] === "help" ? words.slice(1) : words;
  const command = findCommand(commands, asked) ?? (wantsHelp ? undefined : listOf(commands, asked));
  if (command !== undefined) {
    if (!wantsHelp) return runCommand(command, words, terminal);
    terminal.print(commandHelp(command));
    return DONE;
  }
  if (options.includes("--version") || options.includes("-V")) {
    terminal.print(version);
    return DONE;
  }
  const [group, wrong] = commandWords(asked);
  const isGroup = commands.some(({ name }) => name.startsWith(`${group} `));
  if (group !== undefined && !isGroup)
    return misused(terminal, `"${group}" is no command${meant(commands, group, wrong)}`, "reveille --help");
  if (wrong !== undefined) {
    return misused(
      terminal,
      `"${group} ${wrong}" is no command${meant(commands, group ?? "", wrong)}`,
      `reveille ${group} --help`,
    );
  }
  const help = groupHelp(commands, group, INTRO);
  if (wantsHelp) terminal.print(help);
  else terminal.warn(help);
  return wantsHelp ? DONE : WRONG_USAGE;
}

/** The list command of a group that is named alone: `reveille agents`. */
function listOf(commands: readonly Command[], words: readonly string[]): Command | undefined {
  const [group, ...rest] = commandWords(words);
  return group === undefined || rest.length > 0 ? undefined : commands.find(({ name }) => name === `${group} list`);
}

async function runCommand(command: Command, words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return (await command.run(parse(command, words), terminal)) ?? DONE;
  } catch (error) {
    if (error instanceof UsageError) return misused(terminal, error.message, `reveille ${command.name} --help`);
    // An error of the machine (a full disk, a missing folder) is not a bug of ours.
    if (!(error instanceof Failure) && !isOfTheMachine(error)) throw error;
    terminal.warn(error.message);
    if (error instanceof Failure && error.hint !== undefined) terminal.warn(error.hint);
    return FAILED;
  }
}

const isOfTheMachine = (error: unknown): error is NodeJS.ErrnoException => error instanceof Error && "syscall" in error;

function misused(terminal: Terminal, what: string, help: string): number {
  terminal.warn(`${what.replace(/\.$/, "")}${what.endsWith("?") ? "" : "."}\nRun \`${help}\` for what there is.`);
  return WRONG_USAGE;
}

const SUGGESTED = 3;

/**
 * The commands that the first two words may mean. They are similar ones, or else those that contain a word like the last
 * one.
 */
function meant(commands: readonly Command[], first: string, second: string | undefined): string {
  const names = commands.map(({ name }) => name);
  const usual = USUAL_COMMANDS.get(second ?? "")
    ?.map((last) => `${first} ${last}`)
    .filter((name) => names.includes(name));
  const whole = second === undefined ? [] : nearNames(`${first} ${second}`, names);
  const close = [second ?? first, first].map((last) =>
    names.filter((name) => name.split(" ").some((part) => isLike(last, part))),
  );
  const found = [usual ?? [], whole, ...close].find((some) => some.length > 0) ?? [];
  const shown = found.slice(0, SUGGESTED).map((name) => `\`reveille ${name}\``);
  return shown.length === 0 ? "" : `; did you mean ${shown.join(" or ")}?`;
}

const isLike = (given: string, part: string): boolean =>
  (given.length > 2 && part.startsWith(given.slice(0, 3))) || nearNames(given, [part]).length > 0;
