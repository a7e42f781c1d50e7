/**
 * Work for many rows, a few at a time, so that fast scrolling does not flood the service. Rows that are no longer visible
 * are left out.
 */
const AT_ONCE = 6;
const waiting: { readonly work: () => Promise<void>; readonly signal: AbortSignal }[] = [];
let running = 0;

/**
 * Does the work when its turn comes, unless `signal` is aborted before. The newest comes first, since the user is looking
 * at it.
 */
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
