/** How many event streams a token has open, over all jobs (docs/contract.md §16). */
import { subjectOf } from "../domain/audit.ts";
import { streamKey } from "../domain/directory-shard.ts";
import type { Caller } from "../domain/job/access.ts";
import type { Env } from "../env.ts";
import { shardFor } from "../objects/directory.ts";

/** What the streams of a token are counted under; the operator's token is one as well. */
const tokenOf = (caller: Caller): string => ("token_id" in caller && caller.token_id) || subjectOf(caller);

const shardOf = (env: Env, caller: Caller) => shardFor(env, streamKey(tokenOf(caller)));

/** Opens a stream, or renews it: do so at least every 30 s. False if the token has as many open as it may. */
export const openStream = (env: Env, caller: Caller, lease: string): Promise<boolean> =>
  shardOf(env, caller).openStream(tokenOf(caller), lease);

export const closeStream = (env: Env, caller: Caller, lease: string): Promise<void> =>
  shardOf(env, caller).closeStream(tokenOf(caller), lease);
