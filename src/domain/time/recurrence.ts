/**
 * Recurrences: the times at which something is due. Each kind of schedule is one, and bounds, exclusions and jitter are
 * wrappers around it. Instants are epoch ms, whole.
 */
import { Effort, STEPS } from "./effort.ts";

/** A series of due times. If a question finds none within its effort, the answer is null. */
export type Recurrence = {
  /** The first due time strictly after `after`, or null if there is none. */
  readonly next: (after: number, effort: Effort) => number | null;
  /** The latest due time at or before `until`, or null if there is none. */
  readonly last: (until: number, effort: Effort) => number | null;
  /**
   * The number of due times after `after` up to and including `until`, if it is known without a walk. Counting may stop at
   * `cap`.
   */
  readonly count?: (after: number, until: number, cap: number, effort: Effort) => number;
};

/** The rate of a schedule: how often it fires at most. An owner's quota and the operator's `MIN_INTERVAL` limit it. */
export type Rate = {
  /** The most fires in 24 hours. */
  readonly perDay: number;
  /** The shortest time between two fires in ms. Infinite if there are not two. */
  readonly minGapMs: number;
};

/** The recurrence that is never due: a manual schedule. */
export const NEVER: Recurrence = { next: () => null, last: () => null, count: () => 0 };

/** Due once, at `at`. */
export const once = (at: number): Recurrence => ({
  next: (after) => (at > after ? at : null),
  last: (until) => (at <= until ? at : null),
});

/** Due at `first` + k·`everyMs`, k = 0, 1, …. It counts real time, so clock changes do not affect it. */
export function interval(first: number, everyMs: number): Recurrence {
  const index = (at: number) => Math.floor((at - first) / everyMs);
  return {
    next: (after) => first + Math.max(0, index(after) + 1) * everyMs,
    last: (until) => (until < first ? null : first + index(until) * everyMs),
    count: (after, until) => Math.max(0, index(until) - Math.max(-1, index(after))),
  };
}

/** The due times from `from` to `to`, both included. */
export function within(inner: Recurrence, from: number, to: number): Recurrence {
  const { count } = inner;
  return {
    next(after, effort) {
      const at = inner.next(Math.max(after, from - 1), effort);
      return at === null || at > to ? null : at;
    },
    last(until, effort) {
      const at = inner.last(Math.min(until, to), effort);
      return at === null || at < from ? null : at;
    },
    ...(count === undefined
      ? {}
      : {
          count: (after: number, until: number, cap: number, effort: Effort) =>
            count(Math.max(after, from - 1), Math.min(until, to), cap, effort),
        }),
  };
}

/** The due times of `inner`, each `delayMs` later. */
export function delayed(inner: Recurrence, delayMs: number): Recurrence {
  const { count } = inner;
  const later = (at: number | null) => (at === null ? null : at + delayMs);
  return {
    next: (after, effort) => later(inner.next(after - delayMs, effort)),
    last: (until, effort) => later(inner.last(until - delayMs, effort)),
    ...(count === undefined
      ? {}
      : {
          count: (after: number, until: number, cap: number, effort: Effort) =>
            count(after - delayMs, until - delayMs, cap, effort),
        }),
  };
}

/**
 * The steps for counting the times of a rule with COUNT. A count that runs out ends the rule. So there are enough steps
 * even if the rule names a time in few of its periods, each of which costs up to a hundred.
 */
const STEPS_FOR_COUNTING = 250_000;

/**
 * The first `count` due times from `start` on. `mostUpTo` gives an upper bound of their number up to an instant. While the
 * bound is at most `count`, nothing is counted. After that they are counted once, and only as far as needed.
 */
export function firstOf(inner: Recurrence, start: number, count: number, mostUpTo: (at: number) => number): Recurrence {
  const counted = { times: 0, at: start - 1 };
  /** Whether all times up to `limit`, or `count` of them, have been counted. It happens once, so it has its own effort. */
  const countUpTo = (limit: number): boolean => {
    const effort = new Effort(count, STEPS_FOR_COUNTING);
    while (counted.times < count) {
      const next = inner.next(counted.at, effort);
      if (next === null) return false;
      if (next > limit) return true;
      counted.at = next;
      counted.times++;
    }
    return true;
  };
  const isAmong = (at: number): boolean => {
    if (mostUpTo(at) <= count) return true;
    return countUpTo(at) && (counted.times < count || at <= counted.at);
  };
  return {
    next(after, effort) {
      const at = inner.next(after, effort);
      return at === null || !isAmong(at) ? null : at;
    },
    last(until, effort) {
      const at = inner.last(until, effort);
      if (at === null || isAmong(at)) return at;
      return counted.times === count ? counted.at : null;
    },
  };
}

/** The due times of `inner`, and `times` as well. */
export function union(inner: Recurrence, times: readonly number[]): Recurrence {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    next(after, effort) {
      const due = inner.next(after, effort);
      const other = sorted.find((at) => at > after);
      return due === null ? (other ?? null) : Math.min(due, other ?? due);
    },
    last(until, effort) {
      const due = inner.last(until, effort);
      const other = sorted.findLast((at) => at <= until);
      return due === null ? (other ?? null) : Math.max(due, other ?? due);
    },
  };
}

/** A stretch of time around an instant without a due time, from `from` up to but not including `to`. */
export type Gap = { readonly from: number; readonly to: number };

/**
 * The due times that lie in no gap. `gapAt` gives the gap around an instant, or undefined. `freeUntil` gives, for an
 * instant outside gaps, a later one before which there is no gap. With it, everything in between is counted at once.
 */
export function outside(
  inner: Recurrence,
  gapAt: (at: number) => Gap | undefined,
  freeUntil?: (at: number) => number,
): Recurrence {
  const { count } = inner;
  return {
    ...(count === undefined || freeUntil === undefined
      ? {}
      : {
          count(after: number, until: number, cap: number, effort: Effort) {
            let counted = 0;
            let at = inner.next(after, effort);
            while (at !== null && at <= until && counted < cap && effort.spend(STEPS.gap)) {
              const gap = gapAt(at);
              const end: number = gap?.to ?? Math.min(freeUntil(at), until + 1);
              if (gap === undefined) counted += 1 + count(at, end - 1, cap - counted - 1, effort);
              at = inner.next(Math.max(at, end - 1), effort);
            }
            return counted;
          },
        }),
    next(after, effort) {
      let at = inner.next(after, effort);
      while (at !== null && effort.spend(STEPS.gap)) {
        const gap = gapAt(at);
        if (gap === undefined) return at;
        at = inner.next(Math.max(at, gap.to - 1), effort);
      }
      return null;
    },
    last(until, effort) {
      let at = inner.last(until, effort);
      while (at !== null && effort.spend(STEPS.gap)) {
        const gap = gapAt(at);
        if (gap === undefined) return at;
        at = inner.last(Math.min(at, gap.from) - 1, effort);
      }
      return null;
    },
  };
}
