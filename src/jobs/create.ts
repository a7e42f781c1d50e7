/**
 * Making a job, for whoever asks: HTTP and MCP alike. Checked, claimed for the caller, given a place in the directory, and
 * only then made; under an Idempotency-Key at most once.
 */
import { adoptJobId, isNameReserved, removeFromIndex, reserveJob } from "../directory/jobs-index.ts";
import type { Outcome } from "../domain/failure.ts";
import { ADMIN, type Caller, claimJob, systemNeedsEnsure } from "../domain/job/access.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, ownerOf } from "../domain/job/definition.ts";
import { type Fire, showFires } from "../domain/job/fires.ts";
import { indexEntryOf } from "../domain/job/index-entry.ts";
import { type Cursor, type JobRecord, jobView, newJob } from "../domain/job/job.ts";
import { canonicalJson } from "../domain/job/job-change.ts";
import { JOB_ID_BYTES, jobIdFromBytes } from "../domain/job/job-id.ts";
import { err, ok } from "../domain/result.ts";
import type { JobToImport } from "../domain/transfer/imported-job.ts";
import { restoreJob } from "../domain/transfer/restored-job.ts";
import type { Env, Settings } from "../env.ts";
import { jobObject } from "../objects/job.ts";
import type { Job, JobInput } from "../schema/job.ts";

/** Whoever makes a job: where, and when. */
export type PlaceCall = {
  readonly env: Env;
  readonly settings: Settings & { readonly TOKEN_SECRET: string };
  /** Epoch ms. */
  readonly now: number;
  /** Scheme and host of the call, where the agent reports to unless PUBLIC_URL is set. */
  readonly origin: string;
};

export type NewJob = PlaceCall & {
  readonly caller: Caller;
  readonly input: JobInput;
  readonly idempotencyKey?: string | undefined;
};

/** A job as a dry run shows it: what only a job that is kept has is left out. */
export type DryJob = Omit<Job, "id" | "etag" | "created_at" | "updated_at">;

/** Under one key a job a day can be made for as long as this many of them stay; then the key is worn out. */
const MAX_KEY_GENERATIONS = 100;
const DRY_RUN_FIRES = 5;

/**
 * Makes a job; `replayed` where the Idempotency-Key has made it before.
 * Errors: `validation_failed`, `forbidden`, `name_reserved`, `quota_exceeded`, `idempotency_key_reused`.
 */
export async function createJob(call: NewJob): Promise<Outcome<{ readonly job: Job; readonly replayed: boolean }>> {
  const job = checkForm(call);
  if (!job.ok) return job;
  const ahead = checkScheduleAhead(job.value, call.now, call.now);
  if (call.idempotencyKey === undefined) {
    return ahead.ok ? placeNew(call, randomJobId(), job.value, { isNewId: true }) : ahead;
  }
  const hash = await digest(canonicalJson(call.input));
  for (let generation = 0; generation < MAX_KEY_GENERATIONS; generation++) {
    const id = await keyedJobId(call, call.idempotencyKey, generation);
    const made = ahead.ok ? await placeNew(call, id, job.value, { idempotencyHash: hash }) : ahead;
    if (ahead.ok && !isTaken(made)) return made;
    // A key that was used before: for a repeat, unless that is so long ago that it is free again. Asking this of every
    // key at first would cost each new job a call.
    const recalled = await jobObject(call.env, id).recall(hash);
    if (!recalled.ok) return recalled;
    if (recalled.value.was === "kept") return ok({ job: recalled.value.job, replayed: true });
    if (recalled.value.was === "nothing") return made;
  }
  return err({ kind: "idempotency_key_reused" });
}

const isTaken = (made: Outcome<{ readonly replayed: boolean }>): boolean =>
  made.ok ? made.value.replayed : made.error.kind === "idempotency_key_reused";

/** What {@link createJob} would make and when it would fire; nothing is stored. Errors: as there, but for the quota. */
export async function dryRunJob(
  call: NewJob,
): Promise<Outcome<{ readonly job: DryJob; readonly next: readonly Fire[] }>> {
  const job = checkForm(call);
  if (!job.ok) return job;
  const ahead = checkScheduleAhead(job.value, call.now, call.now);
  if (!ahead.ok) return ahead;
  const { definition, schedule } = job.value;
  if (await isNameReserved(call.env, ownerOf(definition), definition.name)) {
    return err({ kind: "name_reserved", name: definition.name });
  }
  const { record, cursor } = newJob("", job.value, call.now);
  const { id: _id, etag: _etag, created_at: _created, updated_at: _updated, ...view } = jobView(record, cursor);
  return ok({ job: view, next: showFires(schedule, call.now, DRY_RUN_FIRES) });
}

