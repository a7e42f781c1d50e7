/** The registry of heartbeats, for lists and for the tick. Each heartbeat's state is in its own object. */

import { heartbeatKey } from "../domain/directory-shard.ts";
import { mergeSorted } from "../domain/merged-list.ts";
import type { Env } from "../env.ts";
import type { RegisteredHeartbeat } from "../objects/directory.ts";
import { allShards, shardFor } from "../objects/directory.ts";

export async function registerHeartbeat(env: Env, heartbeat: RegisteredHeartbeat): Promise<void> {
  await shardFor(env, heartbeatKey(heartbeat.name)).putHeartbeat(heartbeat);
}

export async function unregisterHeartbeat(env: Env, name: string): Promise<void> {
  await shardFor(env, heartbeatKey(name)).removeHeartbeat(name);
}

/** All heartbeats by name. */
export async function listHeartbeats(env: Env): Promise<RegisteredHeartbeat[]> {
  const lists = await Promise.all(allShards(env).map((shard) => shard.listHeartbeats()));
  return mergeSorted<RegisteredHeartbeat>(lists, (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0), Infinity);
}
