/**
 * A job's entry in the directory. It is updated with the job and removed with it (docs/architecture.md, invariant 1). One
 * queue holds three kinds of work, so no two of them talk to the directory at the same time:
 *
 *   index   updates the entry to the job's current state; the last change wins
 *   enter   asks for room under an owner before a change that needs it
 *   remove  removes the entry, the name and the id, and erases the job
 */

import { tellDirectory } from "../../src/directory/events.ts";
import {
  adoptJobId,
  claimPlace,
  dropMade,
  forgetJobId,
  releaseNameEverywhere,
  removeFromIndex,
  reserveNameEverywhere,
  updateIndex,
} from "../../src/directory/jobs-index.ts";
import { withoutReported } from "../../src/domain/event/event.ts";
import type { OwedEvent } from "../../src/domain/event/owed.ts";
import { failedUserRun, type ReportedEvent, reportOf } from "../../src/domain/event/report.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import type { FanOut } from "../../src/domain/fan-out/fan-out.ts";
import { ownerOf } from "../../src/domain/job/definition.ts";
import { indexEntryOf } from "../../src/domain/job/index-entry.ts";
import { isIndexStale, type JobRecord } from "../../src/domain/job/job.ts";
import type { JobChange } from "../../src/domain/job/job-change.ts";
import type { Allowance } from "../../src/domain/limits/admission.ts";
import { ok } from "../../src/domain/result.ts";
import type { Env } from "../../src/env.ts";
import type { Run as RunView } from "../../src/schema/run.ts";
import type { JobState } from "./state.ts";

/** The number of events in one call, so that a call stays small. */
const REPORTED_AT_ONCE = 20;

/** The number of failed runs of one fan-out in the list over all jobs. The job's own list has the others. */
const LISTED_FAILED_RUNS = 50;

/** The listing's access to the job's other parts. */
export type ListingParts = {
  /** Gives up to `limit` users' runs of a fan-out that ended as error. */
  readonly failedRuns: (fanOut: FanOut, limit: number) => Promise<readonly RunView[]>;
  readonly report: (message: string, error: unknown) => void;
};

type Work = { readonly kind: "index" | "enter" | "remove"; readonly done: Promise<unknown> };

export class JobListing {
  readonly #env: Env;
  readonly #state: JobState;
  readonly #parts: ListingParts;
  readonly #queue: Work[] = [];
  #removals = 0;

  constructor(env: Env, state: JobState, parts: ListingParts) {
    this.#parts = parts;
    this.#env = env;
    this.#state = state;
  }

  /** The number of removals here since the object woke. */
  get removals(): number {
    return this.#removals;
  }

