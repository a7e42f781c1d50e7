/** The open event streams and sockets of a token, over all jobs and agents (docs/contract.md §16). */
import { subjectOf } from "../domain/audit.ts";
import { streamKey } from "../domain/directory-shard.ts";
import type { Caller } from "../domain/job/access.ts";
import { TIMED_ID_BYTES, timedId } from "../domain/timed-id.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import { shardFor } from "../objects/directory.ts";
import { HOUR_MS } from "../schema/limits.ts";

/** The lease of a stream. Its job renews it every few seconds. */
const STREAM_LEASE_MS = 45_000;
/**
 * The lease of a socket. A socket sleeps with its mailbox, and the agent's messages renew it. An agent that is silent for
 * longer is not counted.
 */
export const SOCKET_LEASE_MS = HOUR_MS;

/** The name under which a token's streams are counted. The operator's token has one as well. */
const tokenOf = (caller: Caller): string => ("token_id" in caller && caller.token_id) || subjectOf(caller);

const shardOf = (env: Env, caller: Caller) => shardFor(env, streamKey(tokenOf(caller)));

/** The id of a new stream or socket. */
export const newLease = (now: number): string =>
  timedId("s", now, crypto.getRandomValues(new Uint8Array(TIMED_ID_BYTES)));

/** Opens a stream or renews it, which must happen at least every 30 s. False if the token has its most streams open. */
export const openStream = (env: Env, caller: Caller, lease: string): Promise<boolean> =>
  shardOf(env, caller).openStream(tokenOf(caller), lease, STREAM_LEASE_MS);

/**
 * Opens a socket or renews it. False if the token has its most streams and sockets open. Never throws: a socket that cannot
 * be counted is admitted.
 */
export async function openSocket(env: Env, caller: Caller, lease: string): Promise<boolean> {
  try {
    return await shardOf(env, caller).openStream(tokenOf(caller), lease, SOCKET_LEASE_MS);
  } catch (error) {
    logError("The sockets of a token could not be counted", {}, error);
    return true;
  }
}

/** Gives the place of a stream or socket back. Never throws: otherwise its place ends with its lease. */
export const closeStream = (env: Env, caller: Caller, lease: string): Promise<void> =>
  shardOf(env, caller)
    .closeStream(tokenOf(caller), lease)
    .catch(() => undefined);
