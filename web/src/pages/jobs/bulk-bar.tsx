/** The actions on all selected jobs, or on all that match the filter. */
import { useState } from "preact/hooks";
import { ok } from "../../../../src/domain/result.ts";
import { announce, announceProblem } from "../../announce.ts";
import { type BulkAction, bulkJobs, deleteJob, type JobFilter, pauseJob, resumeJob, runJob } from "../../api/jobs.ts";
import { Confirm } from "../../parts/dialog.tsx";

const ACTIONS: readonly (readonly [action: BulkAction, label: string])[] = [
  ["run", "Run now"],
  ["pause", "Pause"],
  ["resume", "Resume"],
  ["delete", "Delete"],
];
const ON_ONE = { run: runJob, pause: pauseJob, resume: resumeJob, delete: deleteJob } as const;

export type BulkBarProps = {
  readonly selected: readonly string[];
  /** The filter of the list, for "all that match". Undefined if the list is not filtered. */
  readonly filter: JobFilter | undefined;
  readonly onDone: () => void;
  readonly onClear: () => void;
};

export function BulkBar({ selected, filter, onDone, onClear }: BulkBarProps) {
  const [all, setAll] = useState(false);
  const [busy, setBusy] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const what = all ? "all matching jobs" : inJobs(selected.length);

  const act = async (action: BulkAction) => {
    if (busy) return;
    setBusy(true);
    const counted = all && filter !== undefined ? await onAll(action, filter) : await onEach(action, selected);
    setBusy(false);
    if (counted !== undefined) announce(`${wordOf(action)}: ${inJobs(counted.done)}${failedWords(counted.failed)}`);
    setAll(false);
    onDone();
  };
  return (
    <section class="bulk" aria-label="Selected jobs">
      <strong>{what}</strong>
      {ACTIONS.map(([action, label]) => (
        <button
          key={action}
          type="button"
          class={`button ${action === "delete" ? "danger" : ""}`}
          aria-label={`${label}: ${what}`}
          aria-busy={busy}
          onClick={() => (action === "delete" ? setDeleting(true) : act(action))}
        >
          {label}
        </button>
      ))}
      {filter === undefined || all ? null : (
        <button type="button" class="button quiet" onClick={() => setAll(true)}>
          Select all that match
        </button>
      )}
      <button type="button" class="button quiet" onClick={onClear}>
        Clear selection
      </button>
      {deleting ? (
        <Confirm
          title={`Delete ${what}?`}
          confirm={`Delete ${what}`}
          act={async () => {
            await act("delete");
            return ok(undefined);
          }}
          done=""
          onClose={() => setDeleting(false)}
        >
          <p>Their run logs are deleted too. This cannot be undone.</p>
        </Confirm>
      ) : null}
    </section>
  );
}

type Counted = { readonly done: number; readonly failed: number };

async function onEach(action: BulkAction, ids: readonly string[]): Promise<Counted> {
  let done = 0;
  // The calls are made in turn, since a hundred at once would reach the rate limit.
  for (const id of ids) if ((await ON_ONE[action](id)).ok) done++;
  return { done, failed: ids.length - done };
}

/** Acts on all that match the filter, a hundred in each call. Undefined if the API refuses. */
async function onAll(action: BulkAction, filter: JobFilter): Promise<Counted | undefined> {
  let counted: Counted = { done: 0, failed: 0 };
  let cursor: string | undefined;
  do {
    const answer = await bulkJobs(action, filter, cursor);
    if (!answer.ok) {
      announceProblem(answer.error);
      return undefined;
    }
    const { done, failed, next_cursor: next } = answer.value;
    counted = { done: counted.done + done, failed: counted.failed + failed.length };
    cursor = next;
  } while (cursor !== undefined);
  return counted;
}

const inJobs = (count: number): string => (count === 1 ? "1 job" : `${count.toLocaleString("en")} jobs`);
const failedWords = (failed: number): string => (failed === 0 ? "" : `, ${failed} refused`);
const wordOf = (action: BulkAction): string =>
  ({ run: "Started", pause: "Paused", resume: "Resumed", delete: "Deleted" })[action];
