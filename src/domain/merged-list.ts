/** Lists that are spread over several shards of the directory, or over several indexes of one. */
import type { Found } from "./page.ts";

/**
 * The first `limit` items of sorted lists, as one sorted list. Equal items are one item that was met in two shards while it
 * moved between them; the first list's stays. Each list must hold its own first `limit` items, or all there are.
 */
export function mergeSorted<T>(lists: readonly (readonly T[])[], compare: (a: T, b: T) => number, limit: number): T[] {
  const sorted = lists.flat().sort(compare);
  const merged: T[] = [];
  for (const item of sorted) {
    if (merged.length === limit) break;
    const last = merged.at(-1);
    if (last === undefined || compare(last, item) !== 0) merged.push(item);
  }
  return merged;
}

/**
 * Merges like {@link mergeSorted}, but the lists may not have been searched to their ends. Rows after the earliest such
 * place may be incomplete, so they wait for the next page.
 */
export function mergeFound<T extends Key, Key>(
  founds: readonly Found<T, Key>[],
  compare: (a: Key, b: Key) => number,
  limit: number,
): Found<T, Key> {
  const [stop] = founds.flatMap(({ stoppedAt }) => (stoppedAt === undefined ? [] : [stoppedAt])).sort(compare);
  const lists = founds.map(({ items }) => items);
  if (stop === undefined) return { items: mergeSorted(lists, compare, limit) };
  const whole = lists.map((items) => items.filter((item) => compare(item, stop) <= 0));
  const items = mergeSorted(whole, compare, limit);
  return items.length < limit ? { items, stoppedAt: stop } : { items };
}

/** The order of lists, newest first, for {@link mergeSorted}. Ids are ASCII, so JavaScript's order is SQLite's. */
export const newestFirst =
  <T extends { readonly id: string }>(at: (row: T) => number) =>
  (a: T, b: T): number =>
    at(b) - at(a) || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