/** Everything but whether the schedule still lies ahead: a repeat under a key is answered also after its time has come. */
function checkForm({ caller, input }: NewJob): Outcome<CompiledJob> {
  const claimed = claimJob(caller, input);
  if (!claimed.ok) return claimed;
  if (claimed.value.owner_kind === "system") return systemNeedsEnsure;
  return defineJob(claimed.value);
}

type Placed = Outcome<{ readonly job: Job; readonly replayed: boolean }>;

/**
 * The place in the directory first: what is acknowledged is listed, and what is listed without a job is swept away. `make` makes the
 * job as of the `createdAt` that its place has; `isNewId` where its id was drawn for it.
 */
async function place(
  { env, settings }: PlaceCall,
  createdAt: number,
  make: (createdAt: number) => { record: JobRecord; cursor: Cursor },
  isNewId = false,
): Promise<Placed> {
  const wanted = make(createdAt);
  const { id } = wanted.record;
  const entry = indexEntryOf(wanted.record);
  // What is finished counts against no quota.
  const maxJobs = entry.state === "finished" ? Number.MAX_SAFE_INTEGER : settings.MAX_JOBS_PER_OWNER;
  const reserved = await reserveJob(env, entry, maxJobs);
  if (!reserved.ok) return reserved;
  const { createdAt: reservedFor, reservedAt, repeated } = reserved.value;
  await adoptJobId(env, id, entry.owner);
  const job = reservedFor === createdAt ? wanted : make(reservedFor);
  const made = await jobObject(env, id).create({ ...job, place: { reservedAt, repeated }, isNewId });
  const isHere = made.ok && !made.value.replayed;
  if (!isHere && !repeated) await giveUp(env, id, entry.owner, reservedFor);
  return made;
}

const placeNew = (
  call: PlaceCall,
  id: string,
  job: CompiledJob,
  { idempotencyHash, isNewId }: { readonly idempotencyHash?: string; readonly isNewId?: boolean } = {},
): Promise<Placed> =>
  place(call, call.now, (at) => newJob(id, job, at, { origin: call.origin, idempotencyHash }), isNewId);

/** The id has a job already, made by a call with the same key: the place goes, unless it is that job's own. */
async function giveUp(env: Env, id: string, owner: string, createdAt: number): Promise<void> {
  const present = await jobObject(env, id).read(ADMIN);
  if (present.ok && ownerOf(present.value) === owner) return;
  await removeFromIndex(env, owner, id, createdAt);
}

/** Makes a system job under the id that its name gives it (`ensure`). Errors: `quota_exceeded`, `name_reserved`, `idempotency_key_reused` where it is there already. */
export const placeSystemJob = (call: PlaceCall, job: CompiledJob, id: string): Promise<Placed> =>
  placeNew(call, id, job);

/** Makes a job that was made elsewhere, under the id that it has. Errors: as {@link placeSystemJob}. */
export const placeImportedJob = (call: PlaceCall, { id, job, createdAt, restored }: JobToImport): Promise<Placed> =>
  place(call, createdAt, (at) => restoreJob(id, job, at, restored, call.origin));

const randomJobId = (): string => jobIdFromBytes(crypto.getRandomValues(new Uint8Array(JOB_ID_BYTES)));

const encoder = new TextEncoder();

/** The id that a caller's key stands for. Keyed with TOKEN_SECRET: nobody can work out, or take, another's id. */
async function keyedJobId(call: NewJob, key: string, generation: number): Promise<string> {
  const secret = await hmacKey(call.settings.TOKEN_SECRET);
  const text = ["idempotency", canonicalJson(call.caller), key, generation].join("\n");
  return jobIdFromBytes(new Uint8Array(await crypto.subtle.sign("HMAC", secret, encoder.encode(text))));
}

const hmacKey = (secret: string): Promise<CryptoKey> =>
  crypto.subtle.importKey("raw", encoder.encode(secret), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
