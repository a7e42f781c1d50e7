/** Lists page by page: the option, the query, and the word that there is more. */
import type { Given } from "./command.ts";
import type { Terminal } from "./terminal.ts";

export const CURSOR = { type: "string", value: "CURSOR", about: "The next_cursor of the page before" } as const;

/** Says that a list continues after this page. `beside`: another way to get the rest. */
export function warnOfMore(terminal: Terminal, next: string | undefined, beside = ""): void {
  if (next !== undefined) terminal.warn(`There are more: ${beside}--cursor ${next}`);
}

/** The query of these options: `--agent-id` is `agent_id`. */
export const queryOf = (given: Given, options: readonly string[]): Record<string, string | undefined> =>
  Object.fromEntries(options.map((name) => [name.replaceAll("-", "_"), given.text(name)]));
