/**
 * The ids of runs and fan-outs. Each id is computed from the cause of the run, so every attempt, redelivery and repeated
 * step carries the same id (docs/contract.md §3). The agent can recognise repeated work by `webhook-id`.
 *
 *   {job}-s{due}                a scheduled run          {job}-f{due}                a scheduled fan-out
 *   {job}-m{at}_{nonce}         a manual run             {job}-g{at}_{nonce}         a manual fan-out
 *   {job}-e{at}_{nonce}         a run for an event
 *   {job}-b{number}_{due}       a run of a backfill      {job}-h{number}_{due}       a fan-out of a backfill
 *                                                        {fan-out}-u{user}           one user's run of a fan-out
 *
 * Times are epoch ms. The part after the last `-` contains no `-`, so two different things never share an id, although job
 * ids may contain `-` and `_`. All characters are of `A-Za-z0-9_-`. They are safe in a path and exclude the `.` that
 * Standard Webhooks puts between the parts it signs. With a job id of 64 characters the longest id has 126.
 */
import { BASE32_CLASS, base32 } from "../text/base32.ts";
import { sha256 } from "../text/sha256.ts";

/** 80 bits. A nonce distinguishes the few manual runs of one job in one millisecond. */
const NONCE_CHARS = 16;
/** 120 bits. Among ten million users the chance that two share a key is below 1e-22. */
const USER_CHARS = 24;

/** The run of `jobId` that was due at `dueAt`. */
export const scheduledRunId = (jobId: string, dueAt: number): string => `${jobId}-s${instant(dueAt)}`;

/** The run for the fire at `dueAt` in the job's backfill number `backfillNo`, a whole number from 0. */
export const backfillRunId = (jobId: string, backfillNo: number, dueAt: number): string =>
  `${jobId}-b${backfillNo}_${instant(dueAt)}`;

/**
 * The run that a client requested at `requestedAt`. `nonce` is any text that differs for every request: random, or a
 * counter.
 */
export const manualRunId = (jobId: string, requestedAt: number, nonce: string): string =>
  `${jobId}-m${instant(requestedAt)}_${nonceText(nonce)}`;

/** The run for an event that came from outside at `at`. `nonce` as for {@link manualRunId}. */
export const eventRunId = (jobId: string, at: number, nonce: string): string =>
  `${jobId}-e${instant(at)}_${nonceText(nonce)}`;

/** The cause of a fan-out: a due time, a client's request, or one fire of a backfill. */
export type FanOutCause =
  | number
  | { readonly requestedAt: number; readonly nonce: string }
  | { readonly backfillNo: number; readonly dueAt: number };

/** The fan-out of `jobId` for `cause`; a plain number is the due time of a scheduled one. */
export function fanOutId(jobId: string, cause: FanOutCause): string {
  if (typeof cause === "number") return `${jobId}-f${instant(cause)}`;
  if ("nonce" in cause) return `${jobId}-g${instant(cause.requestedAt)}_${nonceText(cause.nonce)}`;
  return `${jobId}-h${cause.backfillNo}_${instant(cause.dueAt)}`;
}

/**
 * The run of one user in a fan-out. The user's id is hashed, since it may hold any character and does not belong in URLs
 * and logs.
 */
export const userRunId = (fanOut: string, userId: string): string => keyedRunId(fanOut, userKey(userId));

/** A key for the user in the ids of their runs and in the tables of their shard. */
export const userKey = (userId: string): string => base32(sha256(userId), USER_CHARS);

/** The run of the user with this key. */
export const keyedRunId = (fanOut: string, key: string): string => `${fanOut}-u${key}`;

/** The user's key in the id of a user's run. Reading it is cheaper than hashing the user again. */
export const keyOfUserRun = (runId: string): string => runId.slice(-USER_CHARS);

const USER_RUN = new RegExp(`^(.+-[fgh][^-]+)-u([${BASE32_CLASS}]{${USER_CHARS}})$`);

/** The fan-out and the user's key in the id of a user's run. Undefined for any other id. */
export function parseUserRunId(runId: string): { readonly fanOutId: string; readonly key: string } | undefined {
  const [, fanOut, key] = USER_RUN.exec(runId) ?? [];
  return fanOut === undefined || key === undefined ? undefined : { fanOutId: fanOut, key };
}

const nonceText = (nonce: string): string => base32(sha256(nonce), NONCE_CHARS);

/** A time in an id. A backfill may reach back before 1970, and `-` already separates the parts. */
const instant = (at: number): string => (at < 0 ? `n${-at}` : `${at}`);