  /** Updates the directory to the record. Throws if the directory cannot be reached. */
  index(): Promise<void> {
    return this.#enqueue("index", async () => {
      await this.#index();
      await this.#report();
    });
  }

  /**
   * Resolves when no change waits for the directory's admission. Another change decided meanwhile would start from an old
   * state.
   */
  async settled(): Promise<void> {
    for (;;) {
      const entering = this.#queue.find(({ kind }) => kind === "enter");
      if (entering === undefined) return;
      await entering.done.catch(() => undefined);
    }
  }

  /**
   * Makes a change by which the job counts for another owner (`needsQuota`). The directory reserves room for it there
   * first, and refuses the second of two changes that compete for the last room. `decide` is then called again, and may
   * refuse as well. Errors: its own, `quota_exceeded`.
   */
  enter(decide: () => Outcome<JobChange>, allowed: Allowance): Promise<Outcome<null>> {
    return this.#enqueue("enter", () => this.#enter(decide, allowed));
  }

  /**
   * Handles that the sweep has met the job under this owner. If the owner is wrong, for example after a late call, the
   * entry is removed.
   */
  foundUnder(owner: string): void {
    const record = this.#state.stored?.record;
    if (record === undefined || record.deletedAt !== undefined || isIndexStale(record)) return;
    if (ownerOf(record.definition) === owner) return;
    this.#state.commit({ record: { ...record, indexedVersion: 0, indexedOwner: owner } });
  }

  /**
   * Deletes the job for good. First it leaves the directory, with its name and an adopted id, then storage. A second call
   * joins the first, so no call can hit a new job with the same id. The alarm finishes a removal that a crash has
   * interrupted. `eraseParts` erases what the job keeps in other objects.
   */
  remove(eraseParts: () => Promise<void>): Promise<void> {
    const removing = this.#queue.find(({ kind }) => kind === "remove");
    if (removing !== undefined) return removing.done.then(() => undefined);
    const record = this.#state.stored?.record;
    if (record === undefined) return Promise.resolve();
    if (record.deletedAt === undefined) this.#state.commit({ record: { ...record, deletedAt: Date.now() } });
    return this.#enqueue("remove", () => this.#remove(eraseParts));
  }

  /**
   * Waits until no earlier job with this id is being removed. Then it reserves the adopted id and the system job's name
   * again, since that removal may have released them. Errors: `name_reserved`.
   */
  async enterAfterRemoval({ id, definition }: JobRecord, remove: () => Promise<void>): Promise<Outcome<null>> {
    for (let seen = 0; ; ) {
      while (this.#state.stored?.record.deletedAt !== undefined) await remove();
      // If two calls waited for the same removal, the second finds the job of the first.
      if (this.#state.stored !== undefined || seen === this.#removals) return ok(null);
      seen = this.#removals;
      await adoptJobId(this.#env, id, ownerOf(definition));
      if (definition.owner_kind !== "system") continue;
      const reserved = await reserveNameEverywhere(this.#env, definition.name, id);
      if (!reserved.ok) return reserved;
    }
  }

  #enqueue<T>(kind: Work["kind"], work: () => Promise<T>): Promise<T> {
    const before = this.#queue.at(-1)?.done ?? Promise.resolve();
    const done = before.catch(() => undefined).then(work);
    const queued: Work = { kind, done };
    this.#queue.push(queued);
    const leave = (): void => {
      this.#queue.splice(this.#queue.indexOf(queued), 1);
    };
    done.then(leave, leave);
    return done;
  }

  async #index(): Promise<void> {
    const record = this.#state.stored?.record;
    if (record === undefined || record.deletedAt !== undefined || !isIndexStale(record)) return;
    const entry = indexEntryOf(record);
    const { pendingAudit = [], indexedOwner } = record;
    const moved = indexedOwner !== entry.owner;
    await updateIndex(this.#env, entry, pendingAudit, moved);
    if (moved) await removeFromIndex(this.#env, indexedOwner, record);
    const current = this.#state.stored?.record;
    if (current === undefined) return;
    const remaining =
      current.pendingAudit?.filter(({ id }) => !pendingAudit.some((reported) => reported.id === id)) ?? [];
    const { pendingAudit: _reported, ...rest } = current;
    const listed = { ...rest, indexedVersion: record.version, indexedOwner: entry.owner };
    this.#state.commit({ record: remaining.length === 0 ? listed : { ...listed, pendingAudit: remaining } });
  }

  /**
   * Sends the owed events and notes that they were sent. After a crash in between they are sent again under the same ids.
   */
  async #report(): Promise<void> {
    const { stored } = this.#state;
    const owed = stored?.cursor.owed?.slice(0, REPORTED_AT_ONCE);
    if (stored === undefined || owed === undefined) return;
    const { record, cursor } = stored;
    const events = (await Promise.all(owed.map((event) => this.#reportsOf(record, event)))).flat();
    await tellDirectory(this.#env, { entry: indexEntryOf(record), failing: cursor.failing === true, events });
    const current = this.#state.stored;
    if (current === undefined) return;
    const ids = new Set(owed.map(({ id }) => id));
    this.#state.commit({ cursor: withoutReported(current.cursor, ids), isNote: true });
  }

  /** The event to report. With a failed fan-out come its failed runs, which the list of runs shows. */
  async #reportsOf(record: JobRecord, owed: OwedEvent): Promise<ReportedEvent[]> {
    const { runId, fanOutId } = owed;
    const run = runId === undefined ? undefined : this.#state.store.run(runId);
    const fanOut = fanOutId === undefined ? undefined : this.#state.fanOuts.find(fanOutId);
    const event = reportOf(record, owed, { run, fanOut });
    if (owed.type !== "fan_out.failed" || fanOut === undefined) return [event];
    try {
      const failed = await this.#parts.failedRuns(fanOut, LISTED_FAILED_RUNS);
      return [event, ...failed.map((each) => failedUserRun(record, each, event.at))];
    } catch (error) {
      this.#parts.report("The failed runs of a fan-out are not listed over all jobs", error);
      return [event];
    }
  }

  /**
   * Enters the job under the new owner. The record notes beforehand that the directory may list the job there. After a
   * crash in between, `index` moves the entry back. The entry is as old as the job until the job has changed.
   */
  async #enter(decide: () => Outcome<JobChange>, allowed: Allowance): Promise<Outcome<null>> {
    await this.#index();
    const before = this.#state.stored?.record;
    const wanted = decide();
    if (!wanted.ok) return wanted;
    if (before === undefined || wanted.value.record === undefined) return ok(null);
    const entry = { ...indexEntryOf(wanted.value.record), version: before.version };
    this.#state.commit({ record: { ...before, indexedVersion: 0, indexedOwner: entry.owner } });

    const room = await claimPlace(this.#env, entry, allowed);
    const current = this.#state.stored?.record;
    if (current === undefined) return notFound("job");
    if (!room.ok) {
      const { indexedVersion, indexedOwner } = before;
      this.#state.commit({ record: { ...current, indexedVersion, indexedOwner } });
      return room;
    }
    const change = decide();
    if (!change.ok) return change;
    const { record = current } = change.value;
    const isThere = ownerOf(record.definition) === entry.owner;
    const indexedOwner = isThere ? before.indexedOwner : entry.owner;
    this.#state.commit({ ...change.value, record: { ...record, indexedOwner } });
    await this.#index();
    const [was, is] = [indexEntryOf(before), indexEntryOf(record)];
    if (was.maker !== is.maker) await dropMade(this.#env, was);
    return ok(null);
  }

  async #remove(eraseParts: () => Promise<void>): Promise<void> {
    const record = this.#state.stored?.record;
    if (record === undefined) return;
    await eraseParts();
    await this.#report();
    const owner = ownerOf(record.definition);
    await removeFromIndex(this.#env, owner, record, record.pendingAudit);
    if (record.indexedOwner !== owner) await removeFromIndex(this.#env, record.indexedOwner, record);
    await dropMade(this.#env, indexEntryOf(record));
    if (record.definition.owner_kind === "system") {
      await releaseNameEverywhere(this.#env, record.definition.name, record.id);
    }
    await forgetJobId(this.#env, record.id);
    this.#removals++;
    await this.#state.erase();
  }
}
