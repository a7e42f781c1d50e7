/**
 * One shard's part of the sweep (docs/architecture.md, invariants 1 and 4). It asks a slice of the jobs whether they exist
 * and are awake. The question itself wakes an overdue job. A place or a name whose job was never created is given up.
 */
import type { ReportedEvent } from "../../src/domain/event/report.ts";
import { isInSlice, OVERDUE_AFTER_MS } from "../../src/domain/limits/sweep.ts";
import { mapLimit } from "../../src/map-limit.ts";
import type { EntryKey, ListedEntry, SweepReport } from "../../src/objects/directory.ts";
import type { CheckedIn } from "../../src/objects/job.ts";
import { type CallBudget, isCallRefusal } from "../../src/outbound/call-budget.ts";
import type { IndexStore } from "./index-store.ts";
import type { NameStore, ReservedName } from "./name-store.ts";

/**
 * The number of minutes in which each name is checked once. Names are few, copied to every shard, and hardly ever orphaned.
 */
const NAME_SLICES = 60;

export type SweepIo = {
  readonly index: IndexStore;
  readonly names: NameStore;
  /** Removes a place whose job was never created. */
  readonly giveUp: (entry: EntryKey) => void;
  /** Asks a job's object, and passes the owner of the entry: `JobObject.checkIn`. */
  readonly checkIn: (jobId: string, owner?: string) => Promise<CheckedIn>;
  /** Epoch ms. */
  readonly now: () => number;
  readonly report: (message: string, jobId: string, error: unknown) => void;
  /** Notes whether the job of this entry is overdue. `event` is present if it is. */
  readonly overdue: (entry: EntryKey, event: ReportedEvent | undefined) => void;
  /** The calls that this sweep may make. */
  readonly budget: CallBudget;
  /** Leaves this entry to the next sweep, because the budget is used up. */
  readonly leave: (entry: ListedEntry) => void;
};

/** Looks at the slice that is due in `minute` (minutes since 1970). */
export async function sweepSlice(slice: readonly ListedEntry[], minute: number, io: SweepIo): Promise<SweepReport> {
  const names = io.names.due(io.now()).filter(({ jobId }) => isInSlice(jobId, minute, NAME_SLICES));
  const report = { checked: 0, foundOverdue: 0, dropped: 0, failed: 0 };
  const ask = async (jobId: string, owner?: string): Promise<CheckedIn | undefined> => {
    try {
      const checked = await io.checkIn(jobId, owner);
      report.checked++;
      if (checked.overdueMs > OVERDUE_AFTER_MS) report.foundOverdue++;
      return checked;
    } catch (error) {
      if (isCallRefusal(error)) io.budget.exhaust();
      report.failed++;
      io.report("A job could not answer the sweep", jobId, error);
      return undefined;
    }
  };
  const looks = [
    ...slice.map((entry) => async () => {
      if (!io.budget.take()) return io.leave(entry);
      const checked = await ask(entry.id, entry.owner);
      if (checked === undefined) return;
      if (giveUpPlace(entry, checked, io)) report.dropped++;
      else io.overdue(entry, checked.overdueMs > OVERDUE_AFTER_MS ? checked.event : undefined);
    }),
    // A name that is not checked now has its turn again in an hour.
    ...names.map((name) => async () => {
      if (!io.budget.take()) return;
      const checked = await ask(name.jobId);
      if (checked?.exists === false && giveUpName(name, io)) report.dropped++;
    }),
  ];
  await mapLimit(looks, (look) => look());
  return report;
}

/** Removes an entry that is not its job's, or whose job does not exist. A recently reserved place stays. */
export function giveUpPlace(
  entry: EntryKey,
  checked: CheckedIn,
  io: Pick<SweepIo, "index" | "now" | "giveUp">,
): boolean {
  if (checked.exists && (checked.createdAt ?? entry.createdAt) === entry.createdAt) return false;
  if (!io.index.isOverdueReservation(entry, io.now())) return false;
  io.giveUp(entry);
  return true;
}

/** Releases a name. It reads the clock again, since the name may have been reserved again while its job was asked. */
function giveUpName({ name, jobId }: ReservedName, { names, now }: SweepIo): boolean {
  if (!names.due(now()).some((due) => due.name === name && due.jobId === jobId)) return false;
  names.release(name, jobId);
  return true;
}
