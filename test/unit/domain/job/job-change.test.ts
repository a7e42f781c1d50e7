import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob, stateOf } from "../../../../src/domain/job/job.ts";
import { changeByPatch, changeEnabled, countsAnew } from "../../../../src/domain/job/job-change.ts";
import type { TickState } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);

function job(fields: Record<string, unknown> = {}): TickState {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "10m" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

const after = (state: TickState, change: Partial<TickState>): TickState => ({ ...state, ...change });

describe("resume", () => {
  it("computes the next fire from now, in the phase the schedule had", () => {
    const paused = after(job(), changeEnabled(job(), false, T0 + MINUTE_MS));
    expect(paused.cursor.nextDueAt).toBeNull();
    expect(changeEnabled(paused, true, T0 + HOUR_MS + 1).cursor?.nextDueAt).toBe(T0 + HOUR_MS + 10 * MINUTE_MS);
  });

  it("finishes an `at` job whose time passed while it was paused", () => {
    const state = job({ schedule: { at: "2026-11-23T10:00:00Z" }, enabled: false });
    const resumed = changeEnabled(state, true, T0 + 2 * HOUR_MS);
    expect(resumed.record && stateOf(resumed.record)).toBe("finished");
  });

  it("changes nothing where the job is active already", () => {
    expect(changeEnabled(job(), true, T0)).toEqual({});
  });
});

describe("a merge patch", () => {
  it("leaves the anchor and the next fire alone unless the schedule changes", () => {
    const state = job();
    const renamed = changeByPatch(state, { role: "admin" }, { name: "other" }, T0 + MINUTE_MS);
    expect(renamed.ok && renamed.value.cursor).toBeUndefined();
    expect(renamed.ok && renamed.value.record?.anchorAt).toBe(T0);
  });

  it("starts a changed schedule anew, and a finished job is active again", () => {
    const state = job();
    const finished = after(state, {
      record: { ...state.record, finishedAt: T0 },
      cursor: { ...state.cursor, nextDueAt: null },
    });
    const revived = changeByPatch(finished, { role: "admin" }, { schedule: { every: "5m" } }, T0 + MINUTE_MS);
    expect(revived.ok && revived.value.record && stateOf(revived.value.record)).toBe("active");
    expect(revived.ok && revived.value.cursor?.nextDueAt).toBe(T0 + 6 * MINUTE_MS);
  });

  it("that replaces cron by another kind drops the zone that went with it", () => {
    const state = job({ schedule: { cron: "0 9 * * *", timezone: "Europe/Berlin" } });
    const changed = changeByPatch(state, { role: "admin" }, { schedule: { cron: null, every: "30m" } }, T0);
    expect(changed.ok && changed.value.record?.definition.schedule).toEqual({ every: "30m" });
  });
});

describe("which change counts against an owner's quota anew", () => {
  const change = (state: TickState, patch: Record<string, unknown>): boolean => {
    const changed = changeByPatch(state, { role: "admin" }, patch, T0 + MINUTE_MS);
    if (!changed.ok) throw new Error(JSON.stringify(changed.error));
    return countsAnew(state.record, changed.value);
  };
  const finished = (state: TickState): TickState =>
    after(state, { record: { ...state.record, finishedAt: T0 }, cursor: { ...state.cursor, nextDueAt: null } });
  const newTime = { schedule: { every: "5m" } };

  it.each([
    ["a job that takes another user", job({ user_id: "1" }), { user_id: "2" }],
    [
      "a user's job that becomes its agent's",
      job({ user_id: "1", agent_id: "a" }),
      { user_id: null, exec_scope: null },
    ],
    ["a finished job with a new time", finished(job()), newTime],
    ["a finished job with a new time and a user", finished(job()), { ...newTime, user_id: "2", exec_scope: "user" }],
  ])("%s does", (_, state, patch) => {
    expect(change(state, patch)).toBe(true);
  });

  it.each([
    ["a user's job that takes another agent", job({ user_id: "1", agent_id: "a" }), { agent_id: "b" }],
    ["a job with a new time", job(), newTime],
    ["a paused job that is resumed", job({ enabled: false }), { enabled: true }],
    ["a finished job that takes another user", finished(job({ user_id: "1" })), { user_id: "2" }],
    ["a job that is as the patch wants it", job({ user_id: "1" }), { user_id: "1" }],
  ])("%s does not", (_, state, patch) => {
    expect(change(state, patch)).toBe(false);
  });
});
