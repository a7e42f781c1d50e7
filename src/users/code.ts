/**
 * The users of a fan-out from code. An iterable has no cursor of its own, so the count of users read is stored, and after a
 * crash the iterable is begun anew and that many are passed over: its order must be stable.
 */
import * as z from "zod";
import { err, ok, type Result } from "../domain/result.ts";
import { formatDuration } from "../domain/time/duration.ts";
import type { ActiveUsers } from "../hooks/active-users.ts";
import { TimedDeadline } from "../outbound/deadline.ts";
import { SECOND_MS } from "../schema/limits.ts";
import { UserIdText } from "../schema/text.ts";
import { type ActiveUserSource, PAGE_USERS, type Page, type SourceFailure } from "./source.ts";

const PAGE_TIMEOUT_MS = 30 * SECOND_MS;
const Count = z.int().min(0);

type Reader = { readonly next: () => Promise<IteratorResult<unknown>>; readonly close: () => void; read: number };

export function codeSource(users: ActiveUsers): ActiveUserSource {
  // Kept between pages, so that the iterable is walked once unless the object restarts or a page fails.
  let reader: Reader | undefined;
  const close = (): void => {
    reader?.close();
    reader = undefined;
  };
  const readPage = async (from: number): Promise<Result<Page, SourceFailure>> => {
    if (reader?.read !== from) {
      close();
      reader = openReader(users);
    }
    const page: string[] = [];
    while (reader !== undefined && page.length < PAGE_USERS) {
      const { done, value } = await reader.next();
      if (done === true) return ok({ users: page });
      if (reader.read++ < from) continue;
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
  };
  return {
    async page(cursor) {
      const deadline = new TimedDeadline(PAGE_TIMEOUT_MS);
      const waited = await deadline.wait(readPage(cursor === undefined ? 0 : Count.parse(cursor)));
      deadline.close();
      if (waited.kind === "value" && waited.value.ok) return waited.value;
      close();
      if (waited.kind === "value") return waited.value;
      const reason =
        waited.kind === "failed"
          ? `the active users in code failed: ${waited.error instanceof Error ? waited.error.message : String(waited.error)}`
          : `the active users in code gave no ${PAGE_USERS} users within ${formatDuration(PAGE_TIMEOUT_MS)}`;
      return err({ reason, retryable: true });
    },
    close,
  };
}

function openReader(users: ActiveUsers): Reader {
  const source = users();
  const iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  return {
    next: async () => iterator.next(),
    close: () => {
      // An iterable that fails while it is being closed has nothing more to say to us.
      void Promise.resolve(iterator.return?.()).catch(() => undefined);
    },
    read: 0,
  };
}
