/**
 * Creates a job, for HTTP and MCP alike. It is checked, claimed for the caller, given a place in the directory, and only
 * then created. Under an Idempotency-Key it is created at most once.
 */
import { claimIdempotencyKey, jobOfIdempotencyKey } from "../directory/idempotency.ts";
import { randomJobId } from "../directory/job-ids.ts";
import { adoptJobId, giveUpPlace, isNameReserved, reserveJob } from "../directory/jobs-index.ts";
import { type Author, authorOf } from "../domain/audit.ts";
import type { Failure, Outcome } from "../domain/failure.ts";
import { ADMIN, type Caller, canSee, claimJob, systemNeedsEnsure } from "../domain/job/access.ts";
import { type CompiledJob, checkScheduleAhead, defineJob, ownerOf } from "../domain/job/definition.ts";
import { type Fire, showFires } from "../domain/job/fires.ts";
import { indexEntryOf } from "../domain/job/index-entry.ts";
import { type Cursor, type JobRecord, jobView, newJob } from "../domain/job/job.ts";
import { canonicalJson } from "../domain/job/job-change.ts";
import { type Allowance, checkInterval } from "../domain/limits/admission.ts";
import { type Err, err, ok } from "../domain/result.ts";
import type { JobToImport } from "../domain/transfer/imported-job.ts";
import { restoreJob } from "../domain/transfer/restored-job.ts";
import { allowanceOf, type Env, type Settings } from "../env.ts";
import { jobObject } from "../objects/job.ts";
import type { Job, JobInput } from "../schema/job.ts";

/** The author of a job, the environment and the time. */
export type PlaceCall = {
  readonly env: Env;
  readonly settings: Settings & { readonly TOKEN_SECRET: string };
  /** Epoch ms. */
  readonly now: number;
  /** Scheme and host of the call. The agent reports there unless PUBLIC_URL is set. */
  readonly origin: string;
  /** The caller who creates it. */
  readonly by: Author;
};

export type NewJob = Omit<PlaceCall, "by"> & {
  readonly caller: Caller;
  readonly input: JobInput;
  readonly idempotencyKey?: string | undefined;
};

/** The checks of a job before it is given a place. */
type Form = Pick<NewJob, "caller" | "input" | "now"> & {
  readonly settings: Pick<Settings, "MIN_INTERVAL"> | undefined;
};

/** A job as a dry run shows it, without the fields that only a stored job has. */
export type DryJob = Omit<Job, "id" | "etag" | "created_at" | "updated_at">;

const DRY_RUN_FIRES = 5;

type Placed = Outcome<{ readonly job: Job; readonly replayed: boolean }>;

/**
 * Creates a job. `replayed` says that the Idempotency-Key has created it before. Errors: `validation_failed`, `forbidden`,
 * `name_reserved`, `quota_exceeded`, `idempotency_key_reused`.
 */
export async function createJob(call: NewJob): Promise<Placed> {
  const job = checkForm(call);
  if (!job.ok) return job;
  const ahead = checkScheduleAhead(job.value, call.now, call.now);
  if (call.idempotencyKey === undefined) {
    return ahead.ok ? placeNew(placingFor(call), await randomJobId(call.env), job.value, { isNewId: true }) : ahead;
  }
  return ahead.ok ? createOnce(call, call.idempotencyKey, job.value) : recallJob(call, call.idempotencyKey, ahead);
}

/** Creates the job of the key. If it exists already, it is found, even under another name, owner or quota. */
async function createOnce(call: NewJob, key: string, job: CompiledJob): Promise<Placed> {
  const drawn = await randomJobId(call.env);
  const id = await claimIdempotencyKey(call.env, await digestOfKey(call.caller, key), drawn, call.now);
  const hash = await digest(canonicalJson(call.input));
  // The key was used before, by a call that has created the job, is creating it now, or was interrupted.
  const isRepeat = id !== drawn;
  const recalled = isRepeat ? await recall(call, id, hash) : undefined;
  if (recalled !== undefined) return recalled;
  const made = await placeNew(placingFor(call), id, job, { idempotencyHash: hash });
  if (made.ok) return ifVisible(call.caller, made.value);
  return (isRepeat ? await recall(call, id, hash) : undefined) ?? made;
}

/** Handles a repeat whose schedule lies in the past by now. If there was no such call, no object is touched. */
async function recallJob(call: NewJob, key: string, otherwise: Placed): Promise<Placed> {
  const id = await jobOfIdempotencyKey(call.env, await digestOfKey(call.caller, key), call.now);
  if (id === undefined) return otherwise;
  return (await recall(call, id, await digest(canonicalJson(call.input)))) ?? otherwise;
}

/** The job that the key has created under `id`. Undefined if there is none. Errors: `idempotency_key_reused`. */
async function recall({ env, caller }: NewJob, id: string, hash: string): Promise<Placed | undefined> {
  const recalled = await jobObject(env, id).recall(hash);
  if (!recalled.ok) return recalled;
  if (recalled.value.was === "nothing") return undefined;
  return ifVisible(caller, { job: recalled.value.job, replayed: true });
}

/** Hides a job that has moved to somebody else, since a replay is a read (docs/contract.md §17). */
const ifVisible = (caller: Caller, found: { readonly job: Job; readonly replayed: boolean }): Placed =>
  found.replayed && !canSee(caller, found.job) ? err({ kind: "idempotency_key_reused" }) : ok(found);

