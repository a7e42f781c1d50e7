/** /v1/events: what happened, over all jobs. */
import { call, type Page, v1 } from "./client.ts";
import type { Run } from "./jobs.ts";

export type Event = {
  readonly id: string;
  readonly type: string;
  readonly at: string;
  /** One sentence. */
  readonly message: string;
  readonly job_id?: string;
  readonly job_name?: string;
  readonly run?: Run;
};
export type EventFilter = { readonly type?: string | undefined; readonly job_id?: string | undefined };

export const listEvents = (filter: EventFilter, cursor?: string, signal?: AbortSignal) =>
  call<Page<Event>>("GET", v1("events"), { query: { ...filter, cursor, limit: 50 }, signal });
