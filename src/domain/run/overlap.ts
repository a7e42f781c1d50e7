/** The rule for a fire that comes due while a run of the job is active (docs/contract.md §2 `overlap`, §3). Pure. */
import type { Overlap } from "../../schema/job.ts";

export type OverlapVerdict =
  | { readonly kind: "start" }
  | { readonly kind: "skip"; readonly reason: string }
  /** Run it once the active run has ended. */
  | { readonly kind: "buffer" }
  /** Cancel every active run, then start. */
  | { readonly kind: "replace" };

/** The error of a run that was cancelled for the next one. */
export const REPLACED = "cancelled: the next fire came due (overlap: cancel_other)";

/**
 * @param activeRuns how many runs of the job have not ended
 * @param waits whether a fire already waits under `buffer_one`
 * @param maxActiveRuns the bound under `allow_all`
 */
export function decideOverlap(
  policy: Overlap,
  activeRuns: number,
  waits: boolean,
  maxActiveRuns: number,
): OverlapVerdict {
  if (activeRuns === 0 && !waits) return { kind: "start" };
  switch (policy) {
    case "skip":
      return { kind: "skip", reason: "skipped: the previous run was still active (overlap: skip)" };
    case "buffer_one":
      return waits
        ? { kind: "skip", reason: "skipped: one fire was already waiting (overlap: buffer_one)" }
        : { kind: "buffer" };
    case "cancel_other":
      return { kind: "replace" };
    case "allow_all":
      return activeRuns < maxActiveRuns
        ? { kind: "start" }
        : { kind: "skip", reason: `skipped: ${maxActiveRuns} runs were active already` };
  }
}
