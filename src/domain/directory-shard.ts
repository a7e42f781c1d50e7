/**
 * Which shard of the directory holds a row. The answer must never change once rows are stored: neither the hash nor the
 * number of shards may, which is why every shard remembers the count that it was made with (durable-objects/directory/shard-tables.ts).
 */

/** Fixed at the first deploy. Sixteen objects take some 16,000 calls a second, and an operator's list asks all of them. */
export const SHARD_COUNT = 16;

const encoder = new TextEncoder();

/**
 * 32 bits of FNV-1a over UTF-8, mixed by MurmurHash3's finaliser. So the low bits, which the remainder looks at,
 * depend on every byte. It spreads load and protects nothing: where equal hashes would do harm, take `sha256`.
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
 * Keys of rows that have no owner. An owner's key (`user:U`, `plugin:P`, `agent:A`, `system`) is its job index's key
 * as it is.
 */
export const rosterKey = (userId: string): string => `roster:${userId}`;
export const agentKey = (agentId: string): string => `registered-agent:${agentId}`;
export const heartbeatKey = (name: string): string => `heartbeat:${name}`;
export const adoptedIdKey = (jobId: string): string => `job-id:${jobId}`;
export const idempotencyShardKey = (key: string): string => `idempotency:${key}`;
export const streamKey = (token: string): string => `stream:${token}`;
/** One shard holds all tokens, so that the list of the revoked ones is one question. */
export const TOKENS_KEY = "tokens";
