/** The log of runs, newest first. */
import { useState } from "preact/hooks";
import type { Job, Run } from "../../api/jobs.ts";
import { now } from "../../clock.ts";
import { dollars } from "../../money.ts";
import { MoreButton } from "../../parts/more-button.tsx";
import { ProblemBox } from "../../parts/problem-box.tsx";
import type { Pages } from "../../parts/resource.ts";
import { durationOf } from "../../parts/run-strip.tsx";
import { StatusText } from "../../parts/status.tsx";
import { Tabs } from "../../parts/tabs.tsx";
import { At } from "../../parts/times.tsx";
import { route, setQuery } from "../../route.ts";
import { msOf, span } from "../../time/format.ts";
import { foldUnchanged } from "./fold-runs.ts";

const STATUSES = [
  ["", "All"],
  ["success", "Success"],
  ["error", "Error"],
  ["skipped", "Skipped"],
  ["running", "Running"],
] as const;

export type RunListProps = {
  readonly job: Job;
  readonly runs: Pages<Run>;
  readonly selected: string | undefined;
  readonly onSelect: (id: string) => void;
};

export function RunList({ job, runs, selected, onSelect }: RunListProps) {
  const status = route.value.query.get("status") ?? "";
  const [unfolded, setUnfolded] = useState<ReadonlySet<string>>(new Set());
  const hidesUnchanged = route.value.query.get("unchanged") === "false";
  return (
    <section class="runs" aria-labelledby="runs-title">
      <div class="section-head">
        <h2 id="runs-title">Runs</h2>
        <Tabs
          label="Status of runs"
          options={STATUSES}
          value={status}
          onSelect={(value) => setQuery({ status: value })}
        />
      </div>
      {hidesUnchanged || runs.items.some((run) => run.unchanged) ? (
        <label class="hint">
          <input
            type="checkbox"
            checked={hidesUnchanged}
            onChange={() => setQuery({ unchanged: hidesUnchanged ? undefined : "false" })}
          />{" "}
          Hide runs that found nothing new
        </label>
      ) : null}
      <ProblemBox problem={runs.problem} onRetry={runs.reload} />
      {runs.items.length === 0 ? (
        <p class="none">{runs.loading ? "Loading…" : emptyWords(job, status)}</p>
      ) : (
        <table class="run-table">
          <thead>
            <tr>
              <th scope="col">Status</th>
              <th scope="col">Due</th>
              <th scope="col">Took</th>
              <th scope="col">Result</th>
            </tr>
          </thead>
          <tbody>
            {foldUnchanged(runs.items, unfolded, selected).map((row) =>
              "folded" in row ? (
                <FoldedRow
                  key={row.key}
                  runs={row.folded}
                  onUnfold={() => setUnfolded(new Set([...unfolded, row.key]))}
                />
              ) : (
                <RunRow key={row.id} run={row} isSelected={row.id === selected} onSelect={() => onSelect(row.id)} />
              ),
            )}
          </tbody>
        </table>
      )}
      <MoreButton pages={runs}>Show older runs</MoreButton>
    </section>
  );
}

/** Runs in a row that found nothing new, as one line. */
function FoldedRow({ runs, onUnfold }: { readonly runs: readonly Run[]; readonly onUnfold: () => void }) {
  const [newest, oldest] = [runs[0], runs.at(-1)];
  const usd = runs.reduce((sum, run) => sum + (run.cost_usd ?? 0), 0);
  return (
    <tr class="is-folded">
      <td>
        <button type="button" class="row-button" aria-expanded={false} onClick={onUnfold}>
          {runs.length} runs
        </button>
      </td>
      <td>
        {oldest === undefined ? null : <At instant={oldest.scheduled_at} />} –{" "}
        {newest === undefined ? null : <At instant={newest.scheduled_at} />}
      </td>
      <td />
      <td class="result">{usd === 0 ? "" : `${dollars(usd)} · `}nothing new</td>
    </tr>
  );
}

function emptyWords(job: Job, status: string): string {
  if (status !== "") return "No run in the log has this status.";
  return job.exec_scope === "all_users"
    ? "No user's run is in the log yet."
    : "It has not run yet. Run it now to try it.";
}

function RunRow({
  run,
  isSelected,
  onSelect,
}: {
  readonly run: Run;
  readonly isSelected: boolean;
  readonly onSelect: () => void;
}) {
  const lateMs = msOf(run.started_at) - msOf(run.scheduled_at);
  // A backfilled run is for a time long past, and a skipped run never started.
  const isLate = lateMs > 1_000 && run.trigger === "schedule" && run.status !== "skipped";
  return (
    <tr class={isSelected ? "is-selected" : ""}>
      <td>
        <button type="button" class="row-button" aria-pressed={isSelected} onClick={onSelect}>
          <StatusText status={run.status} />
        </button>
      </td>
      <td>
        <At instant={run.scheduled_at} />
        {isLate ? <small class="late"> +{span(lateMs)}</small> : null}
        {run.trigger === "schedule" ? null : <small class="chip">{run.trigger}</small>}
        {run.user_id === undefined ? null : <small class="chip">{run.user_id}</small>}
      </td>
      <td class="took">
        {run.status === "skipped" ? "–" : <Took run={run} />}
        {run.attempt > 1 ? <small class="attempts"> ×{run.attempt}</small> : null}
      </td>
      <td class="result">{resultOf(run)}</td>
    </tr>
  );
}

function Took({ run }: { readonly run: Run }) {
  // Reading the clock makes a running run count on.
  if (run.status === "running") now.value;
  return <>{span(durationOf(run))}</>;
}

function resultOf(run: Run): string {
  if (run.error !== undefined) return run.error;
  const { percent, message } = run.progress ?? {};
  if (run.status === "running")
    return [percent === undefined ? "" : `${Math.round(percent)}%`, message ?? ""].join(" ").trim();
  const result = run.unchanged ? "nothing new" : (run.output ?? "");
  return run.cost_usd === undefined ? result : `${dollars(run.cost_usd)} · ${result}`;
}
