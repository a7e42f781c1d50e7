/** The runs of a job's fan-outs. They live in the shards, and are listed with the job's own, read, and changed here. */

import { compact } from "../../../src/domain/compact.ts";
import { notFound, type Outcome } from "../../../src/domain/failure.ts";
import type { FanOut } from "../../../src/domain/fan-out/fan-out.ts";
import { shardOfKey, shardOfUser } from "../../../src/domain/fan-out/shard.ts";
import { byNewest, type RunKey } from "../../../src/domain/fan-out/user-run.ts";
import { type Page, pageOf } from "../../../src/domain/page.ts";
import { err, ok } from "../../../src/domain/result.ts";
import type { Lease } from "../../../src/domain/run/claim.ts";
import type { PreviousRun, Run } from "../../../src/domain/run/run.ts";
import { parseUserRunId } from "../../../src/domain/run/run-id.ts";
import { runView } from "../../../src/domain/run/run-view.ts";
import type { Env, Settings } from "../../../src/env.ts";
import { mapLimit } from "../../../src/map-limit.ts";
import {
  type ClaimedRun,
  type FanOutRpc,
  fanOutShard,
  type ListedRun,
  type RunChange,
  type UserRunQuery,
} from "../../../src/objects/fan-out.ts";
import { FAN_OUT_RETENTION } from "../../../src/schema/limits.ts";
import type { Run as RunView } from "../../../src/schema/run.ts";
import type { JobState } from "../state.ts";

/** The users' runs that a caller wants. */
export type UserRunFilter = UserRunQuery & { readonly fanOutId?: string | undefined };

/** The number of shards that are asked for failed runs when a fan-out has ended. */
const ASKED_FOR_FAILED = 10;

export class UserRuns {
  readonly #env: Env;
  readonly #settings: Settings;
  readonly #state: JobState;
  readonly #moved: () => void;

  /** @param moved is called after a run was changed from outside */
  constructor(env: Env, settings: Settings, state: JobState, moved: () => void) {
    this.#env = env;
    this.#settings = settings;
    this.#state = state;
    this.#moved = moved;
  }

  /**
   * The runs of a job that fans out, newest first. They are its users' runs. Without a filter by fan-out, the runs of its
   * own log are included.
   */
  async runs(jobId: string, filter: UserRunFilter): Promise<Page<RunView, RunKey>> {
    const { limit, before, status, userId, unchanged, since, until, fanOutId } = filter;
    const log =
      fanOutId === undefined
        ? this.#state.store.runs({ limit: this.#settings.RUN_RETENTION, status, userId, unchanged, since, until })
        : [];
    const own = log.filter((run) => before === undefined || byNewest(before, run) < 0);
    const listed = own.map((run) => ({ startedAt: run.startedAt, id: run.id, view: runView(jobId, run) }));
    const runs = [...listed, ...(await this.#userRuns({ ...filter, limit: limit + 1 }))].sort(byNewest);
    const page = pageOf(runs, limit, ({ startedAt, id }) => ({ startedAt, id }));
    return { ...page, items: page.items.map(({ view }) => view) };
  }

  /** Up to `limit` failed runs of a fan-out, from its first shards. The number of its calls is bounded. */
  async failed({ number, activeShards }: FanOut, limit: number): Promise<RunView[]> {
    const failed: ListedRun[] = [];
    for (const shardIndex of activeShards.slice(0, ASKED_FOR_FAILED)) {
      if (failed.length >= limit) break;
      failed.push(...(await this.#shard(shardIndex).runs({ number, status: "error", limit: limit - failed.length })));
    }
    return failed.map(({ view }) => view);
  }

  async #userRuns(filter: UserRunFilter): Promise<ListedRun[]> {
    const { fanOutId, userId, ...query } = filter;
    const fanOuts = this.#state.fanOuts
      .list(FAN_OUT_RETENTION + 1)
      .filter(({ id }) => fanOutId === undefined || id === fanOutId);
    const number = fanOutId === undefined ? undefined : fanOuts[0]?.number;
    if (fanOuts.length === 0) return [];
    const places =
      userId === undefined ? allShardsOf(fanOuts) : new Set(fanOuts.map(({ shards }) => shardOfUser(userId, shards)));
    // Only one page is kept, and not one page of each shard, since a run may have 16 KiB of output.
    let newest: ListedRun[] = [];
    await mapLimit(places, async (shardIndex) => {
      const runs = await this.#shard(shardIndex).runs({ ...query, number, userId });
      newest = [...newest, ...runs].sort(byNewest).slice(0, query.limit);
    });
    return newest;
  }

  /** The run of a user by its id. Undefined if it is not the id of a user's run. */
  async run(runId: string): Promise<Outcome<RunView>> {
    const place = this.#placeOf(runId);
    return place === undefined
      ? notFound("run")
      : own(await this.#shard(place.shardIndex).run(place.number, place.key));
  }

  /** The end of the user's run that this one repeats. Undefined if there is none or it cannot be read. */
  async repeatedBy({ retryOf }: Pick<Run, "retryOf">): Promise<PreviousRun | undefined> {
    if (retryOf === undefined) return undefined;
    try {
      const run = await this.run(retryOf);
      if (!run.ok || (run.value.status !== "success" && run.value.status !== "error")) return undefined;
      const { id, status, started_at, finished_at = started_at, output, error } = run.value;
      const [startedAt, finishedAt] = [started_at, finished_at].map(Date.parse);
      return compact({ id, status, startedAt: startedAt ?? 0, finishedAt, output, error });
    } catch {
      return undefined;
    }
  }

  async changeRun(runId: string, change: RunChange): Promise<Outcome<RunView>> {
    const place = this.#placeOf(runId);
    if (place === undefined) return notFound("run");
    const changed = own(await this.#shard(place.shardIndex).changeRun(place.number, place.key, change));
    this.#moved();
    return changed;
  }

  /** Hands a user's run to the agent that claims it. Undefined if it is not offered. */
  async claimRun(runId: string, lease: Lease): Promise<ClaimedRun | undefined> {
    const place = this.#placeOf(runId);
    if (place === undefined) return undefined;
    const claimed = await this.#shard(place.shardIndex).claimRun(place.number, place.key, lease);
    // An answer that came by RPC must be copied. Otherwise it would never be disposed of.
    return claimed === undefined ? undefined : { ...claimed };
  }

  #placeOf(runId: string) {
    const parsed = parseUserRunId(runId);
    const fanOut = parsed === undefined ? undefined : this.#state.fanOuts.find(parsed.fanOutId);
    if (parsed === undefined || fanOut === undefined) return undefined;
    const shardIndex = shardOfKey(parsed.key, fanOut.shards);
    return fanOut.activeShards.includes(shardIndex)
      ? { shardIndex, number: fanOut.number, key: parsed.key }
      : undefined;
  }

  #shard(shardIndex: number): FanOutRpc {
    const id = this.#state.stored?.record.id;
    if (id === undefined) throw new Error("A job that does not exist has no fan-outs");
    return fanOutShard(this.#env, id, shardIndex);
  }
}

/** A copy of an answer that came by RPC. Without the copy it would never be disposed of and would hold on to its call. */
const own = <T>(answer: Outcome<T>): Outcome<T> => (answer.ok ? ok(answer.value) : err(answer.error));

/** The shards that any of the fan-outs has handed users to. */
export const allShardsOf = (fanOuts: readonly FanOut[]): Set<number> =>
  new Set(fanOuts.flatMap(({ activeShards }) => activeShards));
