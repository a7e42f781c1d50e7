/** Folds runs in a row that found nothing new into one row of the log, until the user unfolds them. */
import type { Run } from "../../../../src/schema/run.ts";

/** A fold. `key` is the id of its oldest run, so it stays while newer runs come to the fold. */
export type Folded = { readonly key: string; readonly folded: readonly Run[] };

/**
 * The rows of a log, newest first. A single run is not folded, and neither is a running or selected run.
 *
 * @param unfolded keys of folds that are shown run by run
 */
export function foldUnchanged(
  runs: readonly Run[],
  unfolded: ReadonlySet<string>,
  selected: string | undefined,
): readonly (Run | Folded)[] {
  const rows: (Run | Folded)[] = [];
  let fold: Run[] = [];
  const close = (): void => {
    const key = fold.at(-1)?.id ?? "";
    if (fold.length > 1 && !unfolded.has(key)) rows.push({ key, folded: fold });
    else rows.push(...fold);
    fold = [];
  };
  for (const run of runs) {
    if (run.unchanged && run.id !== selected) fold.push(run);
    else {
      close();
      rows.push(run);
    }
  }
  close();
  return rows;
}
