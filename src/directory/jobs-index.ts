/** The index of jobs, for code that creates, changes or counts jobs. */

import type { AuditEntry, Author } from "../domain/audit.ts";
import { adoptedIdKey } from "../domain/directory-shard.ts";
import type { Outcome } from "../domain/failure.ts";
import type { IndexEntry } from "../domain/job/index-entry.ts";
import { type Allowance, isMadeByAnother } from "../domain/limits/admission.ts";
import { err, ok } from "../domain/result.ts";
import type { Env } from "../env.ts";
import type { EntryKey, JobCount, Reservation } from "../objects/directory.ts";
import { allShards, shardFor } from "../objects/directory.ts";
import { isJobOfBefore, isOurJobId } from "./job-ids.ts";

/**
 * Reserves a place for a job before its object is created. `by` is the author. The job must take the answer's `createdAt`.
 * If the place is `repeated`, an earlier attempt had it, and the new job must update its entry. A place without a job is
 * given up after a minute. Errors: `quota_exceeded`, `name_reserved`.
 */
export async function reserveJob(
  env: Env,
  entry: IndexEntry,
  allowed: Allowance,
  by?: Author,
): Promise<Outcome<Reservation>> {
  const reserved = await shardFor(env, entry.owner).reserve(entry, allowed, by);
  if (!reserved.ok || reserved.value.repeated || !countsForMaker(entry)) return reserved;
  // The place comes first. After a crash in between, the sweep finds a place without a job, so nothing stays counted for
  // ever.
  const made = await shardFor(env, entry.maker).keepMade(entry.maker, entry.id, entry.rate, allowed);
  if (made.ok) return reserved;
  await giveUpPlace(env, entry.owner, entry.id, reserved.value.createdAt);
  return made;
}

/** Gives up a place whose job will not be created. */
export async function giveUpPlace(env: Env, owner: string, id: string, createdAt: number): Promise<void> {
  await shardFor(env, owner).giveUpPlace({ id, createdAt, owner });
}

/**
 * Updates the entry to the job's state. An older version than the stored one is ignored. `changes` go into the audit trail
 * with it. `moved`: it was listed under another owner before.
 */
export async function updateIndex(
  env: Env,
  entry: IndexEntry,
  changes: readonly AuditEntry[],
  moved: boolean,
): Promise<void> {
  await shardFor(env, entry.owner).upsert(entry, changes);
  if (countsForMaker(entry)) {
    await shardFor(env, entry.maker).keepMade(entry.maker, entry.id, entry.rate);
  } else if (entry.maker !== undefined && (isMadeByAnother(entry) || moved)) {
    await shardFor(env, entry.maker).dropMade(entry.maker, entry.id);
  }
}

/**
 * Updates the entry like {@link updateIndex}, for a job that is about to count for its owner again. It comes from another
 * owner, was finished, or fires more often. Errors: `quota_exceeded`.
 */
export async function claimPlace(env: Env, entry: IndexEntry, allowed: Allowance): Promise<Outcome<null>> {
  const { maker, id, rate } = entry;
  const made = countsForMaker(entry)
    ? await shardFor(env, entry.maker).keepMade(entry.maker, id, rate, allowed)
    : ok(false);
  if (!made.ok) return made;
  const room = await shardFor(env, entry.owner).claim(entry, allowed);
  if (!room.ok && made.value && maker !== undefined) await shardFor(env, maker).dropMade(maker, id);
  return room;
}

/** Whether the job counts in its maker's quota besides its owner's. */
const countsForMaker = (entry: IndexEntry): entry is IndexEntry & { readonly maker: string } =>
  entry.state !== "finished" && isMadeByAnother(entry);

/**
 * Unlists the job for this owner. If it has moved to another owner meanwhile, that entry stays. `changes` go into the audit
 * trail.
 */
export async function removeFromIndex(
  env: Env,
  owner: string,
  { id, createdAt }: EntryKey,
  changes: readonly AuditEntry[] = [],
): Promise<void> {
  await shardFor(env, owner).remove({ id, createdAt, owner }, changes);
}

/** Stops counting the job for the subject that created it. */
export async function dropMade(env: Env, entry: Pick<IndexEntry, "id" | "owner" | "maker">): Promise<void> {
  if (isMadeByAnother(entry)) await shardFor(env, entry.maker).dropMade(entry.maker, entry.id);
}

/** The number of jobs, by state and by scope. */
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
 * Reserves a system job's name in every shard, so that refusing it to another job needs no further call. Call it before the
 * job is created. If the job never comes, the sweep releases the name. Errors: `name_reserved` if another job has it; then
 * every reservation of this call is released.
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

/**
 * Whether this owner's jobs, unless they are the system's, would be refused the name. A change of name asks this, since it
 * reserves no place.
 */
export async function isNameReserved(env: Env, owner: string, name: string): Promise<boolean> {
  return (await shardFor(env, owner).nameHolder(name)) !== undefined;
}

/** The id of the system job that holds the name, or is being created under it. */
export async function holderOfName(env: Env, name: string): Promise<string | undefined> {
  return shardFor(env, "system").nameHolder(name);
}

/** Notes the id of an imported job before it is created. False if it was known already. Ids minted here need no note. */
export async function adoptJobId(env: Env, id: string, owner: string): Promise<boolean> {
  return (await isOurJobId(env, id)) || shardFor(env, adoptedIdKey(id)).adoptId(id, owner);
}

/**
 * Whether a job with this id may exist. Ask before any call to a Job object, since a call to one that never existed leaves
 * an empty file behind (docs/architecture.md, invariant 6). An id that was minted here proves itself; any other is looked
 * up.
 */
export async function mayExist(env: Env, id: string): Promise<boolean> {
  if (await isOurJobId(env, id)) return true;
  return (await shardFor(env, adoptedIdKey(id)).knowsId(id)) || isJobOfBefore(env, id);
}

/** Forgets an adopted id whose job is being removed. */
export async function forgetJobId(env: Env, id: string): Promise<void> {
  if (!(await isOurJobId(env, id))) await shardFor(env, adoptedIdKey(id)).forgetId(id);
}
