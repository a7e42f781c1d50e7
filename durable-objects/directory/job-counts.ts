/**
 * The number of a shard's jobs by state and scope, kept in memory. The table is read at the first question after waking,
 * and not again.
 */
import type { JobCount } from "../../src/objects/directory.ts";

type Kind = Pick<JobCount, "state" | "execScope">;

export class JobCounts {
  readonly #read: () => readonly JobCount[];
  #counts: Map<string, JobCount> | undefined;

  constructor(read: () => readonly JobCount[]) {
    this.#read = read;
  }

  all(): JobCount[] {
    this.#counts ??= new Map(this.#read().map((count) => [keyOf(count), count]));
    return [...this.#counts.values()].filter(({ count }) => count > 0);
  }

  /** Counts a job that was added (1) or removed (-1). */
  add({ state, execScope }: Kind, by: 1 | -1): void {
    if (this.#counts === undefined) return;
    const key = keyOf({ state, execScope });
    this.#counts.set(key, { state, execScope, count: (this.#counts.get(key)?.count ?? 0) + by });
  }
}

const keyOf = ({ state, execScope }: Kind): string => `${state} ${execScope}`;
