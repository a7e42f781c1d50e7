/** Bars over time, for display or for a choice by pointer or arrow keys. */
import { useRef } from "preact/hooks";
import { useWidth } from "../../parts/size.ts";

export type BarItem = {
  readonly key: number;
  readonly value: number;
  readonly label: string | undefined;
  readonly words: string;
  readonly isHot: boolean;
  /** The words at the bar instead of the value. */
  readonly shown?: string;
};

export type BarsProps = { readonly name: string; readonly items: readonly BarItem[]; readonly height: number };

/** A chart with its values in words. */
export function Bars({ name, items, height }: BarsProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 960);
  const slots = slotsOf(items, width, height);
  const words = items.filter(({ value }) => value > 0).map((item) => item.words);
  return (
    <div ref={box} class="bars">
      <svg
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="img"
        aria-label={`${name}: ${words.join("; ")}`}
      >
        {slots.map((slot) => (
          <g key={slot.item.key} class={slot.item.isHot ? "forecast-bar is-hot" : "forecast-bar"}>
            <Bar slot={slot} />
          </g>
        ))}
        <Labels slots={slots} />
      </svg>
    </div>
  );
}

export type ChoiceBarsProps = BarsProps & { readonly chosen: number; readonly onChoose: (key: number) => void };

/** A list with one chosen item. */
export function ChoiceBars({ name, items, height, chosen, onChoose }: ChoiceBarsProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 960);
  const slots = slotsOf(items, width, height);
  const step = (by: number) => {
    const index = items.findIndex(({ key }) => key === chosen);
    const next = items[Math.min(items.length - 1, Math.max(0, index + by))];
    if (next !== undefined) onChoose(next.key);
  };
  return (
    <div
      ref={box}
      class="bars is-choice"
      role="listbox"
      aria-label={name}
      tabIndex={0}
      aria-activedescendant={`bar-${chosen}`}
      onKeyDown={(event) => {
        if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
        event.preventDefault();
        step(event.key === "ArrowLeft" ? -1 : 1);
      }}
    >
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="presentation">
        {slots.map((slot) => (
          <g
            key={slot.item.key}
            id={`bar-${slot.item.key}`}
            role="option"
            aria-selected={slot.item.key === chosen}
            aria-label={slot.item.words}
            onClick={() => onChoose(slot.item.key)}
            class={`forecast-bar ${slot.item.isHot ? "is-hot" : ""} ${slot.item.key === chosen ? "is-chosen" : ""}`}
          >
            <Bar slot={slot} />
          </g>
        ))}
        <Labels slots={slots} />
      </svg>
    </div>
  );
}

const LABEL_PX = 18;
const TOP_PX = 16;
const LABEL_ROOM_PX = 44;
const VALUE_ROOM_PX = 26;

type Slot = {
  readonly item: BarItem;
  readonly x: number;
  readonly width: number;
  readonly barWidth: number;
  readonly barHeight: number;
  readonly height: number;
  readonly label: string | undefined;
};

function slotsOf(items: readonly BarItem[], width: number, height: number): readonly Slot[] {
  const most = Math.max(1, ...items.map(({ value }) => value));
  const slot = width / Math.max(1, items.length);
  const plot = height - LABEL_PX - TOP_PX;
  const labels = items.filter(({ label }) => label !== undefined).length;
  const labelEvery = Math.ceil(LABEL_ROOM_PX / (width / Math.max(1, labels)));
  return items.map((item, index) => ({
    item,
    x: index * slot,
    width: slot,
    barWidth: Math.max(1, slot - Math.min(6, slot * 0.2)),
    barHeight: item.value === 0 ? 0 : Math.max(2, (plot * item.value) / most),
    height,
    label: labels === items.length && index % labelEvery !== 0 ? undefined : item.label,
  }));
}

function Bar({ slot: { item, x, width, barWidth, barHeight, height } }: { readonly slot: Slot }) {
  const base = height - LABEL_PX;
  const middle = x + width / 2;
  return (
    <>
      <title>{item.words}</title>
      <rect class="hit" x={x} y={0} width={width} height={height} />
      <line class="base" x1={x} x2={x + width} y1={base} y2={base} />
      <rect class="body" x={middle - barWidth / 2} y={base - barHeight} width={barWidth} height={barHeight} />
    </>
  );
}

/** The words at the bars. They are drawn separately, since each bar also has its own words for screen readers. */
function Labels({ slots }: { readonly slots: readonly Slot[] }) {
  return (
    <svg aria-hidden="true" class="labels">
      {slots.map(({ item, x, width, barHeight, height, label }) => {
        const isNarrow = width < VALUE_ROOM_PX;
        const middle = x + width / 2;
        return (
          <g key={item.key}>
            {item.value === 0 || isNarrow ? null : (
              <text class="value" x={middle} y={height - LABEL_PX - barHeight - 4} text-anchor="middle">
                {item.shown ?? short(item.value)}
              </text>
            )}
            {label === undefined ? null : (
              <text x={isNarrow ? x : middle} y={height - 3} text-anchor={isNarrow ? "start" : "middle"}>
                {label}
              </text>
            )}
          </g>
        );
      })}
    </svg>
  );
}

const short = (value: number): string =>
  value >= 10_000 ? `${Math.round(value / 1_000)}k` : value.toLocaleString("en");
