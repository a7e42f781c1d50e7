/**
 * The spread of a fan-out over its shards (docs/fan-out.md): their number, their users and their shares of the job's
 * bounds. Everything follows from the fan-out and the user's id, so any object can compute it.
 */

import { JOB_DEFAULTS } from "../../schema/job-defaults.ts";
import { MINUTE_MS } from "../../schema/limits.ts";
import { userKey } from "../run/run-id.ts";
import { base32Value } from "../text/base32.ts";

/** The platform lets six connections of one invocation wait for an answer. A seventh call would only queue behind them. */
export const MAX_CALLS_PER_SHARD = 6;
/** 30 bits of the user's hash choose the shard. */
const SHARD_CHARS = 6;

/** `fan_out` of a job. */
export type Bound = { readonly concurrency: number; readonly rate_per_minute?: number | undefined };

export const boundOf = (job: { readonly fan_out?: Bound | undefined }): Bound => job.fan_out ?? JOB_DEFAULTS.fan_out;

/** The fewest shards that can make `concurrency` calls at once, but no more than calls in a minute. */
export function shardsFor({ concurrency, rate_per_minute: rate = Number.POSITIVE_INFINITY }: Bound): number {
  return Math.max(1, Math.min(Math.ceil(concurrency / MAX_CALLS_PER_SHARD), rate));
}

/** The shard of a user, from the user's key: the last part of the user's run id. */
export const shardOfKey = (key: string, shards: number): number => base32Value(key.slice(0, SHARD_CHARS)) % shards;

export const shardOfUser = (userId: string, shards: number): number => shardOfKey(userKey(userId), shards);

/** The name of shard `shardIndex` of a job's fan-outs. */
export const shardName = (jobId: string, shardIndex: number): string => `${jobId}/${shardIndex}`;

/**
 * The number of calls that shard `shardIndex` may have in flight. All shards together have `concurrency`, or 6 each if there are
 * fewer shards.
 */
export function concurrencyOf(bound: Bound, shards: number, shardIndex: number): number {
  const share = Math.floor(bound.concurrency / shards) + (shardIndex < bound.concurrency % shards ? 1 : 0);
  return Math.max(1, Math.min(MAX_CALLS_PER_SHARD, share));
}

/** The least time between two calls of one shard, in ms. 0 if the job has no rate. */
export const intervalOf = ({ rate_per_minute: rate }: Bound, shards: number): number =>
  rate === undefined ? 0 : (MINUTE_MS * shards) / rate;

/** A call that is a little late does not lower the rate: the next one may come this much sooner. */
const MAX_MADE_UP_MS = 100;

/** When shard `shardIndex` makes its first call. The shards' calls are spread over one interval. */
export const firstCallAt = (startedAt: number, interval: number, shards: number, shardIndex: number): number =>
  startedAt + (interval * shardIndex) / shards;

/** When the next call may be made. The last one was made at `now` and had been allowed from `allowedAt` on. */
export const nextCallAt = (allowedAt: number, now: number, interval: number): number =>
  Math.max(allowedAt, now - MAX_MADE_UP_MS) + interval;
