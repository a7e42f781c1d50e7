/**
 * The fires of the next day, counted minute by minute over all jobs. They come from each job's schedule, by the
 * service's own rules.
 */
import { useEffect, useState } from "preact/hooks";
import { type Job, listJobs } from "../../api/jobs.ts";
import type { Problem } from "../../api/problem.ts";
import { addFires, countFires, isSteady } from "../../time/fires.ts";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A day that begins within an hour also ends within one. */
const HOURS = 25;
const MINUTES = HOURS * 60;
const PAGE_SIZE = 100;
/** The number of jobs that are counted. If there are more, the page says so. */
export const MAX_JOBS = 10_000;

export type Forecast = {
  /** The beginning of the viewer's present hour, and a day from now, up to which fires are counted; epoch ms. */
  readonly fromAt: number;
  readonly toAt: number;
  /** The number of fires in each minute, without those of steady jobs. */
  readonly minutes: Float64Array;
  readonly jobs: readonly Job[];
  /**
   * The jobs that fire more than once a minute, with their rate. They fill every minute equally and would hide all others.
   */
  readonly steady: readonly { readonly job: Job; readonly fires: number }[];
  /** Whether it includes all jobs. */
  readonly complete: boolean;
  /** Whether more are still coming. */
  readonly loading: boolean;
  readonly problem: Problem | undefined;
};

/** Loads all pages of active jobs, and counts each as it comes. */
export function useForecast(now: number, round: number): Forecast {
  const [forecast, setForecast] = useState<Forecast>(() => empty(now));
  useEffect(() => {
    const controller = new AbortController();
    count(now, setForecast, controller.signal);
    return () => controller.abort();
  }, [round]);
  return forecast;
}

const empty = (now: number): Forecast => ({
  fromAt: new Date(now).setMinutes(0, 0, 0),
  toAt: now + DAY_MS,
  minutes: new Float64Array(MINUTES),
  jobs: [],
  steady: [],
  complete: false,
  loading: true,
  problem: undefined,
});

async function count(now: number, show: (forecast: Forecast) => void, signal: AbortSignal): Promise<void> {
  let forecast = empty(now);
  const { minutes, fromAt, toAt } = forecast;
  let cursor: string | undefined;
  do {
    const page = await listJobs({ state: "active" }, cursor, PAGE_SIZE, signal);
    if (signal.aborted) return;
    if (!page.ok) return show({ ...forecast, loading: false, problem: page.error });
    const steady = [...forecast.steady];
    for (const job of page.value.items) {
      if (isSteady(job)) steady.push({ job, fires: countFires(job, now, toAt) });
      else addFires(job, fromAt, toAt, minutes);
    }
    cursor = page.value.next_cursor;
    const jobs = [...forecast.jobs, ...page.value.items];
    const isLast = cursor === undefined || jobs.length >= MAX_JOBS;
    forecast = {
      ...forecast,
      jobs,
      steady,
      minutes: minutes.slice(),
      loading: !isLast,
      complete: cursor === undefined,
    };
    show(forecast);
  } while (forecast.loading);
}

export type Hour = {
  /** Epoch ms. */
  readonly at: number;
  readonly fires: number;
  /** The fullest minute of the hour: its number of fires, and its time. */
  readonly peak: number;
  readonly peakAt: number;
};

/** The forecast by the hour. */
export function hoursOf({ fromAt, minutes }: Forecast): readonly Hour[] {
  return Array.from({ length: HOURS }, (_, hour) => {
    const at = fromAt + hour * HOUR_MS;
    const its = minutes.subarray(hour * 60, hour * 60 + 60);
    const peak = its.reduce((most, fires) => Math.max(most, fires), 0);
    return {
      at,
      fires: its.reduce((sum, fires) => sum + fires, 0),
      peak,
      peakAt: at + Math.max(0, its.indexOf(peak)) * 60_000,
    };
  });
}

/** The jobs that fire in the hour, most fires first, without steady ones. */
export function busiestJobs(
  { jobs, toAt }: Forecast,
  hour: Hour,
): readonly { readonly job: Job; readonly fires: number }[] {
  const scratch = new Float64Array(60);
  return jobs
    .filter((job) => !isSteady(job))
    .map((job) => ({ job, fires: addFires(job, hour.at, toAt, scratch) }))
    .filter(({ fires }) => fires > 0)
    .sort((a, b) => b.fires - a.fires);
}
