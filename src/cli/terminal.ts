/** Where a command reads and writes: this process's own streams, or a test's. */
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
};

/** The terminal of this process. `NO_COLOR` with any value turns colours off, also on a terminal. */
export function processTerminal(): Terminal {
  const { env, stdin, stdout, stderr } = process;
  return {
    env,
    cwd: process.cwd(),
    isColored: stdout.isTTY === true && (env.NO_COLOR ?? "") === "" && env.TERM !== "dumb",
    width: stdout.isTTY === true ? stdout.columns : undefined,
    isInteractive: stdin.isTTY === true,
    print: (line) => void stdout.write(`${line}\n`),
    warn: (line) => void stderr.write(`${line}\n`),
    readAll: () => text(stdin),
  };
}
