import { describe, expect, it } from "vitest";
import { stateOf } from "../../../../src/domain/job/job.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { isActive } from "../../../../src/domain/run/run.ts";
import { timersOf } from "../../../../src/domain/run/tick.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../../src/schema/limits.ts";
import { answered, job, NONE, nextAlarm, SUCCESS, statuses, T0, tick } from "./tick-fixture.ts";

describe("a fire that comes due", () => {
  it("becomes a run that is called at once, and the next due time is computed from the due time and not from the clock", () => {
    const late = T0 + MINUTE_MS + 400;
    const fired = tick(job(), late);
    expect(fired.calls.map((run) => [run.dueAt, run.phase, run.attempt])).toEqual([[T0 + MINUTE_MS, "calling", 1]]);
    expect(fired.cursor.nextDueAt).toBe(T0 + 2 * MINUTE_MS);
  });

  it("does not fire before its time", () => {
    expect(tick(job(), T0 + MINUTE_MS - 1).changed).toEqual([]);
  });

  it("gets the same run id each time it is decided", () => {
    const once = tick(job(), T0 + MINUTE_MS);
    const again = tick(job(), T0 + MINUTE_MS + 5_000);
    expect(once.calls[0]?.id).toBe(again.calls[0]?.id);
  });

  it("changes nothing when it is decided again from its own result", () => {
    const fired = tick(job(), T0 + MINUTE_MS);
    const again = tick(fired.state, T0 + MINUTE_MS, { inFlight: new Set(fired.calls.map((run) => run.id)) });
    expect(again.changed).toEqual([]);
    expect(again.cursor).toBe(fired.state.cursor);
  });
});

describe("fires missed in downtime", () => {
  it("become one run for the latest due time, with the number it stands for, and the phase is kept", () => {
    const back = T0 + 10 * MINUTE_MS + 30 * SECOND_MS;
    const fired = tick(job(), back);
    expect(fired.changed.map((run) => [run.dueAt, run.missed])).toEqual([[T0 + 10 * MINUTE_MS, 9]]);
    expect(fired.cursor.nextDueAt).toBe(T0 + 11 * MINUTE_MS);
  });

  it("become one skipped run with the count, when the latest lies beyond catchup_window", () => {
    const state = job({ schedule: { every: "1h" }, catchup_window: "10m" });
    const fired = tick(state, T0 + 3 * HOUR_MS + 20 * MINUTE_MS);
    expect(statuses(fired.changed)).toEqual(["skipped"]);
    expect(fired.changed[0]?.error).toContain("3 fires");
    expect(fired.cursor.nextDueAt).toBe(T0 + 4 * HOUR_MS);
  });

  it("run an `at` job that came due in the outage, if it is within the window", () => {
    const state = job({ schedule: { at: "2026-11-23T10:00:00Z" } });
    expect(tick(state, T0 + 5 * HOUR_MS).calls).toHaveLength(1);
    const tooLate = tick(state, T0 + 30 * HOUR_MS);
    expect(statuses(tooLate.changed)).toEqual(["skipped"]);
    expect(stateOf(tooLate.record)).toBe("finished");
  });

  it("do not include a fire whose alarm is a little late, even with catchup_window 0s", () => {
    expect(tick(job({ catchup_window: "0s" }), T0 + MINUTE_MS + 900).calls).toHaveLength(1);
    expect(tick(job({ catchup_window: "0s" }), T0 + MINUTE_MS + 5_000).calls).toHaveLength(0);
  });
});

describe("a fire that comes due while a run is active", () => {
  const secondFire = (overlap: string) => {
    const first = tick(job({ overlap }), T0 + MINUTE_MS);
    const inFlight = new Set(first.calls.map((run) => run.id));
    return { inFlight, first, second: tick(first.state, T0 + 2 * MINUTE_MS, { inFlight }) };
  };

  it("skip: logs a skipped run with the reason", () => {
    const { second } = secondFire("skip");
    expect(statuses(second.changed)).toEqual(["skipped"]);
    expect(second.changed[0]?.error).toContain("overlap: skip");
    expect(second.calls).toEqual([]);
  });

  it("buffer_one: runs one more afterwards, and skips later ones", () => {
    const { first, second, inFlight } = secondFire("buffer_one");
    expect(second.changed).toEqual([]);
    const third = tick(second.state, T0 + 3 * MINUTE_MS, { inFlight });
    expect(statuses(third.changed)).toEqual(["skipped"]);
    const after = tick(third.state, T0 + 3 * MINUTE_MS + 1, answered(first.calls[0], SUCCESS));
    expect(after.calls.map((run) => run.dueAt)).toEqual([T0 + 2 * MINUTE_MS]);
  });

  it("buffer_one: a waiting fire is skipped if a 410 pauses the job meanwhile", () => {
    const { first, second } = secondFire("buffer_one");
    const gone: AttemptOutcome = { kind: "gone", reason: "410", httpStatus: 410 };
    const after = tick(second.state, T0 + 2 * MINUTE_MS + 1, answered(first.calls[0], gone));
    expect(after.calls).toEqual([]);
    expect(statuses(after.changed)).toEqual(["error", "skipped"]);
    expect(after.changed[1]?.error).toContain("paused");
    expect(after.cursor.nextDueAt).toBeNull();
  });

  it("cancel_other: aborts the call, ends the active run as cancelled, and starts", () => {
    const { first, second } = secondFire("cancel_other");
    expect(second.aborts).toEqual([first.calls[0]?.id]);
    expect(second.changed.map((run) => [run.status, run.error?.slice(0, 9)])).toEqual([
      ["error", "cancelled"],
      ["running", undefined],
    ]);
  });

  it("allow_all: runs both", () => {
    const { second } = secondFire("allow_all");
    expect(second.active).toHaveLength(2);
    expect(second.calls).toHaveLength(1);
  });
});

