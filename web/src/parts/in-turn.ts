/**
 * Work for many rows, a few at a time, so that scrolling far does not flood the service. What is no longer in sight
 * is left out.
 */
const AT_ONCE = 6;
const waiting: { readonly work: () => Promise<void>; readonly signal: AbortSignal }[] = [];
let running = 0;

/** Does the work when its turn comes, unless `signal` is aborted before. The newest comes first: it is what is being looked at. */
export function inTurn(work: () => Promise<void>, signal: AbortSignal): void {
  waiting.push({ work, signal });
  proceed();
}

function proceed(): void {
  while (running < AT_ONCE) {
    const next = waiting.pop();
    if (next === undefined) return;
    if (next.signal.aborted) continue;
    running++;
    next.work().finally(() => {
      running--;
      proceed();
    });
  }
}
