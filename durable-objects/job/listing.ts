/** A job's place in the directory: kept in step with the job, and given up with it (DESIGN invariant 1). */
import {
  adoptJobId,
  claimPlace,
  forgetJobId,
  releaseNameEverywhere,
  removeFromIndex,
  reserveNameEverywhere,
  updateIndex,
} from "../../src/directory/jobs-index.ts";
import { notFound, type Outcome } from "../../src/domain/failure.ts";
import { ownerOf } from "../../src/domain/job/definition.ts";
import { indexEntryOf } from "../../src/domain/job/index-entry.ts";
import { isUnlisted } from "../../src/domain/job/job.ts";
import type { JobChange } from "../../src/domain/job/job-change.ts";
import { ok } from "../../src/domain/result.ts";
import type { Env } from "../../src/env.ts";
import type { JobDefinition } from "../../src/schema/job.ts";
import type { JobFanOuts } from "./fan-outs.ts";
import type { JobLoop } from "./loop.ts";
import type { JobHolder } from "./state.ts";

export class JobPlace {
  readonly #env: Env;
  readonly #holder: JobHolder;
  readonly #loop: JobLoop;
  readonly #fanOuts: JobFanOuts;
  #turn: Promise<unknown> = Promise.resolve();
  #entering: Promise<unknown> | undefined;
  #removing: Promise<void> | undefined;
  #removals = 0;

  constructor(env: Env, holder: JobHolder, loop: JobLoop, fanOuts: JobFanOuts) {
    this.#env = env;
    this.#holder = holder;
    this.#loop = loop;
    this.#fanOuts = fanOuts;
  }

  /** Brings the directory in step with the record; one at a time, so that the last change is the one that stays. */
  index(): Promise<void> {
    return this.#inTurn(() => this.#indexOnce());
  }

  async #indexOnce(): Promise<void> {
    const record = this.#holder.stored?.record;
    if (record === undefined || record.deletedAt !== undefined || !isUnlisted(record)) return;
    const entry = indexEntryOf(record);
    await updateIndex(this.#env, entry);
    if (record.indexedOwner !== entry.owner)
      await removeFromIndex(this.#env, record.indexedOwner, record.id, record.createdAt);
    const now = this.#holder.stored?.record;
    if (now === undefined) return;
    this.#commit({ record: { ...now, indexedVersion: record.version, indexedOwner: entry.owner } });
  }

  /** Resolves once no change waits for the directory's leave; another one, decided meanwhile, would pull the ground from under it. */
  async settled(): Promise<void> {
    while (this.#entering !== undefined) await this.#entering.catch(() => undefined);
  }

  /**
   * Makes a change after which the job counts for an owner anew (`countsAnewFor`), once the directory has kept room for it there: of
   * two such changes at once, in any jobs, the directory refuses the one too many. `decide` is asked again when it has, and may then
   * refuse as well. Errors: its own, `quota_exceeded`.
   */
  enter(decide: () => Outcome<JobChange>, maxJobs: number): Promise<Outcome<null>> {
    const entering = this.#inTurn(() => this.#enterOnce(decide, maxJobs)).finally(() => {
      if (this.#entering === entering) this.#entering = undefined;
    });
    this.#entering = entering;
    return entering;
  }

  /**
   * The record says beforehand that the directory may list the job under the new owner: whatever comes between, a crash too, `index`
   * then brings the entry back to what the job is. The entry is as old as the job until the job has changed.
   */
  async #enterOnce(decide: () => Outcome<JobChange>, maxJobs: number): Promise<Outcome<null>> {
    await this.#indexOnce();
    const before = this.#holder.stored?.record;
    const wanted = decide();
    if (!wanted.ok) return wanted;
    if (before === undefined || wanted.value.record === undefined) return ok(null);
    const entry = { ...indexEntryOf(wanted.value.record), version: before.version };
    this.#commit({ record: { ...before, indexedVersion: 0, indexedOwner: entry.owner } });

    const room = await claimPlace(this.#env, entry, maxJobs);
    const now = this.#holder.stored?.record;
    if (now === undefined) return notFound("job");
    if (!room.ok) {
      const { indexedVersion, indexedOwner } = before;
      this.#commit({ record: { ...now, indexedVersion, indexedOwner } });
      return room;
    }
    const change = decide();
    if (!change.ok) return change;
    const { record = now } = change.value;
    const isThere = ownerOf(record.definition) === entry.owner;
    const indexedOwner = isThere ? before.indexedOwner : entry.owner;
    this.#commit({ ...change.value, record: { ...record, indexedOwner } });
    await this.#indexOnce();
    return ok(null);
  }

  /** The sweep has met the job under this owner. Where it is another's, say of a call that arrived too late, that entry goes. */
  foundUnder(owner: string): void {
    const record = this.#holder.stored?.record;
    if (record === undefined || record.deletedAt !== undefined || isUnlisted(record)) return;
    if (ownerOf(record.definition) === owner) return;
    this.#commit({ record: { ...record, indexedVersion: 0, indexedOwner: owner } });
  }

  /** How many jobs have been removed here since the object woke. */
  get removals(): number {
    return this.#removals;
  }

  /**
   * Notes again what the removal of an earlier job of this id may have given up after the next one had asked for it: an adopted id,
   * and a system job's name. Errors: `name_reserved`.
   */
  async noteAgain(id: string, definition: JobDefinition): Promise<Outcome<null>> {
    await adoptJobId(this.#env, id, ownerOf(definition));
    return definition.owner_kind === "system" ? reserveNameEverywhere(this.#env, definition.name, id) : ok(null);
  }

  /** Deletes for good; a second call joins the first, so that none of it can hit a job made under the same id afterwards. */
  remove(): Promise<void> {
    this.#removing ??= this.#removeOnce().finally(() => {
      this.#removing = undefined;
    });
    return this.#removing;
  }

  /** Out of the directory first, with its name and an adopted id, then out of storage: a crash in between is finished by the alarm. */
  async #removeOnce(): Promise<void> {
    this.#loop.abortAll();
    const record = this.#holder.stored?.record;
    if (record === undefined) return;
    if (record.deletedAt === undefined) this.#holder.commit({ record: { ...record, deletedAt: Date.now() } });
    await this.#turn.catch(() => undefined);
    await this.#fanOuts.erase();
    const owners = new Set([record.indexedOwner, ownerOf(record.definition)]);
    for (const owner of owners) await removeFromIndex(this.#env, owner, record.id, record.createdAt);
    if (record.definition.owner_kind === "system") {
      await releaseNameEverywhere(this.#env, record.definition.name, record.id);
    }
    await forgetJobId(this.#env, record.id);
    this.#removals++;
    await this.#holder.erase();
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.catch(() => undefined).then(work);
    this.#turn = turn;
    return turn;
  }

  #commit(change: JobChange): void {
    this.#holder.commit(change);
    this.#loop.poke();
  }
}