/**
 * The job that {@link createJob} would create, and its next fires. Nothing is stored. Errors: the same, except for the
 * quota.
 */
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
  const {
    id: _id,
    etag: _etag,
    created_at: _created,
    updated_at: _updated,
    ...view
  } = jobView(record, cursor, call.now);
  return ok({ job: view, next: showFires(schedule, call.now, DRY_RUN_FIRES) });
}

/**
 * Whether this caller may create the job, and its schedule lies ahead. It does not look at existing jobs. Errors: as {@link
 * createJob}.
 */
export function checkNewJob(call: Form): Outcome<CompiledJob> {
  const job = checkForm(call);
  return job.ok ? checkScheduleAhead(job.value, call.now, call.now) : job;
}

/** A refusal together with the other faults of the job, so that one answer shows all. */
function withFaults(refused: Err<Failure>, defined: Outcome<CompiledJob>): Err<Failure> {
  if (defined.ok || refused.error.kind !== "forbidden" || defined.error.kind !== "validation_failed") return refused;
  return err({ ...refused.error, errors: [...(refused.error.errors ?? []), ...defined.error.errors] });
}

/** Checks everything except that the schedule lies ahead. A repeat under a key is answered even after its time. */
function checkForm({ caller, input, settings, now }: Form): Outcome<CompiledJob> {
  const claimed = claimJob(caller, input);
  if (!claimed.ok) return withFaults(claimed, defineJob(input, { now }));
  if (claimed.value.owner_kind === "system") return systemNeedsEnsure;
  const defined = defineJob(claimed.value, { now });
  if (!defined.ok || caller.role === "admin") return defined;
  const slow = checkInterval(defined.value, settings?.MIN_INTERVAL, now);
  return slow.ok ? defined : slow;
}

/**
 * Reserves the place in the directory and then creates the job. So every acknowledged job is listed, and a listed place
 * without a job is swept away. `make` creates the job with the `createdAt` of its place. `isNewId`: the id was drawn for
 * it.
 */
async function place(
  { env, by, allowed }: Placing,
  createdAt: number,
  make: (createdAt: number) => { record: JobRecord; cursor: Cursor },
  isNewId = false,
): Promise<Placed> {
  const wanted = make(createdAt);
  const { id } = wanted.record;
  const entry = indexEntryOf(wanted.record);
  const reserved = await reserveJob(env, entry, allowed, by);
  if (!reserved.ok) return reserved;
  const { createdAt: reservedFor, reservedAt, repeated } = reserved.value;
  await adoptJobId(env, id, entry.owner);
  const job = reservedFor === createdAt ? wanted : make(reservedFor);
  const made = await jobObject(env, id).create({ ...job, place: { reservedAt, repeated }, isNewId });
  const isHere = made.ok && !made.value.replayed;
  if (!isHere && !repeated) await giveUp(env, id, entry.owner, reservedFor);
  return made;
}

/** The circumstances of a creation: its author, and what may be stored. */
type Placing = PlaceCall & { readonly allowed: Allowance };

/** The circumstances of a job that a token's bearer creates. */
const placingFor = (call: NewJob): Placing => ({
  ...call,
  by: authorOf(call.caller),
  allowed: allowanceOf(call.settings, call.caller),
});

/** The circumstances of a job that the operator or code creates. */
const operators = (call: PlaceCall): Placing => ({ ...call, allowed: allowanceOf(call.settings, ADMIN) });

const placeNew = (
  call: Placing,
  id: string,
  job: CompiledJob,
  { idempotencyHash, isNewId }: { readonly idempotencyHash?: string; readonly isNewId?: boolean } = {},
): Promise<Placed> =>
  place(call, call.now, (at) => newJob(id, job, at, { origin: call.origin, idempotencyHash, by: call.by }), isNewId);

/**
 * Gives the place up, because a call with the same key has created a job under the id. If it is that job's own place, it
 * stays.
 */
async function giveUp(env: Env, id: string, owner: string, createdAt: number): Promise<void> {
  const present = await jobObject(env, id).read(ADMIN);
  if (present.ok && ownerOf(present.value) === owner) return;
  await giveUpPlace(env, owner, id, createdAt);
}

/**
 * Creates a system job under the id that its name gives it (`ensure`). Errors: `quota_exceeded`, `name_reserved`;
 * `idempotency_key_reused` if it exists.
 */
export const placeSystemJob = (call: PlaceCall, job: CompiledJob, id: string): Promise<Placed> =>
  placeNew(operators(call), id, job);

/** Creates a job from elsewhere under its own id. Errors: as {@link placeSystemJob}. */
export const placeImportedJob = (call: PlaceCall, { id, job, createdAt, restored }: JobToImport): Promise<Placed> =>
  place(operators(call), createdAt, (at) => restoreJob(id, job, at, restored, { origin: call.origin, by: call.by }));

const encoder = new TextEncoder();

/**
 * A digest of the caller's ids and the key. So two callers with the same key have different keys. The token's other claims
 * do not matter.
 */
function digestOfKey(caller: Caller, key: string): Promise<string> {
  const bound = caller.role === "agent" || caller.role === "user" || caller.role === "plugin";
  const ids = bound ? [caller.agent_id, caller.user_id, caller.plugin_id].map((id) => id ?? null) : [];
  return digest(JSON.stringify([caller.role, ...ids, key]));
}

async function digest(text: string): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
  return [...hash].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
