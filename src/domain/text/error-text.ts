/** A thrown value as text. Foreign code may throw any value, and no value may make this fail. */
import { cutUtf8 } from "./cut-text.ts";

const MAX_BYTES = 2_048;
const UNREADABLE = "it threw a value that cannot be read";

/**
 * An Error's class and message, or any other value as text, at most 2 KiB. It never throws, even if the value's getters do.
 */
export function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return cutUtf8(text, MAX_BYTES).text;
  } catch {
    // `Object.create(null)` has no `toString`, and a getter or a Proxy may throw.
    return UNREADABLE;
  }
}

/**
 * An Error's message, or any other value as text. It is for errors of our own code; {@link errorText} bounds those of
 * foreign code.
 */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
