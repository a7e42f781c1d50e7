/** Fires: the due times of one job. They follow from a schedule, the job's anchor and its share of the jitter. */
import { Effort } from "./effort.ts";
import { MAX_INSTANT } from "./instant.ts";
import { delayed, type Recurrence, within } from "./recurrence.ts";
import type { Schedule } from "./schedule.ts";

/** The fires of a job. Instants are epoch ms. */
export type Fires = {
  /** The first fire strictly after `after`, or null if there is none. */
  readonly next: (after: number) => number | null;
  /** The latest fire at or before `until`, or null if there is none. */
  readonly last: (until: number) => number | null;
  /**
   * The next `count` fires after `after`, oldest first. There are fewer if the schedule ends or they are too far apart to
   * search for.
   */
  readonly take: (after: number, count: number) => number[];
  /** The fires from `from` to `to`, both included, oldest first, at most `cap`. */
  readonly between: (from: number, to: number, cap: number) => number[];
  /** The number of fires after `after` up to and including `until`. Counting stops at `cap`. */
  readonly count: (after: number, until: number, cap: number) => number;
  /** Whether `count` is cheap for any number of fires, because it does not walk them. */
  readonly countsAtOnce: boolean;
};

/** The facts of a job, besides the schedule, that its fires depend on. */
export type FirePhase = {
  /**
   * The start of the count of `every` if it has no `starts_at`. It is the job's creation or its last schedule change, epoch
   * ms.
   */
  readonly anchorAt: number;
  /** The job's own delay, `jitterDelay(jobId, schedule.jitterMs)`; default none. */
  readonly delayMs?: number;
};

/** Binds a schedule to a job's phase. */
export function bindFires(schedule: Schedule, { anchorAt, delayMs = 0 }: FirePhase): Fires {
  const fires = within(delayed(schedule.nominal(anchorAt), delayMs), Number.NEGATIVE_INFINITY, MAX_INSTANT);
  const between = (from: number, to: number, cap: number) => walk(fires, from - 1, to, cap);
  return {
    next: (after) => fires.next(after, new Effort()),
    last: (until) => fires.last(until, new Effort()),
    take: (after, count) => walk(fires, after, MAX_INSTANT, count),
    between,
    count: (after, until, cap) =>
      fires.count === undefined
        ? between(after + 1, until, cap).length
        : Math.min(cap, fires.count(after, until, cap, effortFor(cap))),
    countsAtOnce: fires.count !== undefined,
  };
}

/** The number of fires of one question that add to its effort. */
const MAX_WALKED = 10_000;
const effortFor = (cap: number): Effort => new Effort(Math.max(1, Math.min(cap, MAX_WALKED)));

function walk(fires: Recurrence, after: number, until: number, cap: number): number[] {
  const found: number[] = [];
  const effort = effortFor(cap);
  let at = after;
  while (found.length < cap) {
    const next = fires.next(at, effort);
    if (next === null || next > until) break;
    found.push(next);
    at = next;
  }
  return found;
}
