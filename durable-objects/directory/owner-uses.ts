/**
 * Each owner's use of its quota, kept in memory. It is read from an index at the first question after waking, and is exact
 * afterwards.
 */
import { hash32 } from "../../src/domain/directory-shard.ts";
import { isMadeByAnother, type MakerUse, type OwnerUse } from "../../src/domain/limits/admission.ts";
import type { ExecScope, JobState } from "../../src/schema/job.ts";

/** A job's share of its owner's use. */
export type Counted = {
  readonly id: string;
  readonly owner: string;
  readonly maker?: string | undefined;
  readonly rate: number;
  readonly state: JobState;
  readonly execScope: ExecScope;
};

type Use = { -readonly [K in keyof OwnerUse]: OwnerUse[K] } & {
  /** The jobs that the owner's own tokens created. */
  readonly own: { -readonly [K in keyof MakerUse]: MakerUse[K] };
  /** Hashes of the ids of its jobs, perhaps of a few deleted ones too. An id that is not in this set is new. */
  readonly ids: Set<number>;
};

/** The number of remembered ids. Beyond it everything is forgotten, and read again on demand. */
const MAX_IDS = 200_000;

export class OwnerUses {
  readonly #read: (owner: string) => readonly Counted[];
  readonly #uses = new Map<string, Use>();
  #ids = 0;

  /** `read` gives the jobs that the owner has in this shard. */
  constructor(read: (owner: string) => readonly Counted[]) {
    this.#read = read;
  }

  of(owner: string): OwnerUse {
    return this.#use(owner);
  }

  /** The jobs that the owner's own tokens have created for it. */
  own(owner: string): MakerUse {
    return this.#use(owner).own;
  }

  /** Whether the owner may have a job with this id. False means that it has none. */
  mayHave(owner: string, id: string): boolean {
    return this.#use(owner).ids.has(idHash(id));
  }

  /**
   * Counts a job that its owner has got (1) or lost (-1). Call it after the row was written, unless the owner was asked for
   * before.
   */
  count(job: Counted, by: 1 | -1): void {
    const known = this.#uses.get(job.owner);
    if (known === undefined) return;
    if (by === 1 && !known.ids.has(idHash(job.id))) this.#ids++;
    add(known, job, by);
  }

  #use(owner: string): Use {
    const known = this.#uses.get(owner);
    if (known !== undefined) return known;
    const use: Use = {
      ...{ jobs: 0, othersJobs: 0, fires: 0, othersFires: 0, finished: 0 },
      own: { jobs: 0, fires: 0 },
      ids: new Set(),
    };
    for (const job of this.#read(owner)) add(use, job, 1);
    // The owner itself counts as one, since a token may ask about any number of owners without jobs.
    const size = use.ids.size + 1;
    if (this.#ids + size > MAX_IDS) {
      this.#uses.clear();
      this.#ids = 0;
    }
    this.#ids += size;
    this.#uses.set(owner, use);
    return use;
  }
}

function add(use: Use, job: Counted, by: 1 | -1): void {
  if (by === 1) use.ids.add(idHash(job.id));
  if (job.state === "finished") {
    use.finished += by;
    return;
  }
  const fires = by * job.rate;
  use.jobs += by;
  use.fires += fires;
  if (isMadeByAnother(job)) {
    use.othersJobs += by;
    use.othersFires += fires;
  } else if (job.maker === job.owner) {
    use.own.jobs += by;
    use.own.fires += fires;
  }
}

/** Thirty bits, which V8 stores in a set without a heap object. */
const idHash = (id: string): number => hash32(id) >>> 2;
