/** The fires and the cost of jobs in the next thirty days, from `GET /v1/forecast`. */
import { useEffect, useState } from "preact/hooks";
import { sumForecasts } from "../../../../src/domain/job/forecast-sums.ts";
import type { JobForecast } from "../../../../src/schema/forecast.ts";
import { forecast } from "../../api/jobs.ts";
import type { Problem } from "../../api/problem.ts";
import { costOf, dollars, roundedUsd } from "../../money.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { Table } from "../../parts/table.tsx";
import { link } from "../../route.ts";
import { shortDay, VIEWER_ZONE } from "../../time/format.ts";
import { Bars } from "./bars.tsx";

const DAY_MS = 86_400_000;
const DAYS = 30;
/** The number of pages that are read. If there are more, the page says so. */
const MAX_PAGES = 20;
const MAX_SHOWN = 12;

type Month = {
  readonly jobs: readonly JobForecast[];
  readonly loading: boolean;
  readonly complete: boolean;
  readonly problem: Problem | undefined;
};

const NOTHING: Month = { jobs: [], loading: true, complete: false, problem: undefined };

function useMonth(now: number, round: number): Month {
  const [month, setMonth] = useState(NOTHING);
  useEffect(() => {
    const controller = new AbortController();
    load(now, setMonth, controller.signal);
    return () => controller.abort();
  }, [round]);
  return month;
}

async function load(now: number, show: (month: Month) => void, signal: AbortSignal): Promise<void> {
  let month = NOTHING;
  let cursor: string | undefined;
  for (let pages = 1; month.loading; pages++) {
    const page = await forecast(new Date(now + DAYS * DAY_MS).toISOString(), VIEWER_ZONE, cursor, signal);
    if (signal.aborted) return;
    if (!page.ok) return show({ ...month, loading: false, problem: page.error });
    cursor = page.value.next_cursor;
    const jobs = [...month.jobs, ...page.value.items];
    month = {
      jobs,
      loading: cursor !== undefined && pages < MAX_PAGES,
      complete: cursor === undefined,
      problem: undefined,
    };
    show(month);
  }
}

export function MonthAhead({ now, round }: { readonly now: number; readonly round: number }) {
  const { jobs, loading, complete, problem } = useMonth(now, round);
  const days = sumForecasts(jobs);
  const sum = sumForecasts([{ days: days.map((day) => ({ ...day, day: "" })) }])[0];
  if (problem !== undefined) return <ProblemBox problem={problem} />;
  if (sum === undefined) return null;
  const hasCost = (sum.usd ?? 0) > 0;
  const dearest = [...jobs].sort((a, b) => (b.usd ?? 0) - (a.usd ?? 0) || b.runs - a.runs);
  return (
    <section class="card forecast" aria-label="The next 30 days">
      <h2>The next {DAYS} days</h2>
      <p class="count" role="status">
        {loading ? "Counting… " : ""}
        {sum.runs.toLocaleString("en")} runs
        {hasCost ? `, about ${costOf(roundedUsd(sum.usd ?? 0), sum.tokens)}, at the average cost of runs so far` : ""}
        {complete || loading ? "" : "; of the newest jobs, there are more"}
      </p>
      <Bars
        name={hasCost ? "Cost by day" : "Runs by day"}
        height={120}
        items={days.map(({ day, runs, usd = 0, tokens }) => ({
          key: Date.parse(day),
          value: hasCost ? usd : runs,
          label: shortDay(Date.parse(day), "UTC"),
          words: `${shortDay(Date.parse(day), "UTC")}: ${runs.toLocaleString("en")} runs${hasCost ? `, ${costOf(roundedUsd(usd), tokens)}` : ""}`,
          isHot: false,
          ...(hasCost ? { shown: dollars(roundedUsd(usd)) } : {}),
        }))}
      />
      <Table columns={["Job", "Runs", "Cost"]}>
        {dearest.slice(0, MAX_SHOWN).map((job) => (
          <tr key={job.job_id}>
            <td>
              <a href={link("jobs", job.job_id)}>{job.name}</a>
            </td>
            <td>{job.runs.toLocaleString("en")}</td>
            <td>{job.usd === undefined ? "not known yet" : costOf(roundedUsd(job.usd), job.tokens)}</td>
          </tr>
        ))}
      </Table>
      {dearest.length > MAX_SHOWN ? (
        <p class="hint">and {(dearest.length - MAX_SHOWN).toLocaleString("en")} more jobs</p>
      ) : null}
    </section>
  );
}
