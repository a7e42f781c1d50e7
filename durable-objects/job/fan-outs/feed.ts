/**
 * Feeds a fan-out: it reads a page of users from the source and hands each user to their shard. It continues from the
 * stored cursor, which is committed after a page was handed over. A page that is handed over twice does no harm
 * (docs/fan-out.md).
 */
import { compact } from "../../../src/domain/compact.ts";
import { type FanOut, pageHanded, sourceFailed } from "../../../src/domain/fan-out/fan-out.ts";
import { shardOfUser } from "../../../src/domain/fan-out/shard.ts";
import type { FanOutSpec } from "../../../src/domain/fan-out/user-run.ts";
import type { Env, Settings } from "../../../src/env.ts";
import { mapLimit } from "../../../src/map-limit.ts";
import { fanOutShard } from "../../../src/objects/fan-out.ts";
import { openSource } from "../../../src/users/open.ts";
import type { ActiveUserSource } from "../../../src/users/source.ts";
import type { JobState } from "../state.ts";

export type FeedEffects = { readonly now: () => number; readonly random: () => number };

export class FanOutFeed {
  readonly #env: Env;
  readonly #settings: Settings;
  readonly #state: JobState;
  readonly #effects: FeedEffects;
  #source: { readonly number: number; readonly users: ActiveUserSource } | undefined;
  /** The shards that this process has told about the current fan-out, as `fan-out/shard`. */
  readonly #opened = new Set<string>();

  constructor(env: Env, settings: Settings, state: JobState, effects: FeedEffects) {
    this.#env = env;
    this.#settings = settings;
    this.#state = state;
    this.#effects = effects;
  }

  /**
   * Hands one page over. Its cursor is stored after every shard has taken its part. `postponed`: the platform allows no
   * further call in this invocation. Throws if a shard cannot be reached.
   */
  async page(fanOut: FanOut): Promise<"handed" | "failed" | "postponed"> {
    const page = await this.#sourceOf(fanOut).page(fanOut.source.cursor);
    if (!page.ok) {
      if (page.error.postponed) return "postponed";
      const policy = this.#state.current?.job.retry;
      if (policy === undefined || !this.#isGoing(fanOut)) return "failed";
      const context = { policy, now: this.#effects.now(), random: this.#effects.random() };
      this.#state.commit({ fanOut: sourceFailed(fanOut, page.error, context) });
      return "failed";
    }
    const { users, cursor } = page.value;
    const byShard = Map.groupBy(new Set(users), (user) => shardOfUser(user, fanOut.shards));
    // The shards are stored before a user is handed over, since a deletion of the job and a search for a run must know
    // them.
    const isNew = [...byShard.keys()].some((shardIndex) => !fanOut.activeShards.includes(shardIndex));
    if (isNew && this.#isGoing(fanOut)) {
      const activeShards = [...new Set([...fanOut.activeShards, ...byShard.keys()])].sort((a, b) => a - b);
      this.#state.commit({ fanOut: { ...fanOut, activeShards } });
    }
    await mapLimit(byShard, async ([shardIndex, its]) => {
      if (this.#isGoing(fanOut)) await this.#handOver(fanOut, shardIndex, its);
    });
    const current = this.#state.going;
    if (current?.number !== fanOut.number) return "handed";
    const handed = { users: users.length, shards: byShard.keys(), cursor };
    this.#state.commit({ fanOut: pageHanded(current, handed, this.#effects.now()) });
    return "handed";
  }

  /** Closes the source, because no page is to come. */
  close(): void {
    this.#source?.users.close();
    this.#source = undefined;
  }

  /** Forgets what the shards know, because one could not be reached. */
  forgetShards(): void {
    this.#opened.clear();
  }

  async #handOver(fanOut: FanOut, shardIndex: number, users: readonly string[]): Promise<void> {
    const { number, id, trigger, dueAt, startedAt, definition, origin, shards } = fanOut;
    const stored = this.#state.stored;
    if (stored === undefined) return;
    const shard = fanOutShard(this.#env, stored.record.id, shardIndex);
    const key = `${number}/${shardIndex}`;
    if (this.#opened.has(key) && (await shard.feed(number, users))) return;
    // While a fan-out is running, nothing else in the job spends. So this is the spend at the beginning of the fan-out.
    const { spent } = stored.cursor;
    const spec: FanOutSpec = {
      ...{ number, id, jobId: stored.record.id, trigger, dueAt, startedAt, definition, shards },
      ...compact({ origin, spent }),
    };
    await shard.feed(number, users, { spec, shardIndex });
    this.#opened.add(key);
  }

  #isGoing({ number }: FanOut): boolean {
    return this.#state.going?.number === number;
  }

  #sourceOf(fanOut: FanOut): ActiveUserSource {
    if (this.#source?.number === fanOut.number) return this.#source.users;
    this.close();
    const reading = { fanOutId: fanOut.id, startedAt: fanOut.startedAt, now: this.#effects.now };
    const users = openSource(this.#env, this.#settings, reading);
    this.#source = { number: fanOut.number, users };
    return users;
  }
}
