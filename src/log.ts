/**
 * Log lines: one JSON object each, with ids and codes, but never payloads, tokens or URLs. Only this file writes to the
 * console. `wrangler tail` and Workers Logs read the fields.
 */
import { errorText } from "./domain/text/error-text.ts";

export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Logs a problem for the operator. `error` is reduced to its class and message. */
export function logError(message: string, fields: LogFields, error?: unknown): void {
  const cause = error === undefined ? {} : { error: errorText(error) };
  console.error(JSON.stringify({ level: "error", message, ...fields, ...cause }));
}
