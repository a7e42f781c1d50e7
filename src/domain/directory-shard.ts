/**
 * The shard of the directory that holds a row. The answer must never change once rows are stored, so neither the hash nor
 * the number of shards may change. Every shard remembers the number that it was created with
 * (durable-objects/directory/shard-tables.ts).
 */

/**
 * The number of shards, fixed at the first deploy. Sixteen objects take some 16,000 calls a second. An operator's list asks
 * all of them.
 */
export const SHARD_COUNT = 16;

const encoder = new TextEncoder();

/**
 * A 32-bit hash: FNV-1a over UTF-8, mixed by MurmurHash3's finaliser. The mixing makes the low bits depend on every byte,
 * since the remainder uses only these. The hash spreads load and is no protection. Use `sha256` if equal hashes would do
 * harm.
 */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of encoder.encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** The shard of `key`, from 0 to `shards` - 1. */
export const shardOf = (key: string, shards: number): number => hash32(key) % shards;

/**
 * Keys of rows that have no owner. The key of an owner's rows is the owner itself (`user:U`, `plugin:P`, `agent:A`,
 * `system`).
 */
export const rosterKey = (userId: string): string => `roster:${userId}`;
export const agentKey = (agentId: string): string => `registered-agent:${agentId}`;
export const heartbeatKey = (name: string): string => `heartbeat:${name}`;
export const adoptedIdKey = (jobId: string): string => `job-id:${jobId}`;
export const idempotencyShardKey = (key: string): string => `idempotency:${key}`;
export const streamKey = (token: string): string => `stream:${token}`;
/** The key of all tokens. One shard holds them, so that the revoked ones are listed by one call. */
export const TOKENS_KEY = "tokens";
