/**
 * Moves through the rows of a list by keyboard. One row at a time can be reached with Tab; j and k (or the arrows) move
 * from there.
 */
import type { RefObject } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useShortcuts } from "../keys.ts";

export type Roving = { readonly current: number; moveTo(index: number): void };

/** @param rowPx a row's height, for scrolling to a row that is not drawn yet */
export function useRoving(count: number, rowPx: number, list: RefObject<HTMLElement | null>): Roving {
  const [current, setCurrent] = useState(0);
  const wantsFocus = useRef(false);
  const move = (step: number) => {
    if (count === 0) return;
    const isInside = list.current?.contains(document.activeElement) ?? false;
    const next = isInside ? Math.min(count - 1, Math.max(0, current + step)) : current;
    const top = (list.current?.getBoundingClientRect().top ?? 0) + next * rowPx;
    if (top < 0 || top + rowPx > innerHeight) scrollBy(0, top - innerHeight / 2);
    wantsFocus.current = true;
    setCurrent(next);
    focusCurrent();
  };
  const focusCurrent = () => {
    if (!wantsFocus.current) return;
    const row = list.current?.querySelector<HTMLElement>("[data-current] a");
    if (row === null || row === undefined) return;
    row.focus({ preventScroll: true });
  };
  useLayoutEffect(() => {
    focusCurrent();
    wantsFocus.current = false;
  }, [current]);
  useShortcuts({ j: () => move(1), k: () => move(-1), ArrowDown: () => move(1), ArrowUp: () => move(-1) });
  return { current: Math.min(current, Math.max(0, count - 1)), moveTo: setCurrent };
}
