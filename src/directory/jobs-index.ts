/** The index of jobs, as whoever makes, changes or counts jobs uses it. */

import { adoptedIdKey } from "../domain/directory-shard.ts";
import type { Outcome } from "../domain/failure.ts";
import type { IndexEntry } from "../domain/job/index-entry.ts";
import { isMintedJobId } from "../domain/job/job-id.ts";
import { err, ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import type { JobCount, Reservation } from "../objects/directory.ts";
import { allShards, shardFor } from "../objects/directory.ts";

/**
 * Keeps a place for a job, before its object is made. Make the job with the answer's `createdAt`; where it is `repeated`, an earlier
 * attempt had the place, and the made job must update its entry. A place whose job has not come after a minute is given up.
 * Errors: `quota_exceeded`, `name_reserved`.
 */
export async function reserveJob(env: Env, entry: IndexEntry, maxJobs: number): Promise<Outcome<Reservation>> {
  return shardFor(env, entry.owner).reserve(entry, maxJobs);
}

/** Brings the entry to the job's state; an older version than is stored is ignored. */
export async function updateIndex(env: Env, entry: IndexEntry): Promise<void> {
  await shardFor(env, entry.owner).upsert(entry);
}

/**
 * As {@link updateIndex}, for a job that is about to count for the entry's owner anew: it comes from another owner, or was finished.
 * Errors: `quota_exceeded`.
 */
export async function claimPlace(env: Env, entry: IndexEntry, maxJobs: number): Promise<Outcome<null>> {
  return shardFor(env, entry.owner).claim(entry, maxJobs);
}

/** Unlists the job for this owner. Where it has moved to another one meanwhile, that entry stays. */
export async function removeFromIndex(env: Env, owner: string, id: string, createdAt: number): Promise<void> {
  await shardFor(env, owner).remove({ id, createdAt, owner });
}

/** How many jobs there are, by state and by scope. */
export async function countJobs(env: Env): Promise<JobCount[]> {
  const counts = await Promise.all(allShards(env).map((shard) => shard.counts()));
  const sums = new Map<string, JobCount>();
  for (const count of counts.flat()) {
    const key = `${count.state} ${count.execScope}`;
    sums.set(key, { ...count, count: count.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

/**
 * Keeps a system job's name in every shard, so that making any other job needs no further call to be refused it. Call it
 * before the job is made; a name whose job never comes is released by the sweep. Errors: `name_reserved` where another job has it:
 * what had been reserved for this one is released again.
 */
export async function reserveNameEverywhere(env: Env, name: string, jobId: string): Promise<Outcome<null>> {
  const answers = await Promise.all(allShards(env).map((shard) => shard.reserveName(name, jobId)));
  if (answers.every((answer) => answer.ok)) return ok(null);
  await releaseNameEverywhere(env, name, jobId);
  return err({ kind: "name_reserved", name });
}

export async function releaseNameEverywhere(env: Env, name: string, jobId: string): Promise<void> {
  await Promise.all(allShards(env).map((shard) => shard.releaseName(name, jobId)));
}

/** Whether a job of this owner that is not the system's would be refused the name: for a change of name, which reserves no place. */
export async function isNameReserved(env: Env, owner: string, name: string): Promise<boolean> {
  return (await shardFor(env, owner).nameHolder(name)) !== undefined;
}

/** The id of the system job that holds the name, or is being made under it. */
export async function holderOfName(env: Env, name: string): Promise<string | undefined> {
  return shardFor(env, "system").nameHolder(name);
}

/** Notes the id of an imported job, before it is made; false where it was known already. Ids minted here need no note. */
export async function adoptJobId(env: Env, id: string, owner: string): Promise<boolean> {
  return isMintedJobId(id) || shardFor(env, adoptedIdKey(id)).adoptId(id, owner);
}

/**
 * Whether a job of this id may be there. Ask before any call to a Job object: calling one that never was leaves an empty file
 * behind (DESIGN invariant 6). Of an id that was minted here the id itself tells; another one is looked up.
 */
export async function mayExist(env: Env, id: string): Promise<boolean> {
  return isMintedJobId(id) || shardFor(env, adoptedIdKey(id)).knowsId(id);
}

/** For the job of an adopted id that is being removed. */
export async function forgetJobId(env: Env, id: string): Promise<void> {
  if (!isMintedJobId(id)) await shardFor(env, adoptedIdKey(id)).forgetId(id);
}
