/** Where a command reads and writes: this process's own streams, or a test's. */
import { createInterface } from "node:readline/promises";
import { Writable } from "node:stream";
import { text } from "node:stream/consumers";

export type Terminal = {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  /** Whether people read stdout, and colours mean something there. */
  readonly isColored: boolean;
  /** Columns of a terminal; undefined where stdout is a pipe, which is never cut. */
  readonly width: number | undefined;
  /** Whether stdin is a terminal, so that nothing can be read from it but by asking. */
  readonly isInteractive: boolean;
  /** A line on stdout. */
  print(line: string): void;
  /** A line on stderr. */
  warn(line: string): void;
  /** The whole of stdin. */
  readAll(): Promise<string>;
  /** A line that the person at the terminal types, which is not shown; empty where they end the input. */
  readHidden(question: string): Promise<string>;
};

/** The terminal of this process. `NO_COLOR` with any value turns colours off, also on a terminal. */
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

/** A control character other than a new line and a tab, with what makes it a colour. */
const CONTROL = /[^\P{Cc}\n\t](?:\[\d*m)?/gu;
const ESCAPE = "\u001b[";

/**
 * Text of agents and of other people is shown as it is, and cannot steer the terminal. A control character becomes a
 * sign for it.
 */
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
