/**
 * A job's past and future as a chart. Past runs are on the left, with the height of their duration, and coming fires on the
 * right. Each half has its own linear scale of time.
 */
import { useRef, useState } from "preact/hooks";
import type { Job, Run } from "../../api/jobs.ts";
import { now } from "../../clock.ts";
import { useMedia } from "../../parts/media.ts";
import { runInWords } from "../../parts/run-strip.tsx";
import { useWidth } from "../../parts/size.ts";
import { comingFires } from "../../time/fires.ts";
import { dayAndTime, shortDay, span, timeOfDay } from "../../time/format.ts";
import { CostByDay } from "./cost-bars.tsx";
import { BASE_Y, HEIGHT, layOut, TOP_Y } from "./timeline-layout.ts";
import { Bar, FireMark } from "./timeline-marks.tsx";

export type TimelineProps = {
  readonly job: Job;
  /** Newest first. */
  readonly runs: readonly Run[];
  readonly selected: string | undefined;
  readonly onSelect: (id: string | undefined) => void;
};

export function Timeline({ job, runs, selected, onSelect }: TimelineProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 960);
  const [pointed, setPointed] = useState<string>();
  const at = now.value;
  const { bars, fires, nowX, pastFrom, futureTo, longest } = layOut(runs, comingFires(job, 8), at, width);

  const step = (by: number) => {
    const current = bars.findIndex(({ run }) => run.id === selected);
    const next = bars[current < 0 ? bars.length - 1 : Math.min(bars.length - 1, Math.max(0, current + by))];
    if (next !== undefined) onSelect(next.run.id);
  };
  const isTouched = useMedia("(pointer: coarse)");
  const shown = bars.find(({ run }) => run.id === (pointed ?? selected))?.run;
  return (
    <section class="timeline" aria-labelledby="timeline-title">
      <div class="section-head">
        <h2 id="timeline-title">Timeline</h2>
        <p class="readout" aria-live="polite">
          {shown === undefined
            ? howToMove(bars.length, isTouched)
            : `${dayAndTime(Date.parse(shown.scheduled_at), at)} · ${runInWords(shown)}`}
        </p>
      </div>
      <div
        ref={box}
        class="timeline-box"
        role="listbox"
        tabIndex={0}
        aria-label={`Timeline of ${bars.length} runs; ${
          fires.length === 0
            ? "nothing scheduled"
            : `next fires: ${fires
                .slice(0, 3)
                .map(({ at: fireAt }) => dayAndTime(fireAt, at))
                .join(", ")}`
        }`}
        aria-activedescendant={selected === undefined ? undefined : `bar-${selected}`}
        onKeyDown={(event) => {
          if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
          event.preventDefault();
          step(event.key === "ArrowLeft" ? -1 : 1);
        }}
      >
        <svg width={width} height={HEIGHT} viewBox={`0 0 ${width} ${HEIGHT}`} role="presentation">
          <rect class="future" x={nowX} y={TOP_Y - 8} width={Math.max(0, width - nowX)} height={BASE_Y - TOP_Y + 8} />
          <line class="base" x1={0} x2={width} y1={BASE_Y} y2={BASE_Y} />
          {bars.length === 0 ? null : (
            <text class="scale" x={2} y={TOP_Y - 16}>
              {span(longest)}
            </text>
          )}
          {bars.map((bar) => (
            <Bar
              key={bar.run.id}
              bar={bar}
              isSelected={bar.run.id === selected}
              onPoint={setPointed}
              onSelect={() => onSelect(bar.run.id === selected ? undefined : bar.run.id)}
            />
          ))}
          <line class="now" x1={nowX} x2={nowX} y1={TOP_Y - 12} y2={BASE_Y + 6} />
          <text class="now-label" x={nowX} y={TOP_Y - 16} text-anchor="middle">
            now
          </text>
          {fires.map((fire, index) => (
            <FireMark key={fire.at} fire={fire} isNext={index === 0} at={at} />
          ))}
          {bars.length === 0 ? null : (
            <text class="axis" x={2} y={BASE_Y + 16}>
              {edge(pastFrom, at)}
            </text>
          )}
          {futureTo === undefined ? (
            <text class="axis" x={width - 2} y={BASE_Y + 16} text-anchor="end">
              nothing scheduled
            </text>
          ) : null}
        </svg>
      </div>
      <CostByDay job={job} runs={runs} />
    </section>
  );
}

const DAY_MS = 86_400_000;
const edge = (from: number, at: number): string =>
  at - from > DAY_MS ? `${shortDay(from)} ${timeOfDay(from)}` : timeOfDay(from);

function howToMove(runs: number, isTouched: boolean): string {
  if (runs === 0) return "No runs yet";
  return isTouched ? "Touch a run to see it" : "Arrow keys move through the runs";
}
