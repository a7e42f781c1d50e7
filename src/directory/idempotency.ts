/** The register of Idempotency-Keys that created a job within 24 hours. `key` is a digest of caller and key. */
import { idempotencyShardKey } from "../domain/directory-shard.ts";
import type { Env } from "../env.ts";
import { shardFor } from "../objects/directory.ts";

const shardOfKey = (env: Env, key: string) => shardFor(env, idempotencyShardKey(key));

/** The id of the job that the key has created or was about to create. Undefined if it was not used. `now` is epoch ms. */
export const jobOfIdempotencyKey = (env: Env, key: string, now: number): Promise<string | undefined> =>
  shardOfKey(env, key).jobOfKey(key, now);

/** The id of the key's job, like {@link jobOfIdempotencyKey}. A free key gets `jobId`. */
export const claimIdempotencyKey = (env: Env, key: string, jobId: string, now: number): Promise<string> =>
  shardOfKey(env, key).claimKey(key, jobId, now);
