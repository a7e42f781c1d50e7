/**
 * The progress of the running fan-out, for watchers. The shards are asked at a bounded rate, and nothing is stored. Without
 * a watcher nothing is asked and no timer runs.
 */
import { type FanOut, type FanOutCounts, sumCounts } from "../../../src/domain/fan-out/fan-out.ts";
import { mapLimit } from "../../../src/map-limit.ts";
import type { ShardStatus } from "../../../src/objects/fan-out.ts";
import { SECOND_MS } from "../../../src/schema/limits.ts";
import type { Listener } from "../state.ts";

/** The pause between two rounds of questions. It doubles with each round that finds no change. */
const PAUSE_MS = SECOND_MS;
const LONGEST_PAUSE_MS = 8 * SECOND_MS;
/** The pause for each shard. It allows ten questions a second, since each is a subrequest. */
const PAUSE_PER_SHARD_MS = 100;

export type ProgressSource = {
  /** The running fan-out, if there is one. */
  readonly going: () => FanOut | undefined;
  /** The state of fan-out `number` in shard `shardIndex`. Throws if the shard cannot be reached. */
  readonly status: (shardIndex: number, number: number) => Promise<Pick<ShardStatus, "idle" | "counts">>;
  /** Subscribes to the job's changes. The returned function ends the subscription. */
  readonly listen: (listener: Listener) => () => void;
  readonly report: (message: string, error: unknown) => void;
};

/** A function that gets the counts after each round, changed or not. */
export type Watcher = (fanOut: FanOut, counts: FanOutCounts) => void;

export class FanOutProgress {
  readonly #source: ProgressSource;
  readonly #watchers = new Set<Watcher>();
  /** The last reports of the shards of the running fan-out. A settled shard is final and is not asked again. */
  readonly #reports = new Map<number, { readonly counts: FanOutCounts; readonly settled: boolean }>();
  readonly #unreachable = new Set<number>();
  #number: number | undefined;
  #counts: FanOutCounts | undefined;
  #asking = false;
  #quietRounds = 0;
  #stopTimer = () => {};
  #unlisten = () => {};

  constructor(source: ProgressSource) {
    this.#source = source;
  }

  /** Reports the running fan-out to `watcher`, now and when its counts change. The returned function ends that. */
  watch(watcher: Watcher): () => void {
    if (this.#watchers.size === 0) {
      this.#unlisten = this.#source.listen(({ fanOut }) => {
        if (fanOut !== undefined) this.#look();
      });
    }
    this.#watchers.add(watcher);
    this.#look();
    return () => {
      this.#watchers.delete(watcher);
      if (this.#watchers.size === 0) this.#rest();
    };
  }

  /** Shortens the pause before the next round, because a user's run was changed from outside. */
  moved(): void {
    if (this.#quietRounds > 0 && !this.#asking) this.#wait(0);
  }

  #rest(): void {
    this.#unlisten();
    this.#unlisten = () => {};
    this.#forget(undefined);
  }

  #forget(number: number | undefined): void {
    this.#stopTimer();
    this.#reports.clear();
    this.#unreachable.clear();
    this.#number = number;
    this.#counts = undefined;
    this.#quietRounds = 0;
  }

  #wait(quietRounds: number): void {
    this.#stopTimer();
    this.#quietRounds = quietRounds;
    const asked = [...this.#reports.values()].filter(({ settled }) => !settled).length;
    const pause = Math.min(PAUSE_MS * 2 ** quietRounds, LONGEST_PAUSE_MS);
    const timer = setTimeout(() => this.#look(), Math.max(pause, asked * PAUSE_PER_SHARD_MS));
    this.#stopTimer = () => clearTimeout(timer);
  }

  /** Starts a round now, unless one is under way. */
  #look(): void {
    if (this.#asking) return;
    this.#stopTimer();
    const fanOut = this.#watchers.size === 0 ? undefined : this.#source.going();
    if (fanOut?.number !== this.#number) this.#forget(fanOut?.number);
    if (fanOut === undefined) return;
    this.#asking = true;
    void this.#ask(fanOut).then(() => {
      this.#asking = false;
      this.#notifyListeners();
    });
  }

  /** Passes on the counts of a round, if they are still about the running fan-out, and plans the next one. */
  #notifyListeners(): void {
    const fanOut = this.#watchers.size === 0 ? undefined : this.#source.going();
    if (fanOut === undefined || fanOut.number !== this.#number) {
      this.#look();
      return;
    }
    const counts = sumCounts([...this.#reports.values()].map((report) => report.counts));
    const isQuiet = isSame(counts, this.#counts);
    this.#counts = counts;
    this.#wait(isQuiet ? this.#quietRounds + 1 : 0);
    for (const watcher of this.#watchers) watcher(fanOut, counts);
  }

  /** Asks the shards that are not done. An unreachable shard counts with its last report. Its failure is logged once. */
  async #ask({ number, activeShards, source }: FanOut): Promise<void> {
    const busy = activeShards.filter((shardIndex) => this.#reports.get(shardIndex)?.settled !== true);
    await mapLimit(busy, async (shardIndex) => {
      if (this.#number !== number) return;
      try {
        const { counts, idle } = await this.#source.status(shardIndex, number);
        if (this.#number !== number) return;
        this.#unreachable.delete(shardIndex);
        this.#reports.set(shardIndex, { counts, settled: idle && source.done });
      } catch (error) {
        if (this.#number !== number || this.#unreachable.has(shardIndex)) return;
        this.#unreachable.add(shardIndex);
        this.#source.report(
          `Shard ${shardIndex} of a fan-out does not tell listeners how far it is; asking again`,
          error,
        );
      }
    });
  }
}

const isSame = (a: FanOutCounts, b: FanOutCounts | undefined): boolean =>
  a.total === b?.total && a.succeeded === b.succeeded && a.failed === b.failed && a.skipped === b.skipped;
