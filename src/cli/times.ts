/** Times as people give them to `--since` and `--until`: RFC 3339, or a duration back from now. */
import { parseDuration } from "../domain/time/duration.ts";

/** `24h` as the time that long ago; anything else as it is, for the service to read. `now` in epoch ms. */
export function timeAgo(text: string | undefined, now: number): string | undefined {
  if (text === undefined) return undefined;
  const duration = parseDuration(text);
  return duration.ok ? new Date(now - duration.value).toISOString() : text;
}
