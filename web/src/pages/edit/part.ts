/** What a part of the schedule editor gets. */
import type { ScheduleDraft } from "./draft.ts";

export type PartProps = {
  readonly draft: ScheduleDraft;
  readonly change: (changes: Partial<ScheduleDraft>) => void;
  /** What is wrong with the field of this path. */
  readonly errorsAt: (field: string) => readonly string[];
};
