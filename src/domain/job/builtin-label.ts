/**
 * The mark of a builtin job: the version of the code that created it. Only we set it, so a change from outside keeps it.
 */
import type { JobInput } from "../../schema/job.ts";

/**
 * The label's name. Its value is `handler:…` or `message:…`, by what runs the job, and a digest of the code's definition.
 */
export const BUILTIN_LABEL = "reveille.builtin";

/**
 * `input` with the mark that `present` has, unless it brings its own. Without the mark the next start would undo the
 * change.
 */
export function keepBuiltinLabel<T extends Pick<JobInput, "labels">>(input: T, present: Pick<JobInput, "labels">): T {
  const mark = present.labels?.[BUILTIN_LABEL];
  if (mark === undefined || input.labels?.[BUILTIN_LABEL] !== undefined) return input;
  return { ...input, labels: { ...input.labels, [BUILTIN_LABEL]: mark } };
}
