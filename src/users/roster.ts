/** The users of a fan-out from the roster, shard by shard of the directory. */

import * as z from "zod";
import { activeSince, activeUserPage, type RosterPosition } from "../directory/roster.ts";
import { compact } from "../domain/compact.ts";
import { err, ok } from "../domain/result.ts";
import { errorText } from "../domain/text/error-text.ts";
import type { Env, Settings } from "../env.ts";
import { isCallRefusal } from "../outbound/call-budget.ts";
import { type ActiveUserSource, FOREIGN_CURSOR, PAGE_USERS, type Reading } from "./source.ts";

const Position = z.object({ shard: z.int(), afterId: z.string() });

/**
 * The source of users from the roster. A page is filled from several shards if necessary. Each page costs a row in each
 * shard of the fan-out.
 */
export function rosterSource(env: Env, settings: Settings, { startedAt }: Reading): ActiveUserSource {
  const seenSince = activeSince(settings, startedAt);
  return {
    async page(cursor) {
      const users: string[] = [];
      const at = Position.optional().safeParse(cursor);
      if (!at.success) return FOREIGN_CURSOR;
      let position: RosterPosition | undefined = at.data;
      try {
        do {
          const { ids, next } = await activeUserPage(env, seenSince, position, PAGE_USERS - users.length);
          users.push(...ids);
          position = next;
        } while (position !== undefined && users.length < PAGE_USERS);
      } catch (error) {
        return err({
          reason: `the roster could not be read: ${errorText(error)}`,
          retryable: true,
          ...(isCallRefusal(error) ? { postponed: true } : {}),
        });
      }
      return ok({ users, ...compact({ cursor: position }) });
    },
    close: () => undefined,
  };
}
