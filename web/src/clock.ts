/** The present, for countdowns. The whole page shares one timer, which stops while the page is hidden. */
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";

const SECOND_MS = 1_000;

/**
 * The present in epoch ms, updated at each full second while the page is visible. Components that read it draw themselves
 * again.
 */
export const now = signal(Date.now());

let timer: ReturnType<typeof setTimeout> | undefined;

function tick(): void {
  now.value = Date.now();
  timer = setTimeout(tick, SECOND_MS - (Date.now() % SECOND_MS));
}

document.addEventListener("visibilitychange", () => {
  clearTimeout(timer);
  if (document.visibilityState === "visible") tick();
});
tick();

/** Calls `act` every `ms` while the page is visible and the component is shown. */
export function useEverySeen(ms: number, act: () => void): void {
  const latest = useRef(act);
  latest.current = act;
  useEffect(() => {
    let stop = (): void => undefined;
    const next = (): void => {
      stop = afterSeen(ms, () => {
        latest.current();
        next();
      });
    };
    next();
    return () => stop();
  }, [ms]);
}

/** Calls `act` once after `ms`, or when the page is next visible after that. The returned function cancels it. */
export function afterSeen(ms: number, act: () => void): () => void {
  const whenSeen = (): void => {
    if (document.visibilityState !== "visible") return;
    document.removeEventListener("visibilitychange", whenSeen);
    act();
  };
  const due = setTimeout(() => {
    document.addEventListener("visibilitychange", whenSeen);
    whenSeen();
  }, ms);
  return () => {
    clearTimeout(due);
    document.removeEventListener("visibilitychange", whenSeen);
  };
}
