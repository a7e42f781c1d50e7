/**
 * The users of a fan-out from code. An iterable has no cursor, so the number of users read is stored. After a crash the
 * iterable is read again and that many users are skipped, so its order must be stable.
 */
import * as z from "zod";
import { err, ok, type Result } from "../domain/result.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { ActiveUsers } from "../hooks/active-users.ts";
import { Deadline } from "../outbound/deadline.ts";
import { settle, type Unsettled } from "../outbound/settle.ts";
import { MINUTE_MS, SECOND_MS } from "../schema/limits.ts";
import { UserIdText } from "../schema/text.ts";
import { type ActiveUserSource, FOREIGN_CURSOR, PAGE_USERS, type Page, type SourceFailure } from "./source.ts";

/** The limit for one user. A page has a longer one, since many users may have to be skipped after a crash. */
const USER_TIMEOUT_MS = 30 * SECOND_MS;
/** The time after which a page with users is handed over, so that slow users are run meanwhile. */
const MAX_FILLING_MS = 30 * SECOND_MS;
/** The limit for a page, including skipped users. The platform ends an alarm after 15 minutes. */
const PAGE_TIMEOUT_MS = 10 * MINUTE_MS;
const WATCH_MS = SECOND_MS;
const Count = z.int().min(0);

export function codeSource(users: ActiveUsers): ActiveUserSource {
  // It is kept between pages. So the iterable is read once, unless the object restarts or a page fails.
  let kept: Reader | undefined;
  // The page is asked for again if it could not be handed over.
  let last: { readonly from: number; readonly page: Page } | undefined;
  const close = (): void => {
    kept?.close();
    kept = undefined;
    last = undefined;
  };
  return {
    async page(cursor) {
      const from = Count.safeParse(cursor ?? 0);
      if (!from.success) return FOREIGN_CURSOR;
      if (last?.from === from.data) return ok(last.page);
      // Each attempt has its own reader, since an attempt that was given up may still be waiting inside its iterable.
      const reader = kept?.read === from.data ? kept : new Reader(users);
      if (reader !== kept) close();
      kept = undefined;
      const page = await readWatched(reader, from.data);
      if (!page.ok) {
        reader.close();
        return page;
      }
      kept = reader;
      last = { from: from.data, page: page.value };
      return page;
    },
    close,
  };
}

/** Reads a page while users come. */
async function readWatched(reader: Reader, from: number): Promise<Result<Page, SourceFailure>> {
  const deadline = new Deadline(USER_TIMEOUT_MS);
  const watch: Watch = { idleMs: 0, readingMs: 0, fillingMs: 0 };
  let seen = -1;
  const timer = setInterval(() => {
    watch.idleMs = reader.read === seen ? watch.idleMs + WATCH_MS : 0;
    watch.readingMs += WATCH_MS;
    if (reader.read > from) watch.fillingMs += WATCH_MS;
    seen = reader.read;
    if (watch.idleMs >= USER_TIMEOUT_MS || watch.readingMs >= PAGE_TIMEOUT_MS) deadline.interrupt("timeout");
  }, WATCH_MS);
  const read = await settle(() => readPage(reader, from, watch), deadline);
  clearInterval(timer);
  if (read.ok) return read.value;
  return err({ reason: `the active users in code ${explain(read.error, watch)}`, retryable: true });
}

/** The time in ms since the last user, for reading the page, and for collecting its users. */
type Watch = { idleMs: number; readingMs: number; fillingMs: number };

function explain(error: Unsettled, { idleMs }: Watch): string {
  if (error.kind === "failed") return `failed: ${error.reason}`;
  if (idleMs >= USER_TIMEOUT_MS) return `gave no further user within ${formatDuration(USER_TIMEOUT_MS)}`;
  return `could not be read up to where the last page ended within ${formatDuration(PAGE_TIMEOUT_MS)}`;
}

async function readPage(reader: Reader, from: number, watch: Watch): Promise<Result<Page, SourceFailure>> {
  const page: string[] = [];
  while (page.length < PAGE_USERS && (page.length === 0 || watch.fillingMs < MAX_FILLING_MS)) {
    const { done, value } = await reader.next();
    if (done === true) return ok({ users: page });
    if (reader.read <= from) continue;
    const user = UserIdText.safeParse(value);
    if (!user.success || user.data === "") {
      return err({
        reason: `the active users in code gave something that is not a user's id (at place ${reader.read}); give strings of 1 to 128 bytes`,
        retryable: false,
      });
    }
    page.push(user.data);
  }
  return ok({ users: page, cursor: from + page.length });
}

/** One walk over the users. After it is closed, it gives no more users. */
class Reader {
  /** The number of users that have been read. */
  read = 0;
  readonly #users: ActiveUsers;
  #iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
  #closed = false;

  constructor(users: ActiveUsers) {
    this.#users = users;
  }

  /** The next user. Throws what the iterable throws. */
  async next(): Promise<IteratorResult<unknown>> {
    this.#iterator ??= iteratorOf(await this.#users());
    const result = await this.#iterator.next();
    if (this.#closed) return { done: true, value: undefined };
    if (result.done !== true) this.read++;
    return result;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    const iterator = this.#iterator;
    // An iterable that fails or hangs while it is being closed does not matter any more.
    void (async () => iterator?.return?.())().catch(() => undefined);
  }
}

function iteratorOf(source: Awaited<ReturnType<ActiveUsers>>): AsyncIterator<unknown> | Iterator<unknown> {
  if (typeof source === "object" && source !== null) {
    if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
    if (Symbol.iterator in source) return source[Symbol.iterator]();
  }
  throw new TypeError("setActiveUsers takes a function that gives an array, an iterable or an async iterable of ids");
}
