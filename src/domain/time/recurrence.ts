/**
 * Recurrences: when a schedule says that something is due. Each kind of schedule is one of these; bounds, exclusions and
 * jitter are wrappers around it. Instants are epoch ms, whole.
 */

/** A series of due times. */
export type Recurrence = {
  /** The first due time strictly after `after`, or null where there is none. */
  readonly next: (after: number) => number | null;
  /** The latest due time at or before `until`, or null where there is none. */
  readonly last: (until: number) => number | null;
  /**
   * How many due times lie after `after` and up to `until`, where that is known without walking over all of them; counting may
   * stop at `cap`.
   */
  readonly count?: (after: number, until: number, cap: number) => number;
};

/** How often a schedule fires at most: what an owner's quota and the operator's `MIN_INTERVAL` are held against. */
export type Rate = {
  /** The most fires of 24 hours. */
  readonly perDay: number;
  /** The shortest time between two fires in ms; infinite where there are no two. */
  readonly minGapMs: number;
};

/** The recurrence that is never due: a manual schedule. */
export const NEVER: Recurrence = { next: () => null, last: () => null, count: () => 0 };

/** Due once, at `at`. */
export const once = (at: number): Recurrence => ({
  next: (after) => (at > after ? at : null),
  last: (until) => (at <= until ? at : null),
});

/** Due at `first` + k·`everyMs`, k = 0, 1, …: real time, which clock changes do not touch. */
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
    next(after) {
      const at = inner.next(Math.max(after, from - 1));
      return at === null || at > to ? null : at;
    },
    last(until) {
      const at = inner.last(Math.min(until, to));
      return at === null || at < from ? null : at;
    },
    ...(count === undefined
      ? {}
      : {
          count: (after: number, until: number, cap: number) =>
            count(Math.max(after, from - 1), Math.min(until, to), cap),
        }),
  };
}

/** The due times, each `delayMs` later. */
export function delayed(inner: Recurrence, delayMs: number): Recurrence {
  const { count } = inner;
  const later = (at: number | null) => (at === null ? null : at + delayMs);
  return {
    next: (after) => later(inner.next(after - delayMs)),
    last: (until) => later(inner.last(until - delayMs)),
    ...(count === undefined
      ? {}
      : { count: (after: number, until: number, cap: number) => count(after - delayMs, until - delayMs, cap) }),
  };
}

/**
 * The first `count` due times from `start` on. `mostUpTo` tells how many there are at most up to an instant: while that is
 * not more than `count`, nothing is counted; else they are counted once, and no further than was asked for.
 */
export function firstOf(inner: Recurrence, start: number, count: number, mostUpTo: (at: number) => number): Recurrence {
  const counted = { times: 0, at: start - 1 };
  const countUpTo = (limit: number): void => {
    while (counted.times < count) {
      const next = inner.next(counted.at);
      if (next === null || next > limit) return;
      counted.at = next;
      counted.times++;
    }
  };
  const isAmong = (at: number): boolean => {
    if (mostUpTo(at) <= count) return true;
    countUpTo(at);
    return counted.times < count || at <= counted.at;
  };
  return {
    next(after) {
      const at = inner.next(after);
      return at === null || !isAmong(at) ? null : at;
    },
    last(until) {
      const at = inner.last(until);
      return at === null || isAmong(at) ? at : counted.at;
    },
  };
}

/** The due times, and `times` besides. */
export function union(inner: Recurrence, times: readonly number[]): Recurrence {
  const sorted = [...times].sort((a, b) => a - b);
  return {
    next(after) {
      const due = inner.next(after);
      const other = sorted.find((at) => at > after);
      return due === null ? (other ?? null) : Math.min(due, other ?? due);
    },
    last(until) {
      const due = inner.last(until);
      const other = sorted.findLast((at) => at <= until);
      return due === null ? (other ?? null) : Math.max(due, other ?? due);
    },
  };
}

/** A stretch of time that holds an instant and has no due time: from `from` up to, and without, `to`. */
export type Gap = { readonly from: number; readonly to: number };

/** So many stretches in a row are passed over; with nothing due between them, nothing is taken to be left. */
const MAX_GAPS = 4_000;

/**
 * The due times that lie in no gap; `gapAt` tells the gap around an instant, or undefined where it lies in none. `freeUntil` tells
 * of an instant in no gap a later one up to which, and without it, there is none either: with it, what lies between is counted at once.
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
          count(after: number, until: number, cap: number) {
            let counted = 0;
            let at = inner.next(after);
            for (let gaps = 0; at !== null && at <= until && counted < cap && gaps < MAX_GAPS; ) {
              const gap = gapAt(at);
              const end: number = gap?.to ?? Math.min(freeUntil(at), until + 1);
              if (gap === undefined) counted += 1 + count(at, end - 1, cap - counted - 1);
              gaps = gap === undefined ? 0 : gaps + 1;
              at = inner.next(Math.max(at, end - 1));
            }
            return counted;
          },
        }),
    next(after) {
      let at = inner.next(after);
      for (let gaps = 0; at !== null && gaps < MAX_GAPS; gaps++) {
        const gap = gapAt(at);
        if (gap === undefined) return at;
        at = inner.next(Math.max(at, gap.to - 1));
      }
      return null;
    },
    last(until) {
      let at = inner.last(until);
      for (let gaps = 0; at !== null && gaps < MAX_GAPS; gaps++) {
        const gap = gapAt(at);
        if (gap === undefined) return at;
        at = inner.last(Math.min(at, gap.from) - 1);
      }
      return null;
    },
  };
}
