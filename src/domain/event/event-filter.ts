/** The filter of a list of events or of runs (docs/contract.md §13, §18), within the caller's sight. */
import type { EventType } from "../../schema/event.ts";
import type { RunStatus } from "../../schema/job.ts";
import { type Caller, canReadRuns, type Scoped } from "../job/access.ts";
import { narrowToCaller } from "../job/job-filter.ts";

/** Every given field must match. `since` is included and `until` is not; both are epoch ms. */
export type EventFilter = Scoped & {
  readonly types?: readonly EventType[] | undefined;
  readonly job_id?: string | undefined;
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Leaves out events about a user's run of a job for all users. */
  readonly withoutUserRuns?: boolean | undefined;
  /** Turns the list into one of runs: one row for each ended run of this status. */
  readonly runs?: { readonly status?: RunStatus | undefined; readonly ofAllUsers: boolean } | undefined;
};

/** The filter within what the caller may see. Undefined if no event can match both. */
export function eventsFor(filter: EventFilter, caller: Caller): EventFilter | undefined {
  const narrowed = narrowToCaller(filter, caller);
  if (narrowed === undefined) return undefined;
  const { agent_id, user_id, plugin_id } = narrowed;
  const ofAllUsers = canReadRuns(caller, { owner_kind: "user", exec_scope: "all_users" });
  const runs = filter.runs === undefined ? undefined : { ...filter.runs, ofAllUsers };
  return { ...filter, agent_id, user_id, plugin_id, runs, withoutUserRuns: !ofAllUsers };
}
