import { describe, expect, it } from "vitest";
import { defineJob } from "../../src/domain/definition.ts";
import { newJob, stateOf } from "../../src/domain/job.ts";
import { changeByPatch, changeEnabled } from "../../src/domain/job-change.ts";
import type { TickState } from "../../src/domain/tick.ts";
import { JobInput } from "../../src/schema/job.ts";
import { HOUR_MS, MINUTE_MS } from "../../src/schema/limits.ts";

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
