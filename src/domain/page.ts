/**
 * Pages of lists. The opaque `cursor` holds the key of the last item shown. So the next page begins right after it, however
 * many items come or go in the meantime. A cursor holds nothing secret and grants nothing.
 */
import * as z from "zod";
import { invalid, type Outcome } from "./failure.ts";
import { ok } from "./result.ts";
import { parseJson } from "./text/parse-json.ts";

/** A page. `next` is the key after which the following page begins; the last page has none. */
export type Page<T, Key> = { readonly items: T[]; readonly next?: Key };

/** A page as answers show it. */
export type ShownPage<T> = { readonly items: readonly T[]; readonly next_cursor?: string };

/**
 * The first `limit` of `rows`, which hold up to one more. `key` gives the key of a row, after which the next page begins.
 */
export function pageOf<T, Key>(rows: readonly T[], limit: number, key: (row: T) => Key): Page<T, Key> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return rows.length > limit && last !== undefined ? { items, next: key(last) } : { items };
}

/** The same page with each item shown as `view` says. */
export const mapPage = <T, V>(page: ShownPage<T>, view: (item: T) => V): ShownPage<V> => ({
  ...page,
  items: page.items.map(view),
});

/** The findings of a list: its first items, and the place where an incomplete search stopped. */
export type Found<T, Key> = { readonly items: readonly T[]; readonly stoppedAt?: Key };

/** A page of findings, like {@link pageOf}. If the search stopped before the end, the next page continues there. */
export function pageOfFound<T, Place, Key>(
  { items, stoppedAt }: Found<T, Place>,
  limit: number,
  key: (row: T | Place) => Key,
): Page<T, Key> {
  const page = pageOf(items, limit, key);
  return page.next === undefined && stoppedAt !== undefined ? { ...page, next: key(stoppedAt) } : page;
}

/** The longest cursor. The longest key is a user's id of 128 bytes, all of them escaped. */
const MAX_CURSOR_CHARS = 2_048;

export type CursorCodec<Key> = {
  readonly encode: (key: Key) => string;
  /** Errors: `validation_failed` on `cursor`. */
  readonly decode: (cursor: string) => Outcome<Key>;
  /** The key after which a page begins; undefined for the first page. Errors: as of `decode`. */
  readonly after: (cursor: string | undefined) => Outcome<Key | undefined>;
  readonly shown: <T>(page: { readonly items: readonly T[]; readonly next?: Key }) => ShownPage<T>;
};

/**
 * The cursors of one list. `list` is part of them, so a cursor of another list is refused and not misread. `key` must
 * consist of JSON values.
 */
export function cursorsOf<Key>(list: string, key: z.ZodType<Key>): CursorCodec<Key> {
  const shape = z.tuple([z.literal(list), key]);
  const encode = (value: Key): string => toBase64Url(JSON.stringify([list, value]));
  const decode = (cursor: string): Outcome<Key> => {
    const parsed = shape.safeParse(parseJson(fromBase64Url(cursor) ?? ""));
    if (parsed.success) return ok(parsed.data[1]);
    return invalid(
      [{ path: "cursor", message: "is not a cursor of this list: send next_cursor of the page before, unchanged" }],
      "Pass next_cursor of the page before, unchanged, or leave cursor out to begin with the first page.",
    );
  };
  return {
    encode,
    decode,
    after: (cursor) => (cursor === undefined ? ok(undefined) : decode(cursor)),
    shown: ({ items, next }) => (next === undefined ? { items } : { items, next_cursor: encode(next) }),
  };
}

function toBase64Url(text: string): string {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64Url(text: string): string | undefined {
  if (text.length > MAX_CURSOR_CHARS || text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  const bytes = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return new TextDecoder().decode(Uint8Array.from(bytes, (character) => character.charCodeAt(0)));
}
