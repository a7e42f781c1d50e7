/** A page of a list that was read one row longer than it is shown. */

/** `next` is where the following page goes on, left out on the last one. */
export type Page<T, Key> = { readonly items: T[]; readonly next?: Key };

/** The first `limit` of `rows`, which hold up to one more; `key` names the place of a row, after which the next page begins. */
export function pageOf<T, Key>(rows: readonly T[], limit: number, key: (row: T) => Key): Page<T, Key> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: key(last) } : { items };
}
