/** Matches events to a subscription, and decides which of them make a message (docs/contract.md §18). Pure. */
import type { EventType } from "../../schema/event.ts";
import { JobState } from "../../schema/job.ts";
import type { Match } from "../../schema/subscription.ts";
import type { ReportedEvent } from "../event/report.ts";
import { fitsFilter, type JobFilter } from "../job/job-filter.ts";

export type Interest = { readonly events: readonly EventType[]; readonly match?: Match | undefined };

/** The events after which a job counts as failing, until `run.recovered`. */
const FAILURES: readonly EventType[] = ["run.failed", "fan_out.failed"];

const tellsOfFailures = ({ events }: Interest): boolean => FAILURES.some((type) => events.includes(type));

/** Whether the subscription is about this event. A subscription to failures also gets the recovery. */
export function isAbout(interest: Interest, event: ReportedEvent): boolean {
  if (event.hidden === true) return false;
  const isAsked = interest.events.includes(event.type);
  if (!isAsked && !(event.type === "run.recovered" && tellsOfFailures(interest))) return false;
  return matches(interest.match, event);
}

/** The filter of lists of jobs that lets through what the match does. */
export function filterOfMatch({ label, state, ...fields }: Match = {}): JobFilter {
  const asked = state?.split(",");
  return {
    ...fields,
    labels: label === undefined ? [] : [label].flat().map(labelOf),
    states: asked && JobState.options.filter((one) => asked.includes(one)),
  };
}

function matches(match: Match | undefined, { job }: ReportedEvent): boolean {
  if (!Object.values(match ?? {}).some((value) => value !== undefined)) return true;
  if (job === undefined) return false;
  const { ownerKind, execScope, agentId, userId, pluginId, ...rest } = job;
  const ids = { agent_id: agentId, user_id: userId, plugin_id: pluginId };
  return fitsFilter({ ...rest, ...ids, owner_kind: ownerKind, exec_scope: execScope }, filterOfMatch(match));
}

function labelOf(pair: string): readonly [key: string, value: string] {
  const colon = pair.indexOf(":");
  return [pair.slice(0, colon), pair.slice(colon + 1)];
}

/**
 * A subscription's memory of a job. It holds when the last message about it was sent (epoch ms), and whether that was about
 * a failure.
 */
export type Incident = { readonly toldAt: number; readonly isOpen: boolean };

export type TellingRules = Interest & { readonly after: number; readonly cooldownMs: number };

/**
 * Whether a message is sent about the event, and the subscription's memory of its job afterwards. A failure counts from the
 * `after`-th in a row. A message holds further ones back for the cooldown. A recovery is sent if a failure was, even within
 * the cooldown.
 */
export function decideTelling(
  rules: TellingRules,
  incident: Incident | undefined,
  event: Pick<ReportedEvent, "type" | "count">,
  now: number,
): { readonly tell: boolean; readonly incident: Incident | undefined } {
  if (event.type === "run.recovered") {
    // A subscription to recoveries alone has sent no failure before.
    const tell = tellsOfFailures(rules) ? incident?.isOpen === true : isRested(rules, incident, now);
    return { tell, incident: tell ? { toldAt: now, isOpen: false } : incident };
  }
  const isFailure = FAILURES.includes(event.type);
  const tell = (!isFailure || (event.count ?? 1) >= rules.after) && isRested(rules, incident, now);
  if (!tell) return { tell, incident };
  return { tell, incident: { toldAt: now, isOpen: isFailure || incident?.isOpen === true } };
}

const isRested = ({ cooldownMs }: TellingRules, incident: Incident | undefined, now: number): boolean =>
  incident === undefined || cooldownMs === 0 || now - incident.toldAt >= cooldownMs;
