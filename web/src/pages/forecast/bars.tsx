/** Bars over time: one can be chosen, by pointer or by arrow keys. */
import { useRef } from "preact/hooks";
import { useWidth } from "../../parts/size.ts";

export type BarItem = {
  readonly key: number;
  readonly value: number;
  readonly label: string | undefined;
  readonly words: string;
  readonly isHot: boolean;
};

export type BarsProps = {
  readonly name: string;
  readonly items: readonly BarItem[];
  readonly height: number;
  readonly chosen?: number | undefined;
  readonly onChoose?: (key: number) => void;
};

const LABEL_PX = 18;
const TOP_PX = 16;

export function Bars({ name, items, height, chosen, onChoose }: BarsProps) {
  const box = useRef<HTMLDivElement>(null);
  const width = useWidth(box, 960);
  const most = Math.max(1, ...items.map(({ value }) => value));
  const slot = width / Math.max(1, items.length);
  const gap = Math.min(6, slot * 0.2);
  const plot = height - LABEL_PX - TOP_PX;
  const step = (by: number) => {
    const index = items.findIndex(({ key }) => key === chosen);
    const next = items[Math.min(items.length - 1, Math.max(0, index + by))];
    if (next !== undefined) onChoose?.(next.key);
  };
  const labelEvery = Math.ceil(44 / slot);
  return (
    <div
      ref={box}
      class={onChoose === undefined ? "bars" : "bars is-choice"}
      role={onChoose === undefined ? "img" : "listbox"}
      aria-label={
        onChoose === undefined
          ? `${name}: ${items
              .filter(({ value }) => value > 0)
              .map(({ words }) => words)
              .join("; ")}`
          : name
      }
      tabIndex={onChoose === undefined ? undefined : 0}
      aria-activedescendant={onChoose === undefined || chosen === undefined ? undefined : `${name}-${chosen}`}
      onKeyDown={(event) => {
        if (onChoose === undefined || (event.key !== "ArrowLeft" && event.key !== "ArrowRight")) return;
        event.preventDefault();
        step(event.key === "ArrowLeft" ? -1 : 1);
      }}
    >
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="presentation">
        <line class="base" x1={0} x2={width} y1={TOP_PX + plot} y2={TOP_PX + plot} />
        {items.map((item, index) => {
          const barHeight = item.value === 0 ? 0 : Math.max(2, (plot * item.value) / most);
          return (
            <g
              key={item.key}
              {...(onChoose === undefined
                ? {}
                : {
                    id: `${name}-${item.key}`,
                    role: "option" as const,
                    "aria-selected": item.key === chosen,
                    "aria-label": item.words,
                    onClick: () => onChoose(item.key),
                  })}
              class={`forecast-bar ${item.isHot ? "is-hot" : ""} ${item.key === chosen ? "is-chosen" : ""}`}
            >
              <title>{item.words}</title>
              <rect class="hit" x={index * slot} y={0} width={slot} height={height} />
              <rect
                class="body"
                x={index * slot + gap / 2}
                y={TOP_PX + plot - barHeight}
                width={Math.max(1, slot - gap)}
                height={barHeight}
              />
              {item.value === 0 || slot < 26 ? null : (
                <text class="value" x={(index + 0.5) * slot} y={TOP_PX + plot - barHeight - 4} text-anchor="middle">
                  {short(item.value)}
                </text>
              )}
              {item.label === undefined || index % labelEvery !== 0 ? null : (
                <text
                  class="axis"
                  x={items.length > 30 ? index * slot : (index + 0.5) * slot}
                  y={height - 3}
                  text-anchor={items.length > 30 ? "start" : "middle"}
                >
                  {item.label}
                </text>
              )}
            </g>
          );
        })}
      </svg>
    </div>
  );
}

const short = (value: number): string =>
  value >= 10_000 ? `${Math.round(value / 1_000)}k` : value.toLocaleString("en");