describe("an attempt", () => {
  const called = (fields: Record<string, unknown> = {}) => tick(job(fields), T0 + MINUTE_MS);

  it("that fails for a passing reason waits under the same id and session, shows its reason, and is repeated", () => {
    const first = called();
    const [run] = first.calls;
    const failed = tick(
      first.state,
      T0 + MINUTE_MS,
      answered(run, { kind: "retryable", reason: "503", httpStatus: 503 }),
    );
    expect(failed.active[0]).toMatchObject({
      id: run?.id,
      phase: "pending",
      attempt: 2,
      error: "503",
      httpStatus: 503,
    });
    expect(nextAlarm(failed.state, T0 + MINUTE_MS)).toBe(T0 + MINUTE_MS + 5 * SECOND_MS);
    const again = tick(failed.state, T0 + MINUTE_MS + 5 * SECOND_MS);
    expect(again.calls[0]).toMatchObject({ id: run?.id, sessionId: run?.sessionId, attempt: 2, phase: "calling" });
  });

  it("is not made again after max_attempts", () => {
    const first = called({ retry: { max_attempts: 1 } });
    const failed = tick(first.state, T0 + MINUTE_MS, answered(first.calls[0], { kind: "retryable", reason: "503" }));
    expect(failed.changed[0]).toMatchObject({ status: "error", error: "503" });
    expect(failed.cursor).toMatchObject({ runCount: 1, consecutiveFailures: 1, lastStatus: "error" });
  });

  it("waits for Retry-After", () => {
    const first = called();
    const answer: AttemptOutcome = { kind: "retryable", reason: "429", retryAfterMs: 42_000 };
    const failed = tick(first.state, T0 + MINUTE_MS, answered(first.calls[0], answer));
    expect(failed.active[0]?.wakeAt).toBe(T0 + MINUTE_MS + 42_000);
  });

  it("that no living process holds counts as an attempt and is repeated", () => {
    const first = called();
    const restarted = tick(first.state, T0 + MINUTE_MS + 1);
    expect(restarted.active[0]).toMatchObject({ id: first.calls[0]?.id, attempt: 2, phase: "pending" });
    expect(restarted.active[0]?.error).toContain("interrupted");
  });

  it("answered 410 ends the run as an error and pauses the job", () => {
    const first = called();
    const gone = tick(
      first.state,
      T0 + MINUTE_MS,
      answered(first.calls[0], { kind: "gone", reason: "gone", httpStatus: 410 }),
    );
    expect(statuses(gone.changed)).toEqual(["error"]);
    expect(stateOf(gone.record)).toBe("paused");
    expect(gone.cursor.nextDueAt).toBeNull();
    expect(gone.record.pausedReason).toBe("gone");
  });

  it("answered 202 waits for its completion, and times out without one", () => {
    const first = called({ completion_timeout: "30s" });
    const waiting = tick(first.state, T0 + MINUTE_MS, answered(first.calls[0], { kind: "accepted", httpStatus: 202 }));
    expect(nextAlarm(waiting.state, T0 + MINUTE_MS)).toBe(T0 + MINUTE_MS + 30_000);
    const expired = tick(waiting.state, T0 + MINUTE_MS + 30_000);
    expect(expired.changed[0]).toMatchObject({ status: "error", error: "timed out" });
  });

  it("whose run was cancelled meanwhile decides nothing", () => {
    const first = called();
    const cancelled = { ...first.state, active: [] };
    expect(tick(cancelled, T0 + MINUTE_MS, answered(first.calls[0], SUCCESS)).changed).toEqual([]);
  });
});

describe("an all_users job", () => {
  it("fires only by the tick and not by its own alarm", () => {
    const state = job({ exec_scope: "all_users" });
    expect(tick(state, T0 + HOUR_MS).changed).toEqual([]);
    expect(timersOf(state, { now: T0, inFlight: NONE })).toEqual([]);
  });
});

it("keeps the runs it changed apart from those still active", () => {
  const first = tick(job({ overlap: "allow_all" }), T0 + MINUTE_MS);
  const second = tick(first.state, T0 + 2 * MINUTE_MS, answered(first.calls[0], SUCCESS));
  expect(second.changed).toHaveLength(2);
  expect(second.active.every(isActive)).toBe(true);
  expect(second.active).toHaveLength(1);
});
