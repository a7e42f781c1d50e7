/** The fan-out that a shard works on: as it is stored, with all that its runs are called, bounded, logged and judged by. */

import { boundOf, concurrencyOf, intervalOf } from "../../src/domain/fan-out/shard.ts";
import { type CompiledJob, defineJob } from "../../src/domain/job/definition.ts";
import { FanOutLog } from "./log.ts";
import { FanOutQueue } from "./queue.ts";
import type { FanOutStore, StoredFanOut } from "./store.ts";

export type CurrentFanOut = StoredFanOut & {
  readonly job: CompiledJob;
  /** How many calls this shard may have in flight. */
  readonly concurrency: number;
  /** The least time between two calls of this shard, in ms; 0 where the job has no rate. */
  readonly interval: number;
  readonly log: FanOutLog;
  readonly queue: FanOutQueue;
};

/** Throws where the stored definition cannot be read: a later version of the code has written it. */
export function currentFanOut(stored: StoredFanOut, store: FanOutStore): CurrentFanOut {
  const { spec, k } = stored;
  const job = defineJob(spec.definition, { stored: true });
  if (!job.ok)
    throw new Error(`The stored definition of fan-out ${spec.id} cannot be read: ${JSON.stringify(job.error)}`);
  const bound = boundOf(spec.definition);
  return {
    ...stored,
    job: job.value,
    concurrency: concurrencyOf(bound, spec.shards, k),
    interval: intervalOf(bound, spec.shards),
    log: new FanOutLog(store, spec),
    queue: new FanOutQueue(store, spec.no),
  };
}
