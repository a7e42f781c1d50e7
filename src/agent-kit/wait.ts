/** Waits that work on every runtime. */

/** Resolves after `ms`. */
export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The value that `work` resolves to, or `instead` after `ms`. `work` continues. */
export async function within<T, U>(work: Promise<T>, ms: number, instead: U): Promise<T | U> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<U>((resolve) => {
    timer = setTimeout(() => resolve(instead), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    cancel(timer);
  }
}

/** Stops a timer that may not have been set. */
export function cancel(timer: ReturnType<typeof setTimeout> | undefined): void {
  if (timer !== undefined) clearTimeout(timer);
}

/** The longest wait of a timer. A longer one would end at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;
