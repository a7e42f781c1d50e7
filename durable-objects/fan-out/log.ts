/**
 * The log of the fan-out that a shard works on, as its loop writes it. A commit waits for the disk, and the next call waits
 * for the commit. So ended runs are kept in memory for a moment and written together. A crash in that moment repeats their
 * calls under the same run ids, like those in flight.
 */
import type { FanOutCounts } from "../../src/domain/fan-out/fan-out.ts";
import type { FanOutSpec } from "../../src/domain/fan-out/user-run.ts";
import { isActive, type Run } from "../../src/domain/run/run.ts";
import { keyOfUserRun } from "../../src/domain/run/run-id.ts";
import type { FanOutStore } from "./store.ts";

/** The most ended runs that are written together. */
const MAX_UNWRITTEN = 50;
/** The longest time that an ended run is kept in memory, in ms. */
const MAX_UNWRITTEN_MS = 250;

/** The counts of a log. `active` are logged runs that have not ended. */
type Tally = { -readonly [K in Exclude<keyof FanOutCounts, "spend">]: number } & {
  active: number;
  usd: number;
  tokens: number;
};

export class FanOutLog {
  readonly #store: FanOutStore;
  readonly #spec: FanOutSpec;
  readonly #ended: (run: Run) => void;
  readonly #unwritten = new Map<string, Run>();
  #limit = MAX_UNWRITTEN;
  #tally: Tally | undefined;
  #writeAt = Number.POSITIVE_INFINITY;

  /** @param ended is called with each run as it ends */
  constructor(store: FanOutStore, spec: FanOutSpec, ended: (run: Run) => void = () => undefined) {
    this.#ended = ended;
    this.#store = store;
    this.#spec = spec;
  }

  /** The counts of the log, including the runs still to be written. The first time it reads the whole log. */
  get tally(): Readonly<Tally> {
    return this.#counted();
  }

  /** When the runs in memory must be written, in epoch ms. */
  get writeAt(): number {
    return this.#writeAt;
  }

  /**
   * Writes each run at once from now on. Otherwise a call that kills the object would lose the runs beside it again and
   * again.
   */
  writeThrough(): void {
    this.#limit = 1;
  }

  /**
   * Logs a run. `before` is the state that the log holds, if any. A run that was logged before, or has not ended, is
   * written at once, since waiting runs are found in the table.
   */
  put(run: Run, before: Run | undefined, now: number): void {
    const counts = this.#counted();
    if (before === undefined) counts.total++;
    else if (isActive(before)) counts.active--;
    if (isActive(run)) counts.active++;
    else if (run.status === "success") counts.succeeded++;
    else if (run.status === "error") counts.failed++;
    else counts.skipped++;
    counts.usd += run.costUsd ?? 0;
    counts.tokens += run.tokens ?? 0;
    if (!isActive(run)) this.#ended(run);

    if (before !== undefined || isActive(run)) {
      this.#store.putRuns(this.#spec.number, [run]);
      return;
    }
    this.#unwritten.set(keyOfUserRun(run.id), run);
    this.#writeAt = Math.min(this.#writeAt, now + MAX_UNWRITTEN_MS);
    if (this.#unwritten.size >= this.#limit) this.write();
  }

  /** Writes the runs in memory. Reports about the log and drops of its users come after that. */
  write(): void {
    this.#store.putRuns(this.#spec.number, [...this.#unwritten.values()]);
    this.#unwritten.clear();
    this.#writeAt = Number.POSITIVE_INFINITY;
  }

  /** The user's run by key. It is written first, since a caller will see it. */
  find(key: string): Run | undefined {
    if (this.#unwritten.has(key)) this.write();
    return this.#store.run(this.#spec, key);
  }

  #counted(): Tally {
    this.#tally ??= { ...this.#store.counts(this.#spec.number) };
    return this.#tally;
  }
}

/** The counts of a shard's log, in the form that its job gets. */
export const countsOf = ({ total, succeeded, failed, skipped, usd, tokens }: Readonly<Tally>): FanOutCounts => ({
  ...{ total, succeeded, failed, skipped },
  ...(usd + tokens === 0 ? {} : { spend: { usd, tokens } }),
});
