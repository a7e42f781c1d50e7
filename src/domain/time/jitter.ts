/** Jitter: the fixed part of it that delays every fire of a job (docs/contract.md §1). */

/**
 * A job's delay in whole milliseconds, 0 <= delay < `jitterMs`. It depends only on the job's id, so every fire of the job
 * has the same delay and no restart changes it. Over all ids the delays are spread evenly.
 */
export function jitterDelay(jobId: string, jitterMs: number): number {
  return Math.floor(fraction(jobId) * jitterMs);
}

/** A number in [0, 1) from 53 bits of two hashes of `text`. */
function fraction(text: string): number {
  const high = hash(text, 0x9e37_79b9) >>> 5;
  const low = hash(text, 0x85eb_ca6b) >>> 6;
  return (high * 2 ** 26 + low) / 2 ** 53;
}

/** FNV-1a with MurmurHash3's finaliser, which spreads ids that differ in one character over all 32 bits. */
function hash(text: string, seed: number): number {
  let h = seed ^ 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
