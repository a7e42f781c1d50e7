/** A job's place in the directory: kept in step with the job, and given up with it (DESIGN invariant 1). */
import { forgetJobId, releaseNameEverywhere, removeFromIndex, updateIndex } from "../src/directory/jobs-index.ts";
import { ownerOf } from "../src/domain/definition.ts";
import { indexEntryOf } from "../src/domain/index-entry.ts";
import type { Env } from "../src/env.ts";
import type { JobFanOuts } from "./job-fan-outs.ts";
import type { JobLoop } from "./job-loop.ts";
import type { JobHolder } from "./job-state.ts";

export class JobPlace {
  readonly #env: Env;
  readonly #holder: JobHolder;
  readonly #loop: JobLoop;
  readonly #fanOuts: JobFanOuts;
  #indexing: Promise<void> = Promise.resolve();
  #removing: Promise<void> | undefined;

  constructor(env: Env, holder: JobHolder, loop: JobLoop, fanOuts: JobFanOuts) {
    this.#env = env;
    this.#holder = holder;
    this.#loop = loop;
    this.#fanOuts = fanOuts;
  }

  /** Brings the directory in step with the record; one at a time, so that the last change is the one that stays. */
  async index(): Promise<void> {
    this.#indexing = this.#indexing
      .catch(() => undefined)
      .then(async () => {
        const record = this.#holder.state?.record;
        if (record === undefined || record.deletedAt !== undefined || record.version === record.indexedVersion) return;
        const entry = indexEntryOf(record);
        await updateIndex(this.#env, entry);
        if (record.indexedOwner !== entry.owner)
          await removeFromIndex(this.#env, record.indexedOwner, record.id, record.createdAt);
        const now = this.#holder.state?.record;
        if (now === undefined) return;
        this.#holder.commit({ record: { ...now, indexedVersion: record.version, indexedOwner: entry.owner } });
        this.#loop.poke();
      });
    await this.#indexing;
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
    const record = this.#holder.state?.record;
    if (record === undefined) return;
    if (record.deletedAt === undefined) this.#holder.commit({ record: { ...record, deletedAt: Date.now() } });
    await this.#indexing.catch(() => undefined);
    await this.#fanOuts.erase();
    const owners = new Set([record.indexedOwner, ownerOf(record.definition)]);
    for (const owner of owners) await removeFromIndex(this.#env, owner, record.id, record.createdAt);
    if (record.definition.owner_kind === "system") {
      await releaseNameEverywhere(this.#env, record.definition.name, record.id);
    }
    await forgetJobId(this.#env, record.id);
    await this.#holder.erase();
  }
}
