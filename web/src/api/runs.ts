/** /v1/runs: runs of all jobs. */
import { call, type Page, v1 } from "./client.ts";
import type { Run } from "./jobs.ts";

export type AllRunsFilter = {
  readonly status?: string | undefined;
  readonly agent_id?: string | undefined;
  readonly user_id?: string | undefined;
  readonly since?: string | undefined;
};

/** A run with the name of its job. */
export type NamedRun = Run & { readonly job_name?: string };

/** Failed runs of all jobs, and all runs of jobs with `report: all`. */
export const listAllRuns = (filter: AllRunsFilter, cursor?: string, limit = 50, signal?: AbortSignal) =>
  call<Page<NamedRun>>("GET", v1("runs"), { query: { ...filter, cursor, limit }, signal });
