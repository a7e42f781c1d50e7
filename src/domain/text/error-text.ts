/** A thrown value as text. Code that is not ours may throw anything, and nothing here may fail over it. */
import { cutUtf8 } from "./cut-text.ts";

const MAX_BYTES = 2_048;
const UNREADABLE = "it threw a value that cannot be read";

/** An Error's class and message, any other value as text, at most 2 KiB. Never throws, even if the value's getters do. */
export function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    return cutUtf8(text, MAX_BYTES).text;
  } catch {
    // `Object.create(null)` has no `toString`, and a getter or a Proxy may throw.
    return UNREADABLE;
  }
}

/** An Error's message, any other value as text. For faults of our own machine; {@link errorText} bounds what foreign code threw. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
