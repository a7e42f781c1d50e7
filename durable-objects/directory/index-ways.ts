/** The ways to a list of jobs: the rows that fit it, and the index that finds them fastest. */
import { DEFAULT_STATES, foldName, type JobFilter, MAX_FILTER_LABELS } from "../../src/domain/job/job-filter.ts";
import type { IndexQuery } from "../../src/objects/directory.ts";

/** A condition of a query. Values travel only as bindings. */
export type Condition = { readonly sql: readonly string[]; readonly bindings: readonly SqlStorageValue[] };

/** An index that holds the rows of one value, newest first, and the value. Without an index the table itself is read. */
export type Way = Condition & { readonly index?: string };

const TABLE: Way = { sql: [], bindings: [] };

/**
 * The ways that together reach every row that can fit, no row twice. There is one for each owner, if owners are given.
 * Otherwise the way is an agent's jobs, or the failing, overdue or resting jobs if the list asks only for those.
 */
export function waysOf({ owners, filter }: IndexQuery): readonly Way[] {
  if (owners !== undefined) return owners.map((owner) => wayOfOwner(owner, filter));
  const { agent_id, health } = filter;
  if (agent_id !== undefined) return [{ index: "job_agent", sql: ["agent_id = ?"], bindings: [agent_id] }];
  if (health === "failing") return [{ index: "job_failing", sql: ["failing = 1"], bindings: [] }];
  if (health === "overdue") return [{ index: "job_overdue", sql: ["overdue = 1"], bindings: [] }];
  const states = statesOf(filter);
  if (states.includes("active")) return [TABLE];
  return states.map((state) => ({ index: "job_resting", sql: ["state = ?", "state != 'active'"], bindings: [state] }));
}

/**
 * The way to an owner's jobs. Few of the system's jobs have a user, so a user's list must not read all of the operator's.
 */
function wayOfOwner(owner: string, { user_id }: JobFilter): Way {
  if (owner === "system" && user_id !== undefined) {
    return { index: "job_system_user", sql: ["owner = 'system'", "user_id = ?"], bindings: [user_id] };
  }
  return { index: "job_owner", sql: ["owner = ?"], bindings: [owner] };
}

const statesOf = ({ states = DEFAULT_STATES }: JobFilter) => [...new Set(states)];

/** The condition that the filter sets. Undefined if no row can fit. */
export function fitsOf(filter: JobFilter): Condition | undefined {
  const sql: string[] = [];
  const bindings: SqlStorageValue[] = [];
  const add = (condition: string, ...values: SqlStorageValue[]): void => {
    sql.push(condition);
    bindings.push(...values);
  };
  const states = statesOf(filter);
  if (states.length === 0) return undefined;
  add(`state IN (${states.map(() => "?").join(", ")})`, ...states);
  for (const field of ["owner_kind", "exec_scope", "agent_id", "user_id", "plugin_id", "name"] as const) {
    const value = filter[field];
    if (value !== undefined) add(`${field} = ?`, value);
  }
  if (filter.health === "failing") add("failing = 1");
  else if (filter.health === "overdue") add("failing = 0 AND overdue = 1");
  else if (filter.health === "ok") add("failing = 0");
  if (filter.enabled !== undefined) add("enabled = ?", filter.enabled ? 1 : 0);
  if (filter.q !== undefined) add("instr(name_folded, ?) > 0", foldName(filter.q));
  const labels = new Map((filter.labels ?? []).map((label) => [JSON.stringify(label), label]));
  if (labels.size > MAX_FILTER_LABELS) return undefined;
  for (const [key, value] of labels.values()) {
    add("EXISTS (SELECT 1 FROM json_each(job.labels) AS label WHERE label.key = ? AND label.value = ?)", key, value);
  }
  return { sql, bindings };
}
