/**
 * W3C Trace Context with one trace a run and one span an attempt. An agent's telemetry then shows the retries of a run
 * together.
 */

/**
 * The `traceparent` header of attempt `attempt` (from 1) of run `runId`. It is always the same, and sampled. Its ids need
 * to differ but not to be hard to guess. Every call computes one, so it walks the id once and avoids SHA-256.
 */
export function traceparent(runId: string, attempt: number): string {
  let [a, b, c, d] = [0x811c9dc5, 0x9e3779b9, 0x85ebca6b, 0xc2b2ae35];
  for (let i = 0; i < runId.length; i++) {
    const unit = runId.charCodeAt(i);
    a = Math.imul(a ^ unit, 0x01000193);
    b = Math.imul(b ^ unit, 0x5bd1e995);
    c = Math.imul(c ^ unit, 0x27d4eb2d);
    d = Math.imul(d ^ unit, 0x165667b1);
  }
  const span = Math.imul(attempt, 0x9e3779b1);
  return `00-${hex(a)}${hex(b)}${hex(c)}${hex(d)}-${hex(a ^ span)}${hex(b + span)}-01`;
}

/** Eight digits of a 32-bit word, mixed by MurmurHash3's finaliser so that each depends on all its bits. */
function hex(word: number): string {
  let mixed = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, "0");
}
