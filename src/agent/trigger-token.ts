/**
 * A job's own trigger token (docs/contract.md §19): `rvt_JOB_SECRET`, 160 random bits. Not signed with TOKEN_SECRET, so that it outlives a
 * change of it: it stands in the settings of services that nobody looks at for years. The job keeps its hash.
 *
 * Behind the random part stands whose calls its calls count with, and a checksum keyed with a secret of the deployment: a token that
 * somebody made up is refused before any job is asked, and a new token brings no new allowance of calls.
 */
import { deploymentKey } from "../directory/job-ids.ts";
import type { Caller } from "../domain/job/access.ts";
import { base32 } from "../domain/text/base32.ts";
import { sha256 } from "../domain/text/sha256.ts";
import type { Env } from "../env.ts";

type TriggerCaller = Extract<Caller, { role: "trigger" }>;

const SECRET_CHARS = 32;
/** 30 bits: two subjects that meet in one share an allowance of calls, and nothing else. */
const BUCKET_CHARS = 6;
/** 40 bits. */
const CHECKSUM_CHARS = 8;
const TOKEN = new RegExp(
  `^rvt_([A-Za-z0-9_-]{1,64})_([a-z0-9]{${SECRET_CHARS}})([a-z0-9]{${BUCKET_CHARS}})([a-z0-9]{${CHECKSUM_CHARS}})$`,
);

/** Whether a token has the form of a trigger token; whether it is one is for {@link readTriggerToken} to say. */
export const isTriggerToken = (token: string): boolean => token.startsWith("rvt_");

/**
 * A new token of the job, and the hash that the job keeps. `subject` makes it: calls with all trigger tokens of one subject count
 * together, but those of the operator's, which count for each job.
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

/** The caller that the token may be: only the job can tell. Undefined for a token that this deployment has not made. */
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
