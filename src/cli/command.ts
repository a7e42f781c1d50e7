/** The declaration of a command, with its options and examples. Parsing, help and completion come from it. */
import type { Terminal } from "./terminal.ts";

export type Option = {
  readonly type: "string" | "boolean";
  readonly about: string;
  /** The name of the value in the help, `DURATION`. */
  readonly value?: string;
  readonly short?: string;
  /** The option may be given more than once. */
  readonly multiple?: boolean;
  /** Other names of the option. */
  readonly aliases?: readonly string[];
  /** The value if none is given, and the pattern of words that count as a value. */
  readonly alone?: { readonly value: string; readonly takes: RegExp };
};
export type Options = Readonly<Record<string, Option>>;

export type Positional = {
  /** The name in capitals, as the help shows it. */
  readonly name: string;
  readonly about: string;
  readonly optional?: boolean;
  /** Takes all remaining words. */
  readonly many?: boolean;
};

/** The input of a command: the values of its options, and its positional arguments in order. */
export type Given = {
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  readonly positionals: readonly string[];
};

/** The exit code of a command. Undefined means 0. */
export type Ended = Promise<number | undefined>;

export type Command = {
  /** The full name: `jobs create`. */
  readonly name: string;
  /** One line that begins with a verb: "Create a job". */
  readonly summary: string;
  readonly about?: string;
  readonly positionals?: readonly Positional[];
  readonly options?: Options;
  /** At least one example, each a whole command line. */
  readonly examples: readonly string[];
  run(given: Given, terminal: Terminal): Ended;
};

/** Wrong usage. The command was not understood and did nothing. It ends with 2. */
export class UsageError extends Error {}

/** A call was refused, or something failed. It ends with 1, and the message goes to stderr. */
export class Failure extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
