/** Ids that Reveille makes for jobs, and their key. The key is a secret of the deployment, drawn once. */
import { isMintedJobId, JOB_ID_BYTES, jobIdFromBytes } from "../domain/job/job-id.ts";
import type { Env } from "../env.ts";
import { allShards, type JobIdKey, shardAt } from "../objects/directory.ts";

/** The key never changes, so an isolate asks for it once. */
let known: JobIdKey | undefined;

async function keyOf(env: Env): Promise<JobIdKey> {
  known ??= await shardAt(env, 0).jobIdKey();
  return known;
}

/** A secret of the deployment that never leaves it and never changes. It keys the checksums. */
export const deploymentKey = async (env: Env): Promise<string> => (await keyOf(env)).key;

/** A new random id. */
export const randomJobId = (env: Env): Promise<string> =>
  jobIdOf(env, crypto.getRandomValues(new Uint8Array(JOB_ID_BYTES)));

/** The id that these bytes make. */
export const jobIdOf = async (env: Env, bytes: Uint8Array): Promise<string> =>
  jobIdFromBytes(bytes, (await keyOf(env)).key);

/** Whether this deployment has made the id, with its key. */
export const isOurJobId = async (env: Env, id: string): Promise<boolean> => isMintedJobId(id, (await keyOf(env)).key);

/** Whether an older job has the id, made without a key. The index is asked only if there are such jobs. */
export async function isJobOfBefore(env: Env, id: string): Promise<boolean> {
  if (!isMintedJobId(id)) return false;
  const { since } = await keyOf(env);
  const found = await Promise.all(allShards(env).map((shard) => shard.hasJobBefore(id, since)));
  return found.includes(true);
}
