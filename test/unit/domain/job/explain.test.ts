import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { explain } from "../../../../src/domain/job/explain.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { pauseJob } from "../../../../src/domain/job/stop.ts";
import type { Run } from "../../../../src/domain/run/run.ts";
import { decideTick, type TickState } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);

function job(fields: Record<string, unknown> = {}): TickState {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "10m" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

/** The job woken at `now`, with its log. */
function woken(state: TickState, now: number, held?: string): { state: TickState; log: readonly Run[] } {
  const result = decideTick(state, { now, random: 0, inFlight: new Set(), answers: new Map(), held });
  return { state: { ...state, ...result }, log: result.changed };
}

const ask = (state: TickState, log: readonly Run[], at: number, now: number, held?: string) =>
  explain(state, log, { at, now, held, retention: 100 });

describe("explain says why a job did or did not run", () => {
  it("before it was made", () => {
    expect(ask(job(), [], T0 - 1, T0).verdict).toBe("before_creation");
  });

  it("before its first fire", () => {
    const { verdict, explanation } = ask(job(), [], T0 + MINUTE_MS, T0 + MINUTE_MS);
    expect(verdict).toBe("not_due");
    expect(explanation).toContain("2026-11-23T09:10:00.000Z");
  });

  it("while its run is active, with what it waits for", () => {
    const { state, log } = woken(job(), T0 + 10 * MINUTE_MS);
    const { verdict, explanation, dueAt } = ask(state, log, T0 + 12 * MINUTE_MS, T0 + 12 * MINUTE_MS);
    expect([verdict, dueAt]).toEqual(["running", T0 + 10 * MINUTE_MS]);
    expect(explanation).toContain("attempt 1 is being made");
  });

  it("when it was skipped, with the reason of the log", () => {
    const { state, log } = woken(job(), T0 + 10 * MINUTE_MS, "held: MODE=stopped");
    const { verdict, explanation } = ask(state, log, T0 + 11 * MINUTE_MS, T0 + 11 * MINUTE_MS);
    expect(verdict).toBe("skipped");
    expect(explanation).toContain("held: MODE=stopped");
  });

  it("when the fire was missed and a later run stands for it", () => {
    const { state, log } = woken(job(), T0 + HOUR_MS);
    const { verdict, run } = ask(state, log, T0 + 25 * MINUTE_MS, T0 + HOUR_MS);
    expect([verdict, run?.dueAt]).toEqual(["coalesced", T0 + HOUR_MS]);
  });

  it("at a time that the agent chose, and at a fire of the schedule that the choice replaced", () => {
    const state = job({ pacing: { min: "1m", max: "1h" } });
    const [first] = woken(state, T0 + 10 * MINUTE_MS).log;
    if (first === undefined) throw new Error("nothing ran");
    const chosen = T0 + 25 * MINUTE_MS;
    const asked: Run = { ...first, phase: "ended", status: "success", finishedAt: first.dueAt + 1, nextAt: chosen };
    const run: Run = { ...asked, id: "chosen", seq: 2, dueAt: chosen, startedAt: chosen, finishedAt: chosen + 1 };
    const { nextAt: _nextAt, ...second } = run;
    const replaced = ask(state, [asked], T0 + 21 * MINUTE_MS, T0 + 21 * MINUTE_MS);
    expect([replaced.verdict, replaced.explanation]).toEqual(["not_due", expect.stringContaining("in its place")]);
    const ran = ask(state, [second, asked], T0 + 26 * MINUTE_MS, T0 + 26 * MINUTE_MS);
    expect([ran.verdict, ran.dueAt]).toEqual(["ran", chosen]);
  });

  it("when it is paused, with Reveille's own reason", () => {
    const state = job();
    const paused = {
      ...state,
      ...pauseJob(state.record, state.cursor, { by: "gone", reason: "the agent answered 410" }, T0 + 1),
    };
    const { verdict, explanation } = ask(paused, [], T0 + HOUR_MS, T0 + HOUR_MS);
    expect(verdict).toBe("paused");
    expect(explanation).toContain("410");
  });

  it("with its next run: the due time, or that it is paused, or that nothing fires", () => {
    const state = job();
    const asked = T0 + MINUTE_MS;
    expect(ask(state, [], asked, asked).explanation).toContain("due next at 2026-11-23T09:10:00.000Z");
    const paused = { ...state, ...pauseJob(state.record, state.cursor, { by: "hand", reason: "by hand" }, asked) };
    expect(ask(paused, [], asked, asked).explanation).toContain("paused");
    expect(ask(state, [], asked, asked, "MODE=stopped").explanation).toContain("MODE=stopped");
  });

  it("when its pause ends by itself: not before that time, and as the schedule says after it", () => {
    const state = job();
    const until = T0 + 2 * HOUR_MS;
    const paused = { ...state, ...pauseJob(state.record, state.cursor, { by: "hand", until }, T0 + 1) };
    const at = (asked: number) => ask(paused, [], asked, T0 + MINUTE_MS);
    expect([at(until).verdict, at(until).explanation]).toEqual(["paused", expect.stringContaining("by itself")]);
    expect([at(until + MINUTE_MS).verdict, at(until + HOUR_MS).verdict]).toEqual(["paused", "in_future"]);
    expect(at(until + HOUR_MS).explanation).toContain("It will run at 2026-11-23T12:00:00.000Z.");
    expect(at(T0 + MINUTE_MS).explanation).toContain("until 2026-11-23T11:00:00.000Z, when it resumes by itself");
    expect(at(T0 + MINUTE_MS).explanation).toContain("It is due next at 2026-11-23T11:10:00.000Z.");
  });

  it("when it was run by hand while nothing was due", () => {
    const { state, log } = woken(job(), T0 + 10 * MINUTE_MS);
    const manual = log.map((run): Run => ({ ...run, trigger: "manual", startedAt: T0 + MINUTE_MS }));
    const { verdict, explanation, run } = ask(state, manual, T0 + 2 * MINUTE_MS, T0 + 2 * MINUTE_MS);
    expect([verdict, run?.trigger]).toEqual(["not_due", "manual"]);
    expect(explanation).toContain("(manual) was asked for");
    expect(ask(state, manual, T0 + 1, T0 + 2 * MINUTE_MS).run).toBeUndefined();
  });

  it("when its log no longer reaches back to that time", () => {
    const { state, log } = woken(job(), T0 + HOUR_MS);
    const trimmed = log.map(({ missed: _missed, ...run }) => run);
    const asked = { at: T0 + 25 * MINUTE_MS, now: T0 + HOUR_MS, retention: 1 };
    expect(explain(state, trimmed, asked).verdict).toBe("log_expired");
  });

  it("when the fire is due and not handled yet", () => {
    expect(ask(job(), [], T0 + 10 * MINUTE_MS, T0 + 10 * MINUTE_MS).verdict).toBe("overdue");
  });

  it("in the future: when it will run, and that nothing fires while it is held", () => {
    const { verdict, dueAt } = ask(job(), [], T0 + 25 * MINUTE_MS, T0);
    expect([verdict, dueAt]).toEqual(["in_future", T0 + 20 * MINUTE_MS]);
    expect(ask(job(), [], T0 + 25 * MINUTE_MS, T0, "held: MODE=stopped").verdict).toBe("held");
  });

  it("when the schedule excludes that time, of the past and of the future", () => {
    const state = job({ schedule: { cron: "0 9 * * *", exclude: ["2026-11-25", "20:00-22:00"] } });
    const [before, after] = [T0 + HOUR_MS, T0 + 60 * HOUR_MS];
    const asked = T0 + 48 * HOUR_MS;
    const excluded = "due at 2026-11-25T09:00:00.000Z: the schedule excludes that time (no fire on 2026-11-25). ";
    const future = ask(state, [], asked, before);
    expect(future.explanation).toBe(
      `Nothing is ${excluded}The job will run before 2026-11-25T09:00:00.000Z, the last time at 2026-11-24T09:00:00.000Z.`,
    );
    expect(future.verdict).toBe("in_future");
    expect(ask(state, [], asked, after).explanation).toContain(`Nothing was ${excluded}`);
    expect(ask(state, [], T0 + 12 * HOUR_MS, before).explanation).toContain("(no fire between 20:00 and 22:00)");
    expect(ask(state, [], T0 + 24 * HOUR_MS, before).explanation).not.toContain("excludes");
  });

  it("when it was paused at its only time, and so finished without a run", () => {
    const at = new Date(T0 + HOUR_MS).toISOString();
    const state = job({ schedule: { at } });
    const record = { ...state.record, finishedAt: T0 + 2 * HOUR_MS };
    const finished = { ...state, record, cursor: { ...state.cursor, nextDueAt: null } };
    expect(ask(finished, [], T0 + 3 * HOUR_MS, T0 + 3 * HOUR_MS).explanation).toContain(
      `The fire due at ${at} was not run: the job was paused at that time, and has no other.`,
    );
  });

  it("when the time lies before the present schedule", () => {
    const state = job();
    const moved = { ...state, record: { ...state.record, anchorAt: T0 + 5 * HOUR_MS } };
    expect(ask(moved, [], T0 + HOUR_MS, T0 + 6 * HOUR_MS).verdict).toBe("other_schedule");
  });
});
