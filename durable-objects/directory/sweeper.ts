/** The sweeps of one shard. They run one at a time, over the slice that is due and what the sweep before had no call for. */
import { SLICE_SIZE } from "../../src/domain/limits/sweep.ts";
import type { ListedEntry, SweepReport } from "../../src/objects/directory.ts";
import type { ShardTables } from "./shard-tables.ts";
import { SliceStore } from "./slice-store.ts";
import { type SweepIo, sweepSlice } from "./sweep.ts";

export type SweeperIo = Omit<SweepIo, "leave">;

export class Sweeper {
  readonly #tables: ShardTables;
  readonly #slices: SliceStore;
  readonly #ioOfSweep: () => SweeperIo;
  #running: Promise<SweepReport> | undefined;
  #last: SweepReport | undefined;
  /** The next round looks at the entries that a restart forgets, or that are too many to keep. */
  #leftOver: readonly ListedEntry[] = [];

  /** `ioOfSweep` gives each sweep its own calls. */
  constructor(tables: ShardTables, ioOfSweep: () => SweeperIo) {
    this.#tables = tables;
    this.#slices = new SliceStore(tables);
    this.#ioOfSweep = ioOfSweep;
  }

  /** The report of the last sweep in this process. */
  get last(): SweepReport | undefined {
    return this.#last;
  }

  /** The sweep of one minute (since 1970). It joins a sweep that is under way. */
  run(minute: number): Promise<SweepReport> {
    this.#running ??= this.#sweep(minute).finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  async #sweep(minute: number): Promise<SweepReport> {
    const io = this.#ioOfSweep();
    const slice = [...this.#leftOver, ...this.#slices.next(minute, io.budget.left)];
    const left: ListedEntry[] = [];
    this.#leftOver = left;
    const report = await sweepSlice(slice, minute, {
      ...io,
      leave: (entry) => {
        if (left.length < SLICE_SIZE) left.push(entry);
      },
    });
    if (report.foundOverdue > 0) this.#tables.addFoundOverdue(report.foundOverdue);
    this.#last = report;
    return report;
  }
}
