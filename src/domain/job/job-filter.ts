/**
 * The filter of a list of jobs (docs/contract.md §6): the owners whose jobs can match, and whether one job does. The
 * directory answers from its rows; `matchesFilter` is the same rule for the job as it is at this moment.
 */
import type { ExecScope, Health, Job, JobState, OwnerKind } from "../../schema/job.ts";
import { type Caller, canSee, type Scoped } from "./access.ts";

/** The states that a list shows without `states`: those of jobs that may still fire. */
export const DEFAULT_STATES: readonly JobState[] = ["active", "paused"];

/** The most labels of a filter. A job has no more, so a list that asks for more finds nothing. */
export const MAX_FILTER_LABELS = 16;

/** Every given field must match. Names follow the query parameters. */
export type JobFilter = Scoped & {
  readonly owner_kind?: OwnerKind | undefined;
  readonly exec_scope?: ExecScope | undefined;
  /** The whole name. */
  readonly name?: string | undefined;
  readonly enabled?: boolean | undefined;
  readonly health?: Health | undefined;
  /** Every one of them must be on the job. */
  readonly labels?: readonly (readonly [key: string, value: string])[] | undefined;
  /** A part of the name, in upper or lower case. */
  readonly q?: string | undefined;
  /** Default {@link DEFAULT_STATES}. */
  readonly states?: readonly JobState[] | undefined;
};

/** The form of a name that `q` compares. Case and the composition of accents make no difference. */
export const foldName = (name: string): string => name.normalize("NFC").toLowerCase().normalize("NFC");

/** The filter within what the caller may see. Undefined if no job can match both. */
export function narrowToCaller(filter: JobFilter, caller: Caller): JobFilter | undefined {
  if (caller.role === "admin" || caller.role === "viewer") return filter;
  if (caller.role === "run" || caller.role === "trigger") return undefined;
  const narrowed: { -readonly [F in keyof Scoped]: Scoped[F] } = {};
  for (const field of ["agent_id", "user_id", "plugin_id"] as const) {
    const own = caller[field];
    const asked = filter[field];
    if (own !== undefined && asked !== undefined && own !== asked) return undefined;
    const id = own ?? asked;
    if (id !== undefined) narrowed[field] = id;
  }
  return { ...filter, ...narrowed };
}

/** The owners (see `ownerOf`) that a matching job can have, or `any`. Fewer owners mean fewer shards to ask. */
export function ownersMatching(filter: JobFilter): readonly string[] | "any" {
  const { owner_kind, exec_scope, agent_id, user_id, plugin_id } = filter;
  // Only a plugin's jobs carry a plugin_id, and they run as no user.
  if (plugin_id !== undefined) return [`plugin:${plugin_id}`];
  if (owner_kind === "system") return ["system"];
  if (user_id !== undefined) return owner_kind === "user" ? [`user:${user_id}`] : [`user:${user_id}`, "system"];
  const withoutUser = exec_scope === "system" || exec_scope === "all_users";
  if (owner_kind === "user" && withoutUser && agent_id !== undefined) return [`agent:${agent_id}`];
  // Only the system's and agents' jobs are for all users; an agent's id tells which.
  if (exec_scope === "all_users" && agent_id !== undefined) return [`agent:${agent_id}`, "system"];
  return "any";
}

/** The fields of a job that filters look at. */
export type FilteredJob = Scoped & Pick<Job, "owner_kind" | "exec_scope" | "name" | "enabled" | "state" | "labels">;

/** Whether a job has all that the filter asks for, its health and its state's default aside. */
export function fitsFilter(job: FilteredJob, filter: JobFilter): boolean {
  const fields = ["owner_kind", "exec_scope", "agent_id", "user_id", "plugin_id", "name", "enabled"] as const;
  return (
    fields.every((field) => filter[field] === undefined || filter[field] === job[field]) &&
    (filter.states === undefined || filter.states.includes(job.state)) &&
    (filter.labels ?? []).every(
      ([key, value]) => job.labels !== undefined && Object.hasOwn(job.labels, key) && job.labels[key] === value,
    ) &&
    (filter.q === undefined || foldName(job.name).includes(foldName(filter.q)))
  );
}

/** Whether this job, as it is now, belongs in the list. The entry that led to it may be slightly out of date. */
export function matchesFilter(job: Job, filter: JobFilter, caller: Caller): boolean {
  const { health, states = DEFAULT_STATES } = filter;
  return (
    canSee(caller, job) && (health === undefined || health === job.health) && fitsFilter(job, { ...filter, states })
  );
}
