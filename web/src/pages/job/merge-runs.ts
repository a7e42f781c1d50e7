/** The list of runs and what events have told since, in either order of arrival. */
import type { Run } from "../../../../src/schema/run.ts";

/**
 * The runs of `listed` (newest first) and of `told`, each once and as it is now, as far as they fit. A run only goes from running
 * to ended, so that of two views of one run the ended one is the later; of two alike the event's is.
 */
export function mergeRuns(listed: readonly Run[], told: readonly Run[], fits: (run: Run) => boolean): readonly Run[] {
  const fresh = new Map(told.map((run) => [run.id, run]));
  const merged = listed.map((run) => {
    const event = fresh.get(run.id);
    fresh.delete(run.id);
    return event === undefined || (run.status !== "running" && event.status === "running") ? run : event;
  });
  for (const run of fresh.values()) {
    const after = merged.findIndex((one) => one.started_at <= run.started_at);
    merged.splice(after < 0 ? merged.length : after, 0, run);
  }
  return merged.filter(fits);
}
