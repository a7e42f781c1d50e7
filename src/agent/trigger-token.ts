/**
 * A job's own trigger token (docs/contract.md §19): `rvt_JOB_SECRET`, 160 random bits. It is not signed with TOKEN_SECRET,
 * so it outlives a change of that secret. It may stay in the settings of other services for years. The job keeps its hash.
 *
 * After the random part come the rate-limit bucket of its maker, and a checksum keyed with a secret of the deployment. So a
 * made-up token is refused before any job is asked, and a new token brings no new allowance of calls.
 */
import { deploymentKey } from "../directory/job-ids.ts";
import type { Caller } from "../domain/job/access.ts";
import { base32 } from "../domain/text/base32.ts";
import { sha256 } from "../domain/text/sha256.ts";
import type { Env } from "../env.ts";

type TriggerCaller = Extract<Caller, { role: "trigger" }>;

const SECRET_CHARS = 32;
/** 30 bits. If two subjects share a bucket by chance, they share an allowance of calls and nothing else. */
const BUCKET_CHARS = 6;
/** 40 bits. */
const CHECKSUM_CHARS = 8;
const TOKEN = new RegExp(
  `^rvt_([A-Za-z0-9_-]{1,64})_([a-z0-9]{${SECRET_CHARS}})([a-z0-9]{${BUCKET_CHARS}})([a-z0-9]{${CHECKSUM_CHARS}})$`,
);

/** Whether a token has the form of a trigger token. {@link readTriggerToken} checks whether it is one. */
export const isTriggerToken = (token: string): boolean => token.startsWith("rvt_");

/**
 * A new token of the job, and the hash that the job keeps. `subject` creates it. All trigger tokens of one subject share an
 * allowance of calls. The operator's tokens have one for each job.
 */
export async function makeTriggerToken(
  env: Env,
  jobId: string,
  subject: string,
): Promise<{ readonly token: string; readonly hash: string }> {
  const key = await deploymentKey(env);
  const counted = subject === "admin" || subject === "code" ? `job ${jobId}` : subject;
  const secret = base32(crypto.getRandomValues(new Uint8Array(20)), SECRET_CHARS);
  const bucket = keyed(key, "bucket", counted, BUCKET_CHARS);
  const token = `rvt_${jobId}_${secret}${bucket}`;
  const whole = token + keyed(key, "token", token, CHECKSUM_CHARS);
  return { token: whole, hash: hashOf(whole) };
}

/**
 * The caller that the token may be, which only the job can confirm. Undefined for a token that this deployment has not
 * issued.
 */
export async function readTriggerToken(env: Env, token: string): Promise<TriggerCaller | undefined> {
  const [, jobId, , bucket, checksum] = TOKEN.exec(token) ?? [];
  if (jobId === undefined || bucket === undefined || checksum === undefined) return undefined;
  const key = await deploymentKey(env);
  if (keyed(key, "token", token.slice(0, -CHECKSUM_CHARS), CHECKSUM_CHARS) !== checksum) return undefined;
  return { role: "trigger", job_id: jobId, token_hash: hashOf(token), bucket };
}

const keyed = (key: string, what: string, text: string, chars: number): string =>
  base32(sha256(`reveille trigger ${what} ${key} ${text}`), chars);

const hashOf = (token: string): string => base32(sha256(token), 52);
