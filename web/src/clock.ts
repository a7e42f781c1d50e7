/** The present, for countdowns: one timer for the whole page, stopped while nobody looks. */
import { signal } from "@preact/signals";

const SECOND_MS = 1_000;

/** Epoch ms, renewed at each full second while the page is seen. Components that read it draw themselves anew. */
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

/** Calls `act` once after `ms`, or when the page is next seen after that. Returns what calls it off. */
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
