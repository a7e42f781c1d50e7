/** The place of each run and each coming fire in the timeline. Lengths are px, instants epoch ms. */
import type { Run } from "../../api/jobs.ts";
import { durationOf } from "../../parts/run-strip.tsx";
import { dayAndTime, timeOfDay } from "../../time/format.ts";

export const HEIGHT = 148;
export const TOP_Y = 30;
export const BASE_Y = 122;
const MAX_BARS = 60;
const PAST_SHARE = 0.66;
const MARGIN = 10;
const MIN_BAR = 3;
const MAX_BAR = 12;
const LABEL_GAP = 92;
const FIRE_GAP = 16;
const DAY_MS = 86_400_000;

export type PastBar = { readonly run: Run; readonly x: number; readonly width: number; readonly height: number };
export type ComingFire = { readonly at: number; readonly x: number; readonly label: string | undefined };

export type Layout = {
  /** Oldest first. */
  readonly bars: readonly PastBar[];
  readonly fires: readonly ComingFire[];
  readonly nowX: number;
  readonly pastFrom: number;
  /** The last fire that is drawn. Undefined if there is none. */
  readonly futureTo: number | undefined;
  /** The longest duration in ms, which the highest bar shows. */
  readonly longest: number;
};

/** @param runs newest first */
export function layOut(runs: readonly Run[], fires: readonly number[], now: number, width: number): Layout {
  const nowX = Math.round(width * PAST_SHARE);
  const maxBars = Math.max(8, Math.min(MAX_BARS, Math.floor((nowX - 2 * MARGIN) / (MIN_BAR + 2))));
  const shown = runs.slice(0, maxBars).toReversed();
  const times = shown.map((run) => Date.parse(run.scheduled_at));
  const pastFrom = Math.min(now - 1, ...times);
  const pastX = (at: number) => MARGIN + ((nowX - 2 * MARGIN) * (Math.min(at, now) - pastFrom)) / (now - pastFrom);
  const barWidth = Math.max(MIN_BAR, Math.min(MAX_BAR, smallestGap(times.map(pastX)) - 2));
  const longest = Math.max(1, ...shown.map((run) => (run.status === "skipped" ? 0 : durationOf(run))));
  const bars = shown.map((run, index) => ({
    run,
    x: pastX(times[index] ?? now) - barWidth / 2,
    width: barWidth,
    height: Math.max(5, (BASE_Y - TOP_Y) * Math.sqrt(durationOf(run) / longest)),
  }));
  return { bars, fires: layOutFires(fires, now, nowX, width), nowX, pastFrom, futureTo: fires.at(-1), longest };
}

function smallestGap(xs: readonly number[]): number {
  const sorted = [...xs].sort((a, b) => a - b);
  return sorted.reduce(
    (gap, x, index) => (index === 0 ? gap : Math.min(gap, x - (sorted[index - 1] ?? x))),
    MAX_BAR + 2,
  );
}

function layOutFires(fires: readonly number[], now: number, nowX: number, width: number): readonly ComingFire[] {
  const room = width - nowX - 2 * MARGIN - 24;
  const shown = fires.slice(0, Math.max(2, Math.floor(room / FIRE_GAP)));
  const to = shown.at(-1);
  if (to === undefined) return [];
  let labelledTo = nowX + 14;
  return shown.map((at) => {
    const x = nowX + MARGIN + 8 + (to <= now ? 0 : (room * Math.max(0, at - now)) / (to - now));
    const isFree = x - LABEL_GAP / 2 > labelledTo - 34 && x + LABEL_GAP / 2 < width + 12;
    if (isFree) labelledTo = x + LABEL_GAP / 2 + 34;
    return { at, x, label: isFree ? labelOf(at, now) : undefined };
  });
}

const labelOf = (at: number, now: number): string => (at - now > DAY_MS ? dayAndTime(at, now) : timeOfDay(at));
