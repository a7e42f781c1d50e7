/** The streams that a command reads and writes: this process's own, or a test's. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether people read stdout and it shows colours. */
  readonly isColored: boolean;
  /** The columns of the terminal. Undefined if stdout is a pipe, which is never cut. */
  readonly width: number | undefined;
  /** Whether stdin is a terminal, which can be read only by asking. */
  readonly isInteractive: boolean;
  /** Prints a line on stdout. */
  print(line: string): void;
  /** Prints a line on stderr. */
  warn(line: string): void;
  /** Reads the whole of stdin. */
  readAll(): Promise<string>;
  /** Reads a line that the user types without showing it. Empty if they end the input. */
  readHidden(question: string): Promise<string>;
};

/** The terminal of this process. Any value of `NO_COLOR` turns colours off, even on a terminal. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  const write = (stream: NodeJS.WriteStream, line: string): void =>
    void stream.write(`${stream.isTTY === true ? withoutControls(line) : line}\n`);
  return {
    env,
    cwd: process.cwd(),
    isColored: stdout.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb",
    width: stdout.isTTY === true ? stdout.columns : undefined,
    isInteractive: stdin.isTTY === true,
    print: (line) => write(stdout, line),
    warn: (line) => write(stderr, line),
    readAll: () => text(stdin),
    readHidden,
  };
}

/** A control character other than newline and tab, with the rest of a colour code. */
const CONTROL = /[^\P{Cc}\n\t](?:\[\d*m)?/gu;
const ESCAPE = "\u001b[";

/** Text of agents and other people that cannot control the terminal. A control character becomes a visible sign. */
export const withoutControls = (text: string): string =>
  text.replace(CONTROL, (found) => (found.startsWith(ESCAPE) ? found : `\ufffd${found.slice(1)}`));

async function readHidden(question: string): Promise<string> {
  process.stderr.write(question);
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  try {
    return await new Promise((resolve) => {
      lines.once("line", resolve);
      lines.once("close", () => resolve(""));
      lines.once("SIGINT", () => process.exit(130));
    });
  } finally {
    lines.close();
    process.stderr.write("\n");
  }
}
