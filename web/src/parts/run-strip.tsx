/** The last runs as ticks, oldest first. Colour and shape show the outcome, and height shows the duration. */
import type { Run, RunStatus } from "../api/jobs.ts";
import { now } from "../clock.ts";
import { ago, msOf, span } from "../time/format.ts";

/** The number of ticks that fit. */
export const STRIP_LENGTH = 20;

/** The strip. `runs` are newest first, and undefined while they are loading. */
export function RunStrip({ runs }: { readonly runs: readonly Run[] | undefined }) {
  const ticks = (runs ?? []).slice(0, STRIP_LENGTH).toReversed();
  const longest = Math.max(1, ...ticks.map(durationOf));
  const blanks = Array.from({ length: STRIP_LENGTH - ticks.length }, (_, index) => index);
  return (
    <span class="strip" role="img" aria-label={runs === undefined ? "Last runs are being loaded" : stripInWords(ticks)}>
      {blanks.map((index) => (
        <i key={`blank-${index}`} class="tick is-none" />
      ))}
      {ticks.map((run) => (
        <i
          key={run.id}
          class={`tick is-${run.status}`}
          title={runInWords(run)}
          style={
            run.status === "skipped" ? {} : { height: `${Math.round(35 + 65 * Math.sqrt(durationOf(run) / longest))}%` }
          }
        />
      ))}
    </span>
  );
}

/** The time in ms from its start to its end, or until now. */
export const durationOf = (run: Run): number =>
  Math.max(0, (run.finished_at === undefined ? now.peek() : msOf(run.finished_at)) - msOf(run.started_at));

/** `error after 4.2 s and 3 attempts, 5 min ago: connection refused`. */
export function runInWords(run: Run): string {
  const when = ago(now.peek() - msOf(run.scheduled_at));
  if (run.status === "skipped") return `skipped, ${when}: ${run.error ?? "no reason given"}`;
  const attempts = run.attempt > 1 ? ` and ${run.attempt} attempts` : "";
  const how =
    run.status === "running" ? `running for ${span(durationOf(run))}` : `${run.status} after ${span(durationOf(run))}`;
  return `${how}${attempts}, ${when}${run.error === undefined ? "" : `: ${run.error}`}`;
}

const WORDS: readonly (readonly [RunStatus, string])[] = [
  ["success", "succeeded"],
  ["error", "failed"],
  ["skipped", "skipped"],
  ["running", "running"],
];

function stripInWords(ticks: readonly Run[]): string {
  const last = ticks.at(-1);
  if (last === undefined) return "No runs yet";
  const counts = WORDS.flatMap(([status, word]) => {
    const count = ticks.filter((run) => run.status === status).length;
    return count === 0 ? [] : [`${count} ${word}`];
  });
  return `Last ${ticks.length === 1 ? "run" : `${ticks.length} runs`}: ${counts.join(", ")}. Newest: ${runInWords(last)}`;
}
