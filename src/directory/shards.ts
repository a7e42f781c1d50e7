/** The shards of the directory, and lists that are spread over several of them. */
import { SHARD_COUNT, shardOf } from "../domain/directory-shard.ts";
import type { Env } from "../env.ts";

/** A fresh stub each time: one that has thrown stays broken. */
export const shardAt = (env: Env, index: number) => env.DIRECTORY.getByName(`shard-${index}`);

/** The shard that holds the rows of `key`: an owner, or a key made in `domain/shard.ts`. */
export const shardFor = (env: Env, key: string) => shardAt(env, shardOf(key, SHARD_COUNT));

export const allShards = (env: Env) => Array.from({ length: SHARD_COUNT }, (_, index) => shardAt(env, index));

/** Every shard that holds rows of one of the owners, once. */
export function shardsFor(env: Env, owners: readonly string[] | "any") {
  if (owners === "any") return allShards(env);
  return [...new Set(owners.map((owner) => shardOf(owner, SHARD_COUNT)))].map((index) => shardAt(env, index));
}

/**
 * The first `limit` items of sorted lists as one sorted list. Items that compare as equal are the same one, met in two shards while it
 * moves between them: the first list's stays.
 * Each list must hold its own first `limit` items, or all there are.
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
