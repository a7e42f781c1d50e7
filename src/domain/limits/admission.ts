/**
 * Admission: everything that costs the operator is admitted before it is stored (docs/contract.md §16,
 * docs/architecture.md, invariant 11). The shard that reserves a job's place decides, by the figures of its owner and of
 * the subject that created it.
 */

import { DAY_MS } from "../../schema/limits.ts";
import { invalid, type Outcome } from "../failure.ts";
import { err, ok } from "../result.ts";
import { formatDuration } from "../time/duration.ts";
import { rateOf } from "../time/rate.ts";
import type { Schedule } from "../time/schedule.ts";

/** An owner's use of its quota. A job is another's if a token of another subject has created it. */
export type OwnerUse = {
  /** Jobs that are not finished. */
  readonly jobs: number;
  /** The number of these jobs that another subject created. */
  readonly othersJobs: number;
  /** The most fires of these jobs on one day, by their schedules. */
  readonly fires: number;
  readonly othersFires: number;
  readonly finished: number;
};

export const NO_USE: OwnerUse = { jobs: 0, othersJobs: 0, fires: 0, othersFires: 0, finished: 0 };

/** The limits, by the operator's settings. */
export type Allowance = {
  /** `MAX_JOBS_PER_OWNER`. */
  readonly maxJobs: number;
  /** `MAX_FIRES_PER_DAY`. Left out for the operator's calls, which it does not limit. */
  readonly maxFires?: number | undefined;
};

/** The job to admit: its owner, the subject that creates it (`admin`, `code`, `agent:A`, …), and its fires a day. */
export type Asked = { readonly owner: string; readonly maker?: string | undefined; readonly rate: number };

/** The number of finished jobs that an owner keeps, in multiples of its quota. */
export const FINISHED_QUOTAS = 10;

/** Makers that are not a token's subject. Their jobs count for the owner alone. */
const OPERATORS: readonly (string | undefined)[] = [undefined, "admin", "code"];

/** Whether the job counts for its maker besides its owner. */
export const isMadeByAnother = <T extends Pick<Asked, "owner" | "maker">>(job: T): job is T & { maker: string } =>
  job.maker !== job.owner && !OPERATORS.includes(job.maker);

/**
 * Whether the owner has room for one more such job. `backfilled` is the number of fires that it has backfilled today.
 * Tokens of other subjects fill at most half of the jobs. Of their fires at most half of the owner's limit counts against
 * the owner, so nobody can use up another's quota. Errors: `quota_exceeded`.
 */
export function admitJob(asked: Asked, use: OwnerUse, backfilled: number, allowed: Allowance): Outcome<null> {
  const { owner } = asked;
  const { maxJobs, maxFires } = allowed;
  if (use.jobs >= maxJobs) {
    return err({ kind: "quota_exceeded", of: "jobs", owner, limit: maxJobs, used: use.jobs });
  }
  const isAnothers = isMadeByAnother(asked);
  const half = Math.floor(maxJobs / 2);
  if (isAnothers && use.othersJobs >= half) {
    return err({ kind: "quota_exceeded", of: "others_jobs", owner, limit: half, used: use.othersJobs });
  }
  return maxFires === undefined ? ok(null) : admitFires({ ...asked, fires: asked.rate }, use, backfilled, maxFires);
}

/** Whether the owner may backfill this many past fires today. Errors: `quota_exceeded`. */
export const admitBackfill = (
  asked: Omit<Asked, "rate">,
  fires: number,
  use: OwnerUse,
  backfilled: number,
  maxFires: number,
): Outcome<null> => admitFires({ ...asked, fires }, use, backfilled, maxFires);

function admitFires(
  asked: Omit<Asked, "rate"> & { readonly fires: number },
  use: OwnerUse,
  backfilled: number,
  limit: number,
): Outcome<null> {
  const { owner, fires } = asked;
  const ofOthers = isMadeByAnother(asked) ? use.othersFires : Math.min(use.othersFires, Math.floor(limit / 2));
  const used = use.fires - use.othersFires + ofOthers + backfilled;
  return used + fires <= limit
    ? ok(null)
    : err({ kind: "quota_exceeded", of: "fires", owner, limit, used, asked: fires });
}

/** The jobs that a subject has created, for itself and for others. */
export type MakerUse = { readonly jobs: number; readonly fires: number };

/** Whether the subject may make one more job, for any owner. Errors: `quota_exceeded`. */
export function admitMaker(
  maker: string,
  rate: number,
  use: MakerUse,
  { maxJobs, maxFires }: Allowance,
): Outcome<null> {
  if (use.jobs >= maxJobs) {
    return err({ kind: "quota_exceeded", of: "made_jobs", owner: maker, limit: maxJobs, used: use.jobs });
  }
  if (maxFires !== undefined && use.fires + rate > maxFires) {
    return err({
      kind: "quota_exceeded",
      of: "made_fires",
      owner: maker,
      limit: maxFires,
      used: use.fires,
      asked: rate,
    });
  }
  return ok(null);
}

/** The fields that set a job's rate: its schedule, and the soonest next fire that its agent may ask for. */
export type Timed = { readonly schedule: Schedule; readonly pacing?: { readonly minMs: number } | undefined };

/**
 * The most fires of the job on one day. They follow from its schedule, or from the soonest fire that its agent may ask for.
 */
export function firesPerDay({ schedule, pacing }: Timed, now: number): number {
  const paced = pacing === undefined ? 0 : Math.ceil(DAY_MS / pacing.minMs);
  return Math.max(rateOf(schedule, now).perDay, paced);
}

/**
 * Checks that the job does not fire more often than the operator allows. Errors: `validation_failed` on `schedule` or
 * `pacing.min`.
 */
export function checkInterval(
  { schedule, pacing }: Timed,
  minIntervalMs: number | undefined,
  now: number,
): Outcome<null> {
  if (minIntervalMs === undefined) return ok(null);
  const { minGapMs } = rateOf(schedule, now);
  const least = formatDuration(minIntervalMs);
  if (minGapMs >= minIntervalMs)
    return pacing === undefined ? ok(null) : checkPacing(pacing.minMs, minIntervalMs, least);
  return invalid(
    [
      {
        path: "schedule",
        message: `fires every ${formatDuration(minGapMs)} at the shortest; at least ${least} is needed here`,
      },
    ],
    `This deployment allows no less than ${least} between two fires of a job (MIN_INTERVAL): send e.g. {"every": "${least}"}.`,
  );
}

/** Applies the same interval to an agent that chooses its next fire. */
function checkPacing(minMs: number, minIntervalMs: number, least: string): Outcome<null> {
  if (minMs >= minIntervalMs) return ok(null);
  return invalid(
    [
      {
        path: "pacing.min",
        message: `lets the agent fire again after ${formatDuration(minMs)}; at least ${least} is needed here`,
      },
    ],
    `This deployment allows no less than ${least} between two fires of a job (MIN_INTERVAL): send e.g. {"pacing": {"min": "${least}", "max": "1d"}}.`,
  );
}
