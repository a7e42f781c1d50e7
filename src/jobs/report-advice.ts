/** The warning about events that jobs report only on request (docs/contract.md §18, `report`). */
import { listJobs } from "../directory/job-list.ts";
import { ADMIN } from "../domain/job/access.ts";
import { filterOfMatch } from "../domain/subscription/match.ts";
import type { Env } from "../env.ts";
import { logError } from "../log.ts";
import type { EventType } from "../schema/event.ts";
import type { SubscriptionInput } from "../schema/subscription.ts";
import type { Warning } from "../schema/warning.ts";

/** The events that only jobs with `report: all` report. */
const REPORTED_ON_REQUEST: readonly EventType[] = ["run.succeeded", "run.skipped"];

/** The number of newest jobs that are checked. */
const MAX_LOOKED_AT = 20;

/**
 * The warning for a subscription to events that none of its newest jobs reports. `now` is epoch ms. Never throws, since the
 * subscription already exists. A warning that is not available is left out.
 */
export async function reportWarnings(env: Env, { events, match }: SubscriptionInput, now: number): Promise<Warning[]> {
  const index = events.findIndex((type) => REPORTED_ON_REQUEST.includes(type));
  if (index < 0) return [];
  try {
    const found = await listJobs(env, ADMIN, {
      filter: filterOfMatch(match),
      limit: MAX_LOOKED_AT,
      cursor: undefined,
      now,
    });
    if (!found.ok) return [];
    const { items, next_cursor } = found.value;
    const others = items.filter(({ report }) => report !== "all").length;
    if (items.length > 0 && others === 0) return [];
    const of = `of the ${next_cursor === undefined ? "" : "newest "}${items.length} jobs that match`;
    const which =
      items.length === 0
        ? "no job matches yet"
        : `${of} ${others === items.length ? "none has it" : `${others} have it not`}`;
    const message = `${events[index]} is told only of jobs with "report": "all", and ${which}: for each job that is meant send PATCH /v1/jobs/{id} {"report": "all"}, or make it so`;
    return [{ path: `events.${index}`, code: "needs_report_all", message }];
  } catch (error) {
    logError("The warnings for a subscription could not be computed", {}, error);
    return [];
  }
}
