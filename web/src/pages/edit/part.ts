/** The props of a part of the schedule editor. */
import type { ScheduleDraft } from "./draft.ts";

export type PartProps = {
  readonly draft: ScheduleDraft;
  readonly change: (changes: Partial<ScheduleDraft>) => void;
  /** The fault of the field of this path. */
  readonly errorsAt: (field: string) => readonly string[];
};
