/** The visible rows of a long list. Only those are drawn. */
import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

const OVERSCAN = 6;

export type Range = { readonly from: number; readonly to: number };

/**
 * The visible rows [from, to) of the list at `ref`, with a few around them. The list has `count` rows, each `rowPx` high.
 */
export function useVisibleRows(ref: RefObject<HTMLElement | null>, count: number, rowPx: number): Range {
  const [range, setRange] = useState<Range>({ from: 0, to: 20 });
  useLayoutEffect(() => {
    const measure = () => {
      const top = ref.current?.getBoundingClientRect().top ?? 0;
      const from = Math.max(0, Math.floor(-top / rowPx) - OVERSCAN);
      const to = Math.ceil((innerHeight - top) / rowPx) + OVERSCAN;
      setRange((old) => (old.from === from && old.to === to ? old : { from, to }));
    };
    measure();
    addEventListener("scroll", measure, { passive: true });
    addEventListener("resize", measure);
    return () => {
      removeEventListener("scroll", measure);
      removeEventListener("resize", measure);
    };
  }, [ref, rowPx]);
  return { from: Math.min(range.from, Math.max(0, count - 1)), to: Math.min(range.to, count) };
}
