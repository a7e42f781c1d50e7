/**
 * The declaration of a command, once, with its options and examples. From this it is parsed, its help written, its
 * completion made.
 */
import type { Terminal } from "./terminal.ts";

export type Option = {
  readonly type: "string" | "boolean";
  readonly about: string;
  /** The name of the value in the help, `DURATION`. */
  readonly value?: string;
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** Other names that mean the same. */
  readonly aliases?: readonly string[];
  /** The meaning without a value, and the words after it that are one. */
  readonly alone?: { readonly value: string; readonly takes: RegExp };
};
export type Options = Readonly<Record<string, Option>>;

export type Positional = {
  /** In capitals, as the help shows it. */
  readonly name: string;
  readonly about: string;
  readonly optional?: boolean;
  /** Takes all that are left. */
  readonly many?: boolean;
};

/** The input of a command: the values of its options, and its positional arguments in order. */
export type Given = {
  text(option: string): string | undefined;
  texts(option: string): readonly string[];
  flag(option: string): boolean;
  readonly positionals: readonly string[];
};

/** The exit code of a command; nothing means 0. */
export type Ended = Promise<number | undefined>;

export type Command = {
  /** `jobs create`. */
  readonly name: string;
  /** One line, as a verb: "Create a job". */
  readonly summary: string;
  readonly about?: string;
  readonly positionals?: readonly Positional[];
  readonly options?: Options;
  /** At least one, each a whole line as it is typed. */
  readonly examples: readonly string[];
  run(given: Given, terminal: Terminal): Ended;
};

/** Wrong usage: the command was not understood, and nothing was done. Ends with 2. */
export class UsageError extends Error {}

/** A call was refused, or something failed. Ends with 1; the message is for stderr. */
export class Failure extends Error {
  readonly hint: string | undefined;
  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}
