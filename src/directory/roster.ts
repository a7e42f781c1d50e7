/** The roster of users (docs/contract.md §6, §9), spread over the shards by user id. Instants are epoch ms. */
import * as z from "zod";
import type { Author } from "../domain/audit.ts";
import { rosterKey, SHARD_COUNT, shardOf } from "../domain/directory-shard.ts";
import type { Outcome } from "../domain/failure.ts";
import { mergeFound } from "../domain/merged-list.ts";
import { cursorsOf, pageOfFound, type ShownPage } from "../domain/page.ts";
import { ok } from "../domain/result.ts";
import { compareUtf8 } from "../domain/text/compare-utf8.ts";
import { formatInstant } from "../domain/time/instant.ts";
import type { Env, Settings } from "../env.ts";
import type { RosterCount, RosterUser, UserKey } from "../objects/directory.ts";
import { allShards, shardAt, shardFor } from "../objects/directory.ts";

/** A user as shown. `active` says whether a fan-out would run for them now, ACTIVE_WINDOW included. */
export type UserView = { readonly id: string; readonly active: boolean; readonly last_seen_at?: string };

/**
 * The place where a walk over all active users continues: shard by shard, by id within a shard. It is JSON, so a fan-out
 * can store it.
 */
export type RosterPosition = { readonly shard: number; readonly afterId: string };

const cursors = cursorsOf("users", z.string());

/** The beginning of ACTIVE_WINDOW. Users last seen before it are not active. Undefined if no window is set. */
export const activeSince = (settings: Pick<Settings, "ACTIVE_WINDOW">, now: number): number | undefined =>
  settings.ACTIVE_WINDOW === undefined ? undefined : now - settings.ACTIVE_WINDOW;

const rosterShard = (env: Env, id: string) => shardFor(env, rosterKey(id));

/** Marks a user active or not. A new user joins the roster. The time of their last visit stays. */
export async function putUser(
  env: Env,
  settings: Settings,
  { id, active }: { readonly id: string; readonly active: boolean },
  now: number,
  by?: Author,
): Promise<{ readonly user: UserView; readonly created: boolean }> {
  const { user, created } = await rosterShard(env, id).putUser(id, active, by);
  return { user: userView(user, activeSince(settings, now)), created };
}

/** One user. Errors: `not_found`. */
export async function getUser(env: Env, settings: Settings, id: string, now: number): Promise<Outcome<UserView>> {
  const user = await rosterShard(env, id).getUser(id);
  return user.ok ? ok(userView(user.value, activeSince(settings, now))) : user;
}

/** Removes a user. Errors: `not_found`. */
export async function deleteUser(env: Env, id: string, by?: Author): Promise<Outcome<null>> {
  return rosterShard(env, id).deleteUser(id, by);
}

/** Notes that the user was seen now, at most once a minute. A new user joins as active; an inactive one stays inactive. */
export async function seenUser(env: Env, settings: Settings, id: string, now: number): Promise<UserView> {
  return userView(await rosterShard(env, id).seenUser(id, now), activeSince(settings, now));
}

/**
 * Makes each user active. With ACTIVE_WINDOW they also count as seen now, since they would not be active otherwise. It may
 * be repeated. Returns the number of different users. `ids`: at most 1,000, each valid.
 */
export async function importUsers(env: Env, settings: Settings, ids: readonly string[], now: number): Promise<number> {
  const seenAt = settings.ACTIVE_WINDOW === undefined ? undefined : now;
  const byShard = new Map<number, string[]>();
  const unique = new Set(ids);
  for (const id of unique) {
    const shard = shardOf(rosterKey(id), SHARD_COUNT);
    byShard.set(shard, [...(byShard.get(shard) ?? []), id]);
  }
  await Promise.all([...byShard].map(([shard, its]) => shardAt(env, shard).importUsers(its, seenAt)));
  return unique.size;
}

/**
 * A page of the roster by id, in the order of UTF-8. Pages continue after the last id, so nothing is skipped or repeated
 * while users come and go. A shard looks at a bounded number of users, so a page may be empty and still have a next one.
 * Errors: `validation_failed` on `cursor`.
 */
export async function listUsers(
  env: Env,
  settings: Settings,
  query: { readonly active?: boolean | undefined; readonly limit: number; readonly cursor?: string | undefined },
  now: number,
): Promise<Outcome<ShownPage<UserView>>> {
  const after = cursors.after(query.cursor);
  if (!after.ok) return after;
  const seenSince = activeSince(settings, now);
  const asked = { afterId: after.value ?? "", limit: query.limit + 1, active: query.active, seenSince };
  const founds = await Promise.all(allShards(env).map((shard) => shard.listUsers(asked)));
  const found = mergeFound<RosterUser, UserKey>(founds, (a, b) => compareUtf8(a.id, b.id), query.limit + 1);
  const page = pageOfFound(found, query.limit, ({ id }: UserKey) => id);
  return ok(cursors.shown({ ...page, items: page.items.map((user) => userView(user, seenSince)) }));
}

/**
 * Whether the roster may have an active user at `now` (epoch ms). It looks at the first users of each shard, and is true if
 * they do not decide.
 */
export async function mayHaveActiveUsers(env: Env, settings: Settings, now: number): Promise<boolean> {
  const page = await listUsers(env, settings, { active: true, limit: 1 }, now);
  return !page.ok || page.value.items.length > 0 || page.value.next_cursor !== undefined;
}

/** The number of users and of active users. It reads the whole roster. */
export async function countUsers(env: Env, settings: Settings, now: number): Promise<RosterCount> {
  const counts = await Promise.all(allShards(env).map((shard) => shard.countUsers(activeSince(settings, now))));
  return counts.reduce((sum, count) => ({ total: sum.total + count.total, active: sum.active + count.active }), {
    total: 0,
    active: 0,
  });
}

/**
 * A page of a fan-out's users: up to `limit` active ones from one shard, and the next page's place. A page may be empty and
 * still have a next one. Pass the same `seenSince` (see {@link activeSince}) with every page of a fan-out, so that its
 * beginning decides who is active.
 */
export async function activeUserPage(
  env: Env,
  seenSince: number | undefined,
  position: RosterPosition | undefined,
  limit: number,
): Promise<{ readonly ids: readonly string[]; readonly next?: RosterPosition }> {
  const { shard, afterId } = position ?? { shard: 0, afterId: "" };
  if (shard >= SHARD_COUNT) return { ids: [] };
  const ids = await shardAt(env, shard).activeUsers(afterId, limit, seenSince);
  const last = ids.at(-1);
  if (ids.length === limit && last !== undefined) return { ids, next: { shard, afterId: last } };
  return shard + 1 < SHARD_COUNT ? { ids, next: { shard: shard + 1, afterId: "" } } : { ids };
}

function userView(user: RosterUser, seenSince: number | undefined): UserView {
  const seen = seenSince === undefined || (user.lastSeenAt !== undefined && user.lastSeenAt >= seenSince);
  return {
    id: user.id,
    active: user.active && seen,
    ...(user.lastSeenAt === undefined ? {} : { last_seen_at: formatInstant(user.lastSeenAt) }),
  };
}
