/** The marks on a job's timeline: a bar for each past run, a dot for each coming fire. */
import { runInWords } from "../../parts/run-strip.tsx";
import { countdown, dayAndTime } from "../../time/format.ts";
import { BASE_Y, type ComingFire, type PastBar, TOP_Y } from "./timeline-layout.ts";

type BarProps = {
  readonly bar: PastBar;
  readonly isSelected: boolean;
  readonly onPoint: (id: string | undefined) => void;
  readonly onSelect: () => void;
};

/** A bar with a notch for each attempt after the first. A skipped fire is a hollow diamond with its reason in the title. */
export function Bar({ bar, isSelected, onPoint, onSelect }: BarProps) {
  const { run, x, width, height } = bar;
  const middle = x + width / 2;
  const notches = Array.from(
    { length: Math.min(run.attempt - 1, 9) },
    (_, index) => BASE_Y - (height * (index + 1)) / run.attempt,
  );
  return (
    <g
      id={`bar-${run.id}`}
      class={`bar is-${run.status}`}
      role="option"
      aria-selected={isSelected}
      aria-label={`${dayAndTime(Date.parse(run.scheduled_at), Date.parse(run.started_at))}, ${runInWords(run)}`}
      onClick={onSelect}
      onPointerEnter={() => onPoint(run.id)}
      onPointerLeave={() => onPoint(undefined)}
    >
      <title>{runInWords(run)}</title>
      <rect class="hit" x={x - 2} y={TOP_Y - 6} width={width + 4} height={BASE_Y - TOP_Y + 10} />
      {run.status === "skipped" ? (
        <path class="body" d={`M${middle} ${BASE_Y - 14}l5 6-5 6-5-6z`} />
      ) : (
        <rect class="body" x={x} y={BASE_Y - height} width={width} height={height} rx={Math.min(2, width / 2)} />
      )}
      {notches.map((y) => (
        <line key={y} class="notch" x1={x - 1} x2={x + width + 1} y1={y} y2={y} />
      ))}
      {isSelected ? <path class="chosen" d={`M${middle - 5} ${BASE_Y + 9}l5 -6 5 6z`} /> : null}
    </g>
  );
}

type FireMarkProps = {
  readonly fire: ComingFire;
  readonly isNext: boolean;
  /** The present time, epoch ms. */
  readonly at: number;
};

export function FireMark({ fire, isNext, at }: FireMarkProps) {
  return (
    <g class={isNext ? "fire is-next" : "fire"}>
      <line x1={fire.x} x2={fire.x} y1={BASE_Y - 26} y2={BASE_Y} />
      <circle cx={fire.x} cy={BASE_Y - 31} r={5} />
      <title>{`${dayAndTime(fire.at, at)}, in ${countdown(fire.at - at)}`}</title>
      {fire.label === undefined ? null : (
        <text x={fire.x} y={BASE_Y + 16} text-anchor="middle">
          {fire.label}
        </text>
      )}
    </g>
  );
}
