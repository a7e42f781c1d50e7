/** The mark of a builtin job: which version of the code made it. It is ours, so a change from outside leaves it alone. */
import type { JobInput } from "../../schema/job.ts";

/** Its value is `handler:…` or `message:…`, by what runs the job, and a digest of the code's definition. */
export const BUILTIN_LABEL = "reveille.builtin";

/**
 * `input` with the mark that `present` has, unless it brings one of its own. Without it the next start would undo the
 * change.
 */
export function keepBuiltinLabel<T extends Pick<JobInput, "labels">>(input: T, present: Pick<JobInput, "labels">): T {
  const mark = present.labels?.[BUILTIN_LABEL];
  if (mark === undefined || input.labels?.[BUILTIN_LABEL] !== undefined) return input;
  return { ...input, labels: { ...input.labels, [BUILTIN_LABEL]: mark } };
}
