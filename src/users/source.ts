/**
 * The shape of every source of a fan-out's users. It is read page by page; after each page the fan-out stores the
 * page's cursor, and after a crash it asks for the page that follows it.
 */
import { err, type Result } from "../domain/result.ts";

/** Some users, and where the next page begins; without `cursor` there is none. A page may be empty and have a next one. */
export type Page = { readonly users: readonly string[]; readonly cursor?: unknown };

/** `retryable`: asking again may help. `postponed`: the platform allowed no further call in this invocation, so nobody was asked. */
export type SourceFailure = { readonly reason: string; readonly retryable: boolean; readonly postponed?: true };

/** The cursor is one of another kind of source, so the place where its pages go on is not known. */
export const FOREIGN_CURSOR = err<SourceFailure>({
  reason: "the source of users was changed while they were being read",
  retryable: false,
});

export type ActiveUserSource = {
  /** The page at `cursor`, or undefined for the first; a cursor of another kind of source is a failure. Never throws. */
  readonly page: (cursor: unknown) => Promise<Result<Page, SourceFailure>>;
  /** Lets go of what was open. */
  readonly close: () => void;
};

/** The facts of the fan-out that a source may need. */
export type Reading = {
  readonly fanOutId: string;
  /** Epoch ms: who is active is decided as of then. */
  readonly startedAt: number;
  readonly now: () => number;
};

/** So many users a page has, where the source lets us choose. */
export const PAGE_USERS = 1_000;
