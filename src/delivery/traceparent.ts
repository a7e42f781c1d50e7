/** W3C Trace Context: one trace a run, one span an attempt, so an agent's telemetry shows the retries of a run together. */
import { hash32 } from "../domain/shard.ts";

/**
 * The `traceparent` header of attempt `attempt` (from 1) of run `runId`: the same whenever it is asked for; sampled. Its ids need
 * to differ, not to be hard to guess, and every call pays for them: hence no SHA-256.
 */
export function traceparent(runId: string, attempt: number): string {
  return `00-${hex(4, `trace ${runId}`)}-${hex(2, `span ${attempt} ${runId}`)}-01`;
}

/** `words` times 32 bits of hash. */
const hex = (words: number, text: string): string =>
  Array.from({ length: words }, (_, word) => hash32(`${word} ${text}`).toString(16).padStart(8, "0")).join("");
