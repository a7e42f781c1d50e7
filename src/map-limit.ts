/** Calls to other objects, a few at a time. */

/**
 * The number of calls that may wait for answers at once. The platform allows six in one invocation; a seventh would only
 * queue.
 */
export const CALLS_AT_ONCE = 6;

/**
 * Does `work` for each item, at most `atOnce` at a time. Work begins, and answers come, in the order of the items. If one
 * throws, this throws the same. Work under way continues, and no further work begins.
 */
export async function mapLimit<T, R>(
  items: Iterable<T>,
  work: (item: T) => Promise<R>,
  atOnce = CALLS_AT_ONCE,
): Promise<R[]> {
  const all = [...items];
  const queue = all.entries();
  const answers: R[] = [];
  const worker = async (): Promise<void> => {
    for (const [i, item] of queue) answers[i] = await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, all.length) }, worker));
  return answers;
}
