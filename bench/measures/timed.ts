/** Jobs created over HTTP and their calls: the measures of speed and lag, and the check that each job fired exactly once. */
import { setTimeout as sleep } from "node:timers/promises";
import { type Load, load } from "../load.ts";
import type { Sink } from "../sink.ts";
import { quantile } from "../stats.ts";
import type { Running } from "../systems/system.ts";

export type CreateFigures = { readonly perSecond: number; readonly p50Ms: number; readonly p99Ms: number };
export type LagFigures = {
  readonly firstMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly firesPerSecond: number;
  /** Jobs that were called more than once. */
  readonly repeated: number;
};

/** How many creates are under way at a time. */
const CONNECTIONS = 16;
/** Fires later than this count as lost. */
const LIMIT_MS = 120_000;
/** Creates are made for a time far enough ahead; the factor allows for a system that slows down as it fills. */
const AHEAD_FACTOR = 1.7;
const AHEAD_MS = 2_000;

/** Creates that are not counted: they load the code and open the connections. Returns how many a second were made. */
export async function warmUp(system: Running, jobs: number): Promise<number> {
  const dueAt = Date.now() + 24 * 3_600_000;
  const { elapsedMs } = await load(
    system.port,
    CONNECTIONS,
    requests(system, jobs, () => dueAt),
  );
  return (jobs / elapsedMs) * 1_000;
}

/** Makes `jobs` jobs, the first due at `firstDueAt` and each further one `gapMs` later. */
export async function create(system: Running, jobs: number, firstDueAt: number, gapMs: number): Promise<CreateFigures> {
  const made: Load = await load(
    system.port,
    CONNECTIONS,
    requests(system, jobs, (n) => firstDueAt + n * gapMs),
  );
  return {
    perSecond: (jobs / made.elapsedMs) * 1_000,
    p50Ms: quantile(made.latenciesMs, 0.5),
    p99Ms: quantile(made.latenciesMs, 0.99),
  };
}

/** The time by which all jobs are created at this rate. */
export const dueAfter = (jobs: number, perSecond: number): number =>
  Math.ceil(Date.now() + (jobs / perSecond) * 1_000 * AHEAD_FACTOR + AHEAD_MS);

/** Waits for the calls of `jobs` jobs. Throws if some do not come. */
export async function lag(sink: Sink, jobs: number, lastDueAt: number): Promise<LagFigures> {
  await sleep(Math.max(0, lastDueAt - Date.now()));
  const arrivals = await sink.arrivals(jobs, LIMIT_MS);
  const ids = new Set(arrivals.map(({ id }) => id));
  const lags = arrivals.map(({ at, dueAt }) => at - dueAt);
  const times = arrivals.map(({ at }) => at);
  return {
    firstMs: quantile(lags, 0),
    p50Ms: quantile(lags, 0.5),
    p99Ms: quantile(lags, 0.99),
    firesPerSecond: (arrivals.length / (quantile(times, 1) - quantile(times, 0))) * 1_000,
    repeated: arrivals.length - ids.size + Math.max(0, jobs - ids.size),
  };
}

const requests = (system: Running, jobs: number, dueAt: (n: number) => number) =>
  Array.from({ length: jobs }, (_, n) => system.create(dueAt(n), n));
