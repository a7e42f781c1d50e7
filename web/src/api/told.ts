/** /v1/events, /v1/runs and /v1/subscriptions: what happened, over all jobs, and who is told. */
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

export type Target = { readonly type: string; readonly [field: string]: unknown };
export type Subscription = {
  readonly id: string;
  readonly events: readonly string[];
  readonly match?: Readonly<Record<string, unknown>>;
  readonly to: readonly Target[];
  readonly after?: number;
  readonly cooldown?: string;
  readonly enabled?: boolean;
};
export type Delivery = {
  readonly id: string;
  readonly event_id: string;
  readonly target: unknown;
  readonly status: "delivered" | "retrying" | "failed" | "held";
  readonly attempts: number;
  readonly error?: string;
};
export type TestResult = {
  readonly target: unknown;
  readonly ok: boolean;
  readonly status?: number;
  readonly error?: string;
};

export const listSubscriptions = (signal?: AbortSignal) =>
  call<Page<Subscription>>("GET", v1("subscriptions"), { signal });
export const putSubscription = (id: string, body: Omit<Subscription, "id">) =>
  call<Subscription>("PUT", v1("subscriptions", id), { json: body });
export const deleteSubscription = (id: string) => call<undefined>("DELETE", v1("subscriptions", id));
export const testSubscription = (id: string) =>
  call<{ readonly results: readonly TestResult[] }>("POST", v1("subscriptions", id, "test"));
export const listDeliveries = (id: string, signal?: AbortSignal) =>
  call<Page<Delivery>>("GET", v1("subscriptions", id, "deliveries"), { signal });
export const retryDelivery = (id: string, deliveryId: string) =>
  call<Delivery>("POST", v1("subscriptions", id, "deliveries", deliveryId, "retry"));
