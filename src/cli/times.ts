/** Times for `--since` and `--until`: RFC 3339, or a duration back from now. */
import { parseDuration } from "../domain/time/duration.ts";

/** The time `24h` ago for "24h". Any other text stays, for the service to read. `now` is epoch ms. */
export function timeAgo(text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  return duration.ok ? new Date(now - duration.value).toISOString() : text;
}
