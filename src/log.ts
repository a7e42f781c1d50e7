/**
 * Log lines: one JSON object each, with ids and codes, never with payloads, tokens or URLs. The only file that writes to
 * the console; `wrangler tail` and Workers Logs read the fields.
 */
import { errorText } from "./domain/text/error-text.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Something went wrong that an operator should know of; `error` is named by its class and message only. */
export function logError(message: string, fields: LogFields, error?: unknown): void {
  const cause = error === undefined ? {} : { error: errorText(error) };
  console.error(JSON.stringify({ level: "error", message, ...fields, ...cause }));
}
