/** The events that a subscription reports: filters, `after`, `cooldown`, recovery (docs/contract.md §18). */
import { describe, expect, it } from "vitest";
import type { ReportedEvent } from "../../../../src/domain/event/report.ts";
import {
  decideTelling,
  type Incident,
  type Interest,
  isAbout,
  type TellingRules,
} from "../../../../src/domain/subscription/match.ts";
import type { EventType } from "../../../../src/schema/event.ts";

const HOUR = 3_600_000;
const job = {
  id: "j1",
  owner: "user:u1",
  version: 1,
  createdAt: 0,
  name: "Morning Briefing",
  ownerKind: "user",
  execScope: "user",
  agentId: "helper",
  userId: "u1",
  enabled: true,
  state: "active",
  labels: { team: "ops" },
  rate: 24,
} as const;
const event = (type: EventType, more: Partial<ReportedEvent> = {}): ReportedEvent => ({
  id: `e-${type}`,
  type,
  at: 0,
  message: "m",
  job,
  ...more,
});

describe("a subscription is about an event", () => {
  it.each<[Interest, ReportedEvent, boolean]>([
    [{ events: ["run.failed"] }, event("run.failed"), true],
    [{ events: ["run.failed"] }, event("job.paused"), false],
    [{ events: ["run.failed"] }, event("run.recovered"), true],
    [{ events: ["job.paused"] }, event("run.recovered"), false],
    [{ events: ["run.failed"] }, event("run.failed", { hidden: true }), false],
    [{ events: ["tick.late"] }, event("tick.late", { job: undefined }), true],
    [{ events: ["tick.late"], match: {} }, event("tick.late", { job: undefined }), true],
    [{ events: ["tick.late"], match: { agent_id: "helper" } }, event("tick.late", { job: undefined }), false],
    [{ events: ["run.failed"], match: { agent_id: "helper", user_id: "u1" } }, event("run.failed"), true],
    [{ events: ["run.failed"], match: { agent_id: "other" } }, event("run.failed"), false],
    [{ events: ["run.failed"], match: { label: "team:ops" } }, event("run.failed"), true],
    [{ events: ["run.failed"], match: { label: ["team:ops", "tier:1"] } }, event("run.failed"), false],
    [{ events: ["run.failed"], match: { label: "toString:x" } }, event("run.failed"), false],
    [{ events: ["run.failed"], match: { q: "BRIEF" } }, event("run.failed"), true],
    [{ events: ["run.failed"], match: { state: "active,paused" } }, event("run.failed"), true],
    [{ events: ["run.failed"], match: { state: "finished" } }, event("run.failed"), false],
    [{ events: ["run.failed"], match: { name: "Morning" } }, event("run.failed"), false],
    [{ events: ["run.failed"], match: { enabled: false } }, event("run.failed"), false],
  ])("%j, %j: %s", (interest, about, expected) => {
    expect(isAbout(interest, about)).toBe(expected);
  });
});

/** The events that are reported, one after the other. */
function told(rules: Partial<TellingRules>, steps: readonly (readonly [EventType, number, number?])[]): boolean[] {
  let incident: Incident | undefined;
  return steps.map(([type, now, count]) => {
    const all = { events: ["run.failed", "job.paused"] as const, after: 1, cooldownMs: 0, ...rules };
    const decision = decideTelling(all, incident, count === undefined ? { type } : { type, count }, now);
    incident = decision.incident;
    return decision.tell;
  });
}

describe("of these it reports", () => {
  it("every failure, and the recovery", () => {
    expect(
      told({}, [
        ["run.failed", 0, 1],
        ["run.failed", 1, 2],
        ["run.recovered", 2],
        ["run.recovered", 3],
      ]),
    ).toEqual([true, true, true, false]);
  });

  it("failures from `after` in a row on, and no recovery of an unreported failure", () => {
    const steps = [
      ["run.failed", 0, 1],
      ["run.failed", 1, 2],
      ["run.recovered", 2],
      ["run.failed", 3, 3],
      ["run.recovered", 4],
    ] as const;
    expect(told({ after: 3 }, steps)).toEqual([false, false, false, true, true]);
  });

  it("one message about a job in a cooldown, and the recovery", () => {
    const steps = [
      ["run.failed", 0, 1],
      ["run.failed", HOUR - 1, 2],
      ["job.paused", HOUR - 1],
      ["run.recovered", HOUR - 1],
      ["run.failed", HOUR, 1],
      ["run.failed", 2 * HOUR - 1, 1],
    ] as const;
    expect(told({ cooldownMs: HOUR }, steps)).toEqual([true, false, false, true, false, true]);
  });

  it("recoveries alone if it asks for nothing else", () => {
    expect(
      told({ events: ["run.recovered"] }, [
        ["run.recovered", 0],
        ["run.recovered", 1],
      ]),
    ).toEqual([true, true]);
  });
});
