/** The directory's entry of a job. Lists are filtered and ordered by it, and nothing in it moves when the job fires. */
import type { ExecScope, JobState, OwnerKind } from "../../schema/job.ts";
import { ownerOf } from "./definition.ts";
import { type JobRecord, stateOf } from "./job.ts";

export type IndexEntry = {
  readonly id: string;
  /** `user:U`, `plugin:P`, `agent:A` or `system`: the shard key, and what quotas count. */
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
  /** The subject that it counts for besides its owner. It made the job or has it fire so often: `admin`, `code`, `agent:A`, `user:U` or `plugin:P`. */
  readonly maker?: string | undefined;
  /** The most that it fires on a day, by its schedule or its pacing. */
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
