/** The list of jobs: search, filters, states. It loads pages while it is scrolled, and draws only the visible rows. */
import { useEffect, useRef, useState } from "preact/hooks";
import { type Job, listJobs } from "../../api/jobs.ts";
import { useEverySeen } from "../../clock.ts";
import { curl, Empty } from "../../parts/empty.tsx";
import { Icon } from "../../parts/icon.tsx";
import { useMedia } from "../../parts/media.ts";
import { ProblemBox } from "../../parts/problem-box.tsx";
import { usePages } from "../../parts/resource.ts";
import { useRoving } from "../../parts/roving.ts";
import { useVisibleRows } from "../../parts/window.ts";
import { link, route } from "../../route.ts";
import { mayChange } from "../../session.ts";
import { BulkBar } from "./bulk-bar.tsx";
import { FILTER_NAMES, JobFilters, STATE_TABS } from "./filters.tsx";
import { JobRow } from "./row.tsx";

const PAGE_SIZE = 50;
const ROW_PX = 60;
const NARROW_ROW_PX = 156;
/** The time after which a job that an agent creates meanwhile is in the list. */
const REFRESH_MS = 12_000;
/** The number of rows left below at which the next page is loaded. */
const ROWS_AHEAD = 30;

export function JobsPage() {
  const { query } = route.value;
  const filter = Object.fromEntries(FILTER_NAMES.map((name) => [name, query.get(name) ?? undefined]));
  const pages = usePages<Job>(JSON.stringify(filter), (cursor, signal) => listJobs(filter, cursor, PAGE_SIZE, signal));
  const { items, more, loading } = pages;

  const list = useRef<HTMLUListElement>(null);
  const rowPx = useMedia("(max-width: 760px)") ? NARROW_ROW_PX : ROW_PX;
  const { from, to } = useVisibleRows(list, items.length, rowPx);
  useEffect(() => {
    if (more && to > items.length - ROWS_AHEAD) pages.loadMore();
  });
  const roving = useRoving(items.length, rowPx, list);

  useEverySeen(REFRESH_MS, pages.refresh);
  const drop = (id: string) => pages.update((old) => old.filter((one) => one.id !== id));
  const [selected, setSelected] = useState<readonly string[]>([]);
  const toggle = (id: string) =>
    setSelected((old) => (old.includes(id) ? old.filter((one) => one !== id) : [...old, id]));
  const change = (job: Job) => pages.update((old) => old.map((one) => (one.id === job.id ? job : one)));
  const isFiltered = FILTER_NAMES.some((name) => filter[name] !== undefined);
  return (
    <>
      <div class="page-head">
        <h1>Jobs</h1>
        {mayChange.value ? (
          <a class="button main" href={link("new")}>
            <Icon name="plus" /> New job
          </a>
        ) : null}
      </div>
      <JobFilters filter={filter} />
      <p class="count" role="status">
        {items.length === 0 && loading ? "Loading…" : countInWords(items.length, more)}
      </p>
      <ProblemBox problem={pages.problem} onRetry={pages.reload} />
      {selected.length === 0 || !mayChange.value ? null : (
        <BulkBar
          selected={selected}
          filter={isFiltered ? filter : undefined}
          onDone={() => {
            setSelected([]);
            pages.refresh();
          }}
          onClear={() => setSelected([])}
        />
      )}
      {items.length === 0 ? null : (
        <div class="job-columns" aria-hidden="true">
          <span>Job</span>
          <span>Schedule</span>
          <span>Next run</span>
          <span>Last runs</span>
        </div>
      )}
      <ul
        ref={list}
        class="job-list"
        aria-label="Jobs"
        aria-busy={loading}
        style={{ paddingTop: `${from * rowPx}px`, paddingBottom: `${Math.max(0, items.length - to) * rowPx}px` }}
      >
        {items.slice(from, to).map((job, index) => (
          <JobRow
            key={job.id}
            job={job}
            position={from + index + 1}
            size={more ? -1 : items.length}
            isCurrent={roving.current === from + index}
            onCurrent={() => roving.moveTo(from + index)}
            onChange={change}
            onGone={drop}
            isSelected={selected.includes(job.id)}
            onToggle={() => toggle(job.id)}
          />
        ))}
      </ul>
      {items.length === 0 && !loading && pages.problem === undefined ? <NoJobs isFiltered={isFiltered} /> : null}
    </>
  );
}

function countInWords(count: number, more: boolean): string {
  if (count === 0) return "No jobs";
  if (more) return `The newest ${count.toLocaleString("en")} jobs; more follow as you scroll`;
  return count === 1 ? "1 job" : `${count.toLocaleString("en")} jobs`;
}

const FIRST_JOB = {
  name: "Morning summary",
  schedule: { cron: "0 9 * * 1-5", timezone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  message: "Summarise what came in since yesterday and tell me what needs me.",
};

function NoJobs({ isFiltered }: { readonly isFiltered: boolean }) {
  if (isFiltered) {
    return (
      <Empty title="No job matches">
        <p>
          Nothing here fits the search and the filters. Finished jobs are under{" "}
          <a href={`${link("jobs")}?state=finished`}>{STATE_TABS.find(([value]) => value === "finished")?.[1]}</a>, for
          7 days. <a href={link("jobs")}>Show all jobs</a>
        </p>
      </Empty>
    );
  }
  return (
    <Empty title="No jobs yet" command={curl("POST", "/v1/jobs", FIRST_JOB)}>
      <p>
        A job wakes your agent later: once, at an interval, or by calendar.{" "}
        <a href={link("new")}>Create the first one</a>, or from a shell:
      </p>
    </Empty>
  );
}
