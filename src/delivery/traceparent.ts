/** W3C Trace Context: one trace a run, one span an attempt, so an agent's telemetry shows the retries of a run together. */
import { sha256 } from "../domain/sha256.ts";

/** The `traceparent` header of attempt `attempt` (from 1) of run `runId`: the same whenever it is asked for; sampled. */
export function traceparent(runId: string, attempt: number): string {
  const traceId = hex(sha256(runId).subarray(0, 16));
  const spanId = hex(sha256(`${runId} ${attempt}`).subarray(0, 8));
  return `00-${traceId}-${spanId}-01`;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
