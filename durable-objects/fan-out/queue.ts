/**
 * The users of the current fan-out that a shard still has to run, batch by batch. Each is run once, however often the
 * source names them.
 */
import type { QueuedUser } from "../../src/domain/fan-out/turn.ts";
import { userKey } from "../../src/domain/run/run-id.ts";
import type { FanOutStore } from "./store.ts";

/** A batch with users that have begun. Some of these may not have ended. */
export type OpenBatch = {
  readonly seq: number;
  /** The users without a run when the batch was opened, by their keys. */
  readonly users: readonly QueuedUser[];
  next: number;
  outstanding: number;
};

export class FanOutQueue {
  readonly #store: FanOutStore;
  readonly #number: number;
  #open: OpenBatch[] = [];
  /** The number of users in batches that are not open. Undefined until they were counted. */
  #waiting: number | undefined;

  constructor(store: FanOutStore, number: number) {
    this.#store = store;
    this.#number = number;
  }

  /** The number of waiting users. A user in an unopened batch counts once for each time that the source named them. */
  get size(): number {
    this.#waiting ??= this.#store.queued(this.#number, this.#seqs());
    return this.#open.reduce((sum, { users, next }) => sum + users.length - next, this.#waiting);
  }

  /** Notes that a batch with this number of users has been stored. */
  added(users: number): void {
    if (this.#waiting !== undefined) this.#waiting += users;
  }

  /** The next users, at most `limit`. They stay in the queue until they are taken out. */
  peek(limit: number): QueuedUser[] {
    const users: QueuedUser[] = [];
    for (const batch of this.#open) users.push(...batch.users.slice(batch.next, batch.next + limit - users.length));
    while (users.length < limit) {
      const batch = this.#openNext();
      if (batch === undefined) break;
      users.push(...batch.users.slice(0, limit - users.length));
    }
    return users;
  }

  /** Takes out the next user. Give the batch back to {@link ended} when the user's run has ended or waits. */
  next(): { readonly user: QueuedUser; readonly batch: OpenBatch } | undefined {
    for (;;) {
      const batch = this.#open.find(({ next, users }) => next < users.length) ?? this.#openNext();
      if (batch === undefined) return undefined;
      const user = batch.users[batch.next];
      if (user === undefined) continue;
      batch.next++;
      batch.outstanding++;
      return { user, batch };
    }
  }

  /** Notes that one user of the batch is finished and logged. True if it was the last: {@link drop} the batch then. */
  ended(batch: OpenBatch): boolean {
    batch.outstanding--;
    return isThrough(batch);
  }

  /** Drops a batch whose users have all been logged, from the table too. */
  drop(batch: OpenBatch): void {
    this.#store.deleteBatch(batch.seq);
    this.#open = this.#open.filter((other) => other !== batch);
  }

  /** Opens the oldest batch. Batches without a user to run are skipped. */
  #openNext(): OpenBatch | undefined {
    for (;;) {
      const stored = this.#store.nextBatch(this.#number, this.#seqs());
      if (stored === undefined) return undefined;
      if (this.#waiting !== undefined) this.#waiting -= stored.users.length;
      const named = new Map(stored.users.map((userId) => [userKey(userId), userId]));
      // Users that were named before are in the log, or in a batch that is still open.
      for (const key of this.#store.logged(this.#number, [...named.keys()])) named.delete(key);
      for (const open of this.#open) for (const { key } of open.users) named.delete(key);
      const users = [...named].map(([key, userId]) => ({ userId, key }));
      const batch = { seq: stored.seq, users, next: 0, outstanding: 0 };
      if (users.length === 0) {
        this.#store.deleteBatch(batch.seq);
        continue;
      }
      this.#open.push(batch);
      return batch;
    }
  }

  #seqs(): number[] {
    return this.#open.map(({ seq }) => seq);
  }
}

const isThrough = ({ next, users, outstanding }: OpenBatch): boolean => next >= users.length && outstanding === 0;
