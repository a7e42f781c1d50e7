/**
 * The contract of a shard of a fan-out, for its job. `durable-objects/fan-out/object.ts` implements it. Instants are
 * epoch ms.
 */
import type { Outcome } from "../domain/failure.ts";
import type { FanOutCounts, LastDay } from "../domain/fan-out/fan-out.ts";
import { shardName } from "../domain/fan-out/shard.ts";
import type { FanOutSpec, RunKey } from "../domain/fan-out/user-run.ts";
import type { Lease } from "../domain/run/claim.ts";
import type { PreviousRun, Run } from "../domain/run/run.ts";
import type { JobDefinition, RunStatus } from "../schema/job.ts";
import type { CompleteBody, Progress, Run as RunView } from "../schema/run.ts";
import type { Objects } from "./binding.ts";

/** The state of a fan-out in a shard. `idle`: nothing runs, waits or is queued. `gone`: the reason of an agent's 410. */
export type ShardStatus = {
  readonly idle: boolean;
  readonly counts: FanOutCounts;
  readonly agentGone?: string;
  /** The last day's spend, for a job with a budget, which has one shard. */
  readonly lastDay?: LastDay;
};

/** A run in a list, with its place. */
export type ListedRun = RunKey & { readonly view: RunView };

/** The changes of a user's run from outside. */
export type RunChange =
  | ({ readonly kind: "complete"; readonly body: CompleteBody } & ByWay)
  | ({ readonly kind: "progress"; readonly progress: Progress } & ByWay)
  | { readonly kind: "cancel" }
  | { readonly kind: "release"; readonly by: "agent" | "mailbox"; readonly claimedAt?: number | undefined };

/** `mailbox`: the run's mailbox itself reports, and need not be told. */
type ByWay = { readonly via?: "mailbox" | undefined };

/** A claimed run, with the parts of its job that the agent gets. */
export type ClaimedRun = {
  readonly run: Run;
  readonly definition: JobDefinition;
  readonly origin?: string | undefined;
  /** The user's last run, for a job with `continuity`. */
  readonly previous?: PreviousRun | undefined;
};

export type UserRunQuery = {
  readonly limit: number;
  readonly before?: RunKey | undefined;
  readonly status?: RunStatus | undefined;
  /** Only this user's runs. */
  readonly userId?: string | undefined;
  /** `true`: only runs in which the agent found nothing new. `false`: only the others. */
  readonly unchanged?: boolean | undefined;
  /** Only runs that started at `since` or later, and before `until`; epoch ms. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
};

/** One shard of one job's fan-outs. Only the Job object calls it, after it has checked the caller. */
export interface FanOutRpc {
  /**
   * Takes users in. Each is run once, however often they are handed over. `opening` is needed the first time. False means
   * that this shard does not know the fan-out yet, and the caller must hand it over with its `opening`.
   */
  feed(
    number: number,
    users: readonly string[],
    opening?: { readonly spec: FanOutSpec; readonly shardIndex: number },
  ): Promise<boolean>;
  /** The state of fan-out `number` in this shard. Asking also wakes a shard whose alarm the platform has given up (docs/architecture.md, invariant 4). */
  status(number: number): Promise<ShardStatus>;
  /** Runs of one fan-out, or of all kept fan-outs, newest first. */
  runs(query: UserRunQuery & { readonly number?: number | undefined }): Promise<ListedRun[]>;
  /** The run of the user with this key. Errors: `not_found`, also before the user's turn. */
  run(number: number, key: string): Promise<Outcome<RunView>>;
  /**
   * Changes a user's run. Errors: `not_found`, `validation_failed` for a release of a run that is not claimed,
   * `run_already_finished`. A completion that repeats the run's status is not an error.
   */
  changeRun(number: number, key: string, change: RunChange): Promise<Outcome<RunView>>;
  /** Hands an offered run to the agent that claims it. Undefined if it is not offered (any more). */
  claimRun(number: number, key: string, lease: Lease): Promise<ClaimedRun | undefined>;
  /** Drops a fan-out and its runs. */
  forget(number: number): Promise<void>;
  /** Aborts every call and erases everything, because the job is gone. */
  erase(): Promise<void>;
}

export type FanOutBinding = { readonly FAN_OUT: Objects<FanOutRpc> };

/** Shard `shardIndex` of a job's fan-outs. The stub is fresh each time, since one that has thrown stays broken. */
export const fanOutShard = (env: FanOutBinding, jobId: string, shardIndex: number): FanOutRpc =>
  env.FAN_OUT.getByName(shardName(jobId, shardIndex));
