/** The directory's entry of a job. Lists are filtered and sorted by it. A fire changes nothing in it. */
import type { ExecScope, JobState, OwnerKind } from "../../schema/job.ts";
import { ownerOf } from "./definition.ts";
import { type JobRecord, stateOf } from "./job.ts";

export type IndexEntry = {
  readonly id: string;
  /** `user:U`, `plugin:P`, `agent:A` or `system`. It is the shard key, and quotas count by it. */
  readonly owner: string;
  readonly version: number;
  readonly createdAt: number;
  readonly name: string;
  readonly ownerKind: OwnerKind;
  readonly execScope: ExecScope;
  readonly agentId?: string | undefined;
  readonly userId?: string | undefined;
  readonly pluginId?: string | undefined;
  readonly enabled: boolean;
  readonly state: JobState;
  readonly labels: Readonly<Record<string, string>>;
  /**
   * The subject that the job counts for besides its owner. It created the job or last raised its rate: `admin`, `code`,
   * `agent:A`, `user:U` or `plugin:P`.
   */
  readonly maker?: string | undefined;
  /** The most fires on one day, by its schedule or its pacing. */
  readonly rate: number;
};

/** The entry that a job's record should have in the directory. */
export function indexEntryOf(record: JobRecord): IndexEntry {
  const { definition } = record;
  return {
    id: record.id,
    owner: ownerOf(definition),
    version: record.version,
    createdAt: record.createdAt,
    name: definition.name,
    ownerKind: definition.owner_kind,
    execScope: definition.exec_scope,
    agentId: definition.agent_id,
    userId: definition.user_id,
    pluginId: definition.plugin_id,
    enabled: definition.enabled,
    state: stateOf(record),
    labels: definition.labels ?? {},
    maker: record.ratedBy ?? record.createdBy,
    rate: record.rate ?? 1,
  };
}
