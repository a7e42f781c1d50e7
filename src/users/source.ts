/**
 * The interface of every source of a fan-out's users. It is read page by page. After each page the fan-out stores its
 * cursor, and after a crash it asks for the page after that.
 */
import { err, type Result } from "../domain/result.ts";

/** Some users, and the cursor of the next page if there is one. A page may be empty and have a next one. */
export type Page = { readonly users: readonly string[]; readonly cursor?: unknown };

/**
 * Why a page could not be read. `retryable`: asking again may help. `postponed`: the platform allowed no further call, so
 * nobody was asked.
 */
export type SourceFailure = { readonly reason: string; readonly retryable: boolean; readonly postponed?: true };

/** The failure of a cursor from another kind of source, whose next page is unknown. */
export const FOREIGN_CURSOR = err<SourceFailure>({
  reason: "the source of users was changed while they were being read",
  retryable: false,
});

export type ActiveUserSource = {
  /**
   * The page at `cursor`, or the first page if it is undefined. A cursor of another kind of source is a failure. Never
   * throws.
   */
  readonly page: (cursor: unknown) => Promise<Result<Page, SourceFailure>>;
  /** Closes what is open. */
  readonly close: () => void;
};

/** The facts of the fan-out that a source may need. */
export type Reading = {
  readonly fanOutId: string;
  /** The beginning of the fan-out, in epoch ms. It decides which users are active. */
  readonly startedAt: number;
  readonly now: () => number;
};

/** The users of a page, if the source lets us choose. */
export const PAGE_USERS = 1_000;
