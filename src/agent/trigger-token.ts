/**
 * A job's own trigger token (docs/contract.md §19): `rvt_JOB_SECRET`, 160 random bits. Not signed, so that it outlives a change of
 * TOKEN_SECRET: it stands in the settings of services that nobody looks at for years. The job keeps its hash.
 */
import type { Caller } from "../domain/job/access.ts";
import { base32 } from "../domain/text/base32.ts";
import { sha256 } from "../domain/text/sha256.ts";

type TriggerCaller = Extract<Caller, { role: "trigger" }>;

const SECRET_CHARS = 32;
const TOKEN = /^rvt_([A-Za-z0-9_-]{1,64})_([a-z0-9]{32})$/;

/** A new token of the job, and the hash that the job keeps. */
export function makeTriggerToken(jobId: string): { readonly token: string; readonly hash: string } {
  const secret = base32(crypto.getRandomValues(new Uint8Array(20)), SECRET_CHARS);
  const token = `rvt_${jobId}_${secret}`;
  return { token, hash: hashOf(token) };
}

/** The caller that a token of this form may be: only the job can tell. Undefined for any other token. */
export function readTriggerToken(token: string): TriggerCaller | undefined {
  const [, jobId] = TOKEN.exec(token) ?? [];
  return jobId === undefined ? undefined : { role: "trigger", job_id: jobId, token_hash: hashOf(token) };
}

const hashOf = (token: string): string => base32(sha256(token), 52);
