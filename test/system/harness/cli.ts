/** The command `reveille` as its own process, with an environment and a home of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join, resolve } from "node:path";
import { text } from "node:stream/consumers";
import { COMMANDS } from "../../../src/cli/commands/all.ts";
import { run } from "../../../src/cli/run.ts";
import { atEnd } from "./cleanup.ts";

const ROOT = resolve(import.meta.dirname, "../../..");
const COMMAND = join(ROOT, "bin/reveille.mjs");

export type Ran = { readonly code: number | null; readonly out: string; readonly err: string };

export type CliOptions = {
  readonly env?: Readonly<Record<string, string>>;
  /** The folder that the command runs in, and by default its home too. */
  readonly cwd: string;
  readonly stdin?: string;
  /** Options of Node itself. */
  readonly node?: readonly string[];
};

/** Starts the command. The caller waits for its output, or ends it. */
export function startCli(words: readonly string[], { env = {}, cwd, stdin, node = [] }: CliOptions) {
  const child = spawn(process.execPath, [...node, COMMAND, ...words], {
    cwd,
    stdio: "pipe",
    env: { PATH: process.env.PATH, HOME: cwd, ...env },
  });
  atEnd(() => {
    if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  });
  child.stdin.end(stdin ?? "");
  return child;
}

/** Works like {@link runCli}, in the process of the test and in a tenth of the time. It is not for streams, signals and the program itself. */
export async function runHere(words: readonly string[], { env = {}, cwd, stdin = "" }: CliOptions): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await run(
    COMMANDS,
    words,
    {
      env: { HOME: cwd, ...env },
      cwd,
      isColored: false,
      width: undefined,
      isInteractive: false,
      print: (line) => void out.push(`${line}\n`),
      warn: (line) => void err.push(`${line}\n`),
      readAll: async () => stdin,
      readHidden: async () => stdin,
    },
    "0.0.0",
  );
  return { code, out: out.join(""), err: err.join("") };
}

/** Runs the command to its end. */
export async function runCli(words: readonly string[], options: CliOptions): Promise<Ran> {
  const child = startCli(words, options);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { code: child.exitCode, out, err };
}
