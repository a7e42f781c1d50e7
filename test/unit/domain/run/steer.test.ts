import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob, restOf, stateOf } from "../../../../src/domain/job/job.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { readControl } from "../../../../src/domain/run/control.ts";
import { decideTick, type TickState } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const PACED = { pacing: { min: "1m", max: "1h" } };
const AT = { schedule: { at: "2026-11-23T10:00:00Z" } };

function job(fields: Record<string, unknown> = {}): TickState {
  const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "10m" }, ...fields });
  const defined = defineJob(input);
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

/** The job's next fire, and a minute later the agent's answer with this control. */
function answered(state: TickState, control: unknown, more: { readonly allAt?: number } = {}) {
  const due = state.cursor.nextDueAt ?? T0;
  const none = { random: 0, inFlight: new Set<string>(), answers: new Map<string, AttemptOutcome>() };
  const fired = decideTick(state, { ...none, now: due });
  const [call] = fired.calls;
  if (call === undefined) throw new Error("nothing was called");
  const now = more.allAt ?? due + MINUTE_MS;
  const answer: AttemptOutcome = { kind: "success", httpStatus: 200, steering: readControl(control) };
  const ended = decideTick(
    { ...state, record: fired.record, cursor: fired.cursor, active: fired.active },
    { ...none, now, inFlight: new Set([call.id]), answers: new Map([[call.id, answer]]) },
  );
  const { record, cursor, active } = ended;
  const run = ended.changed.find(({ id }) => id === call.id);
  return { state: { ...state, record, cursor, active }, run, ended, now };
}

describe("next_in and next_at", () => {
  it("move the next fire once; after it the schedule continues in its phase", () => {
    const { state, run, now } = answered(job(PACED), { next_in: "25m" });
    expect(state.cursor.nextDueAt).toBe(now + 25 * MINUTE_MS);
    expect(run?.nextAt).toBe(now + 25 * MINUTE_MS);
    expect(run?.controlError).toBeUndefined();
    const after = answered(state, {});
    expect(after.run?.dueAt).toBe(now + 25 * MINUTE_MS);
    expect(after.state.cursor.nextDueAt).toBe(T0 + 40 * MINUTE_MS);
  });

  it.each([
    ["next_in below min", { next_in: "5s" }, MINUTE_MS],
    ["next_in beyond max", { next_in: "7d" }, HOUR_MS],
    ["next_at in the past", { next_at: "2020-01-01T00:00:00Z" }, MINUTE_MS],
    ["next_at beyond max", { next_at: "2030-01-01T00:00:00Z" }, HOUR_MS],
  ])("are brought into the job's pacing: %s", (_, control, after) => {
    const { state, now } = answered(job(PACED), control);
    expect(state.cursor.nextDueAt).toBe(now + after);
  });

  it("let an at job fire again instead of finishing, while the agent asks for it", () => {
    let state = job({ ...AT, ...PACED });
    for (let round = 0; round < 3; round++) {
      const next = answered(state, { next_in: "10m" });
      expect(stateOf(next.state.record)).toBe("active");
      expect(next.state.cursor.nextDueAt).toBe(next.now + 10 * MINUTE_MS);
      state = next.state;
    }
    expect(stateOf(answered(state, { unchanged: true }).state.record)).toBe("finished");
  });

  it.each<[string, Record<string, unknown>, string]>([
    ["without pacing", {}, "next_in: the job has no pacing"],
    ["after ends_at", { ...PACED, schedule: { every: "10m", ends_at: "2026-11-23T09:30:00Z" } }, "after ends_at"],
    ["beyond max_runs", { ...PACED, schedule: { every: "10m", max_runs: 1 } }, "max_runs"],
  ])("change nothing %s, and the run says so", (_, fields, error) => {
    const { run, state } = answered(job(fields), { next_in: "55m", tokens: 3 });
    expect(run).toMatchObject({ status: "success", tokens: 3, controlError: expect.stringContaining(error) });
    expect(run?.nextAt).toBeUndefined();
    expect(state.cursor.nextDueAt).not.toBe(T0 + 66 * MINUTE_MS);
  });
});

describe("done", () => {
  it("finishes the job, drops waiting fires, and keeps its runs", () => {
    const state = job({ overlap: "buffer_one" });
    const waits = { ...state, record: { ...state.record, backfills: [{ number: 1, due: [T0 - MINUTE_MS] }] } };
    const { state: after, ended } = answered(waits, { done: true }, { allAt: T0 + 20 * MINUTE_MS });
    expect(stateOf(after.record)).toBe("finished");
    expect(after.record.backfills).toEqual([]);
    expect(after.cursor.nextDueAt).toBeNull();
    expect(ended.calls).toEqual([]);
  });

  it("takes precedence over next_in", () => {
    const { state, run } = answered(job(PACED), { done: true, next_in: "10m" });
    expect(stateOf(state.record)).toBe("finished");
    expect(state.cursor.nextDueAt).toBeNull();
    expect(run).toMatchObject({ status: "success", controlError: "next_in: the job is finished" });
    expect(run).not.toHaveProperty("nextAt");
  });
});

describe("pause", () => {
  it("takes precedence over next_in, and the run says so", () => {
    const { state, run } = answered(job(PACED), { pause: "waiting", next_in: "10m" });
    expect(state.cursor.nextDueAt).toBeNull();
    expect(run?.controlError).toContain("next_in: the job is paused");
    expect(run).not.toHaveProperty("nextAt");
  });

  it("pauses the job with the agent's reason", () => {
    const { state } = answered(job(), { pause: "waiting for the invoice" });
    expect(stateOf(state.record)).toBe("paused");
    expect(restOf(state.record, state.cursor)).toEqual({
      kind: "paused",
      by: "agent",
      reason: "waiting for the invoice",
    });
  });
});

describe("cost and tokens", () => {
  it("are kept with the run and summed in the job; runs count where they begin", () => {
    const first = answered(job(), { cost_usd: 0.25, tokens: 100, unchanged: true });
    expect(first.run).toMatchObject({ costUsd: 0.25, tokens: 100, unchanged: true });
    const second = answered(first.state, { cost_usd: 1 });
    expect(second.state.cursor.spent?.total).toEqual({ runs: 2, usd: 1.25, tokens: 100 });
  });

  it("stop the next fire if the budget is used up, which leaves a skipped run", () => {
    const { state } = answered(job({ budget: { usd_per_day: 5 } }), { cost_usd: 5.12 });
    const next = decideTick(state, {
      now: T0 + 20 * MINUTE_MS,
      random: 0,
      inFlight: new Set(),
      answers: new Map(),
    });
    expect(next.calls).toEqual([]);
    expect(next.changed.map((run) => [run.status, run.error])).toEqual([
      ["skipped", "budget: usd_per_day 5 is used up (5.12 spent)"],
    ]);
    expect(next.cursor.nextDueAt).toBe(T0 + 30 * MINUTE_MS);
  });

  it("that use up the budget skip all waiting fires of a backfill, in one run", () => {
    const state = job({ budget: { runs_per_day: 1 } });
    const due = [T0 - 3 * MINUTE_MS, T0 - 2 * MINUTE_MS];
    const waits = { ...state, record: { ...state.record, backfills: [{ number: 1, due }] } };
    const { ended } = answered(waits, {});
    expect(ended.changed.at(-1)).toMatchObject({ trigger: "backfill", status: "skipped", count: 2, lastDueAt: due[1] });
    expect(ended.record.backfills).toEqual([]);
  });
});
