import { describe, expect, it } from "vitest";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob, stateOf } from "../../../../src/domain/job/job.ts";
import { pauseJob } from "../../../../src/domain/job/stop.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { isActive, type Run } from "../../../../src/domain/run/run.ts";
import {
  decideTick,
  type TickContext,
  type TickResult,
  type TickState,
  timersOf,
} from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS, FINISHED_RETENTION_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const NONE: ReadonlySet<string> = new Set();

function job(fields: Record<string, unknown> = {}): TickState {
  const input = JobInput.parse({ name: "n", message: "m", schedule: { every: "1m" }, ...fields });
  const defined = defineJob(input);
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

function tick(state: TickState, now: number, more: Partial<TickContext> = {}): TickResult & { state: TickState } {
  const result = decideTick(state, { now, random: 0, inFlight: NONE, answers: new Map(), ...more });
  return { ...result, state: { ...state, ...result } };
}

const answered = (run: Run | undefined, answer: AttemptOutcome) => ({
  answers: new Map([[run?.id ?? "", answer]]),
  inFlight: new Set([run?.id ?? ""]),
});
const SUCCESS: AttemptOutcome = { kind: "success", httpStatus: 200 };
const statuses = (runs: readonly Run[]) => runs.map((run) => run.status);
const nextAlarm = (state: TickState, now: number, inFlight = NONE) =>
  Math.min(...timersOf(state, { now, inFlight }).map((timer) => timer.at));

describe("a fire that comes due", () => {
  it("becomes a run that is called at once, and moves the next due time on from the due time, not from the clock", () => {
    const late = T0 + MINUTE_MS + 400;
    const fired = tick(job(), late);
    expect(fired.calls.map((run) => [run.dueAt, run.phase, run.attempt])).toEqual([[T0 + MINUTE_MS, "calling", 1]]);
    expect(fired.cursor.nextDueAt).toBe(T0 + 2 * MINUTE_MS);
  });

  it("does not fire before its time", () => {
    expect(tick(job(), T0 + MINUTE_MS - 1).changed).toEqual([]);
  });

  it("gets the same run id however often it is decided", () => {
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
  it("become one run, for the latest due time, which says how many it stands for; the phase is kept", () => {
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

  it("run an `at` job that came due while nothing could, if within the window", () => {
    const state = job({ schedule: { at: "2026-11-23T10:00:00Z" } });
    expect(tick(state, T0 + 5 * HOUR_MS).calls).toHaveLength(1);
    const tooLate = tick(state, T0 + 30 * HOUR_MS);
    expect(statuses(tooLate.changed)).toEqual(["skipped"]);
    expect(stateOf(tooLate.record)).toBe("finished");
  });

  it("are not made of an alarm that is a little late, even with catchup_window 0s", () => {
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

  it("buffer_one: runs one more afterwards, and skips the ones after that", () => {
    const { first, second, inFlight } = secondFire("buffer_one");
    expect(second.changed).toEqual([]);
    const third = tick(second.state, T0 + 3 * MINUTE_MS, { inFlight });
    expect(statuses(third.changed)).toEqual(["skipped"]);
    const after = tick(third.state, T0 + 3 * MINUTE_MS + 1, answered(first.calls[0], SUCCESS));
    expect(after.calls.map((run) => run.dueAt)).toEqual([T0 + 2 * MINUTE_MS]);
  });

  it("buffer_one: a fire that waits is skipped where the job is paused meanwhile: a 410 is the last call", () => {
    const { first, second } = secondFire("buffer_one");
    const gone: AttemptOutcome = { kind: "gone", reason: "410", httpStatus: 410 };
    const after = tick(second.state, T0 + 2 * MINUTE_MS + 1, answered(first.calls[0], gone));
    expect(after.calls).toEqual([]);
    expect(statuses(after.changed)).toEqual(["error", "skipped"]);
    expect(after.changed[1]?.error).toContain("paused");
    expect(after.cursor.nextDueAt).toBeNull();
  });

  it("cancel_other: hangs up, ends the active run as cancelled, and starts", () => {
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

  it("that fails for a passing reason waits under the same id and session, visible with its reason, and is made again", () => {
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

  it("that no living process holds was interrupted: it counts as an attempt and is made again", () => {
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

  it("whose run was cancelled meanwhile has nothing left to decide", () => {
    const first = called();
    const cancelled = { ...first.state, active: [] };
    expect(tick(cancelled, T0 + MINUTE_MS, answered(first.calls[0], SUCCESS)).changed).toEqual([]);
  });
});

describe("a job", () => {
  it("finishes once its last run has ended, and is erased 7 days later", () => {
    const first = tick(job({ schedule: { at: "2026-11-23T10:00:00Z" } }), T0 + HOUR_MS);
    expect(stateOf(first.record)).toBe("active");
    const done = tick(first.state, T0 + HOUR_MS + 1, answered(first.calls[0], SUCCESS));
    expect(stateOf(done.record)).toBe("finished");
    expect(nextAlarm({ ...done.state, record: { ...done.record, indexedVersion: done.record.version } }, T0)).toBe(
      T0 + HOUR_MS + 1 + FINISHED_RETENTION_MS,
    );
    expect(tick(done.state, T0 + 7 * DAY_MS).erase).toBe(false);
    expect(tick(done.state, T0 + HOUR_MS + 1 + FINISHED_RETENTION_MS).erase).toBe(true);
  });

  it("finishes again, as the same version, where only its last run was stored and not that it has finished", () => {
    const first = tick(job({ schedule: { at: "2026-11-23T10:00:00Z" } }), T0 + HOUR_MS);
    const done = tick(first.state, T0 + HOUR_MS + 1, answered(first.calls[0], SUCCESS));
    expect(done.onlyFinishes).toBe(true);
    const lost = { ...done.state, record: first.record };
    expect(nextAlarm(lost, T0 + HOUR_MS + 2)).toBe(T0 + HOUR_MS + 2);
    const again = tick(lost, T0 + HOUR_MS + 2);
    expect(again.record).toEqual({ ...done.record, finishedAt: T0 + HOUR_MS + 2, updatedAt: T0 + HOUR_MS + 2 });
    expect(again.calls).toEqual([]);
  });

  it("is written with its last run where more of it changes than that it finishes", () => {
    const ends_at = "2026-11-23T09:02:30Z";
    const first = tick(job({ schedule: { every: "1m", ends_at }, overlap: "buffer_one" }), T0 + MINUTE_MS);
    const inFlight = new Set([first.calls[0]?.id ?? ""]);
    const waits = tick(first.state, T0 + 2 * MINUTE_MS, { inFlight });
    expect(waits.record.buffered).toBeDefined();
    const done = tick(waits.state, T0 + 3 * MINUTE_MS, { ...answered(first.calls[0], SUCCESS), held: "stopped" });
    expect(stateOf(done.record)).toBe("finished");
    expect(done.onlyFinishes).toBe(false);
  });

  it("fires max_runs times, skips not counted, and finishes", () => {
    let state = job({ schedule: { every: "1m", max_runs: 2 } });
    const dueTimes: number[] = [];
    for (let minute = 1; minute <= 4; minute++) {
      const fired = tick(state, T0 + minute * MINUTE_MS);
      dueTimes.push(...fired.calls.map((run) => run.dueAt));
      state = fired.calls[0]
        ? tick(fired.state, T0 + minute * MINUTE_MS, answered(fired.calls[0], SUCCESS)).state
        : fired.state;
    }
    expect(dueTimes).toEqual([T0 + MINUTE_MS, T0 + 2 * MINUTE_MS]);
    expect(stateOf(state.record)).toBe("finished");
  });

  it("fires max_runs times also where the last of them had to wait (buffer_one)", () => {
    const first = tick(job({ schedule: { every: "1m", max_runs: 2 }, overlap: "buffer_one" }), T0 + MINUTE_MS);
    const waits = tick(first.state, T0 + 2 * MINUTE_MS, { inFlight: new Set(first.calls.map((run) => run.id)) });
    expect(waits.cursor.nextDueAt).toBeNull();
    const second = tick(waits.state, T0 + 2 * MINUTE_MS + 1, answered(first.calls[0], SUCCESS));
    expect(second.calls.map((run) => run.dueAt)).toEqual([T0 + 2 * MINUTE_MS]);
    const over = tick(second.state, T0 + 3 * MINUTE_MS, answered(second.calls[0], SUCCESS));
    expect(over.calls).toEqual([]);
    expect(stateOf(over.record)).toBe("finished");
  });

  it("that is deleted waits for its removal only, which is tried again no sooner than indexRetryAt", () => {
    const first = tick(job(), T0 + MINUTE_MS);
    const gone = { ...first.state, record: { ...first.record, deletedAt: T0 + MINUTE_MS } };
    const now = T0 + 5 * MINUTE_MS;
    expect(timersOf(gone, { now, inFlight: NONE, indexRetryAt: now + 5_000 })).toEqual([
      { kind: "index", at: now + 5_000 },
    ]);
  });

  it("that is held logs its fires as skipped and does not run them later", () => {
    const held = tick(job(), T0 + MINUTE_MS, { held: "held: MODE=stopped" });
    expect(held.changed.map((run) => [run.status, run.error])).toEqual([["skipped", "held: MODE=stopped"]]);
    expect(held.cursor.nextDueAt).toBe(T0 + 2 * MINUTE_MS);
  });

  it("that is held while a fire waits (buffer_one) skips that too, which does not count against max_runs", () => {
    const first = tick(job({ schedule: { every: "1m", max_runs: 2 }, overlap: "buffer_one" }), T0 + MINUTE_MS);
    const waits = tick(first.state, T0 + 2 * MINUTE_MS, { inFlight: new Set(first.calls.map((run) => run.id)) });
    const held = { ...answered(first.calls[0], SUCCESS), held: "held: MODE=stopped" };
    const skipped = tick(waits.state, T0 + 2 * MINUTE_MS + 1, held);
    expect(skipped.calls).toEqual([]);
    expect(skipped.changed.map((run) => [run.dueAt, run.status])).toEqual([
      [T0 + MINUTE_MS, "success"],
      [T0 + 2 * MINUTE_MS, "skipped"],
    ]);
    expect(skipped.cursor.nextDueAt).toBe(T0 + 3 * MINUTE_MS);
  });

  it("that is held for long has one skipped run for each reason, written again in its place", () => {
    const once = tick(job(), T0 + MINUTE_MS, { held: "held: MODE=stopped" });
    const twice = tick(once.state, T0 + 2 * MINUTE_MS, { held: "held: MODE=stopped" });
    const late = tick(twice.state, T0 + 5 * MINUTE_MS, { held: "held: MODE=stopped" });
    expect([once, twice, late].map(({ changed }) => changed.length)).toEqual([1, 1, 1]);
    expect(late.changed[0]).toMatchObject({
      id: once.changed[0]?.id,
      seq: 1,
      dueAt: T0 + MINUTE_MS,
      lastDueAt: T0 + 5 * MINUTE_MS,
      count: 5,
    });
    const other = tick(late.state, T0 + 6 * MINUTE_MS, { held: "held: MODE=ephemeral" });
    expect(other.changed[0]).toMatchObject({ seq: 2, count: 1 });
    const ran = tick(other.state, T0 + 7 * MINUTE_MS);
    const again = tick(ran.state, T0 + 8 * MINUTE_MS, {
      ...answered(ran.calls[0], SUCCESS),
      held: "held: MODE=ephemeral",
    });
    expect(again.changed.at(-1)).toMatchObject({ seq: 4, count: 1 });
  });

  it("that is paused in its last run finishes when that has ended", () => {
    for (const answer of [SUCCESS, { kind: "gone", reason: "410", httpStatus: 410 } as const]) {
      const first = tick(job({ schedule: { at: "2026-11-23T10:00:00Z" } }), T0 + HOUR_MS);
      const paused = answer === SUCCESS ? pauseJob(first.record, first.cursor, { by: "hand" }, T0 + HOUR_MS) : {};
      const done = tick({ ...first.state, ...paused }, T0 + HOUR_MS + 1, answered(first.calls[0], answer));
      expect(stateOf(done.record)).toBe("finished");
    }
  });

  it("begins six calls at most; further runs wait without an alarm of their own until one of the six has ended", () => {
    let state = job({ overlap: "allow_all" });
    const inFlight = new Set<string>();
    for (let minute = 1; minute <= 8; minute++) {
      const fired = tick(state, T0 + minute * MINUTE_MS, { inFlight });
      for (const run of fired.calls) inFlight.add(run.id);
      state = fired.state;
    }
    const now = T0 + 8 * MINUTE_MS;
    expect(inFlight.size).toBe(6);
    expect(state.active.filter((run) => run.phase === "pending")).toHaveLength(2);
    expect(nextAlarm(state, now, inFlight)).toBe(T0 + 9 * MINUTE_MS);
    const [first] = state.active;
    const next = tick(state, now + 1, { answers: new Map([[first?.id ?? "", SUCCESS]]), inFlight });
    expect(next.calls.map((run) => run.dueAt)).toEqual([T0 + 7 * MINUTE_MS]);
  });

  it.each([
    ["paused", (state: TickState) => ({ ...state, ...pauseJob(state.record, state.cursor, { by: "hand" }, T0) }), {}],
    ["held", (state: TickState) => state, { held: "held: MODE=stopped" }],
  ])("that is %s leaves its backfill waiting, without an alarm for it", (_, stop, more) => {
    const state = job();
    const record = { ...state.record, backfills: [{ no: 1, due: [T0 - MINUTE_MS] }] };
    const stopped = stop({ ...state, record });
    expect(tick(stopped, T0, more).calls).toEqual([]);
    expect(timersOf(stopped, { now: T0, inFlight: NONE, ...more }).filter(({ kind }) => kind === "queue")).toEqual([]);
    expect(tick({ ...stopped, record }, T0).calls).toHaveLength(1);
  });

  it("drops its backfill on a 410", () => {
    const first = tick(job(), T0 + MINUTE_MS);
    const state = { ...first.state, record: { ...first.record, backfills: [{ no: 1, due: [T0, T0 + 1] }] } };
    const gone: AttemptOutcome = { kind: "gone", reason: "410", httpStatus: 410 };
    expect(tick(state, T0 + MINUTE_MS, answered(first.calls[0], gone)).record.backfills).toEqual([]);
  });

  it("runs backfilled fires one after the other, with trigger backfill", () => {
    const state = job();
    const due = [T0 - 2 * MINUTE_MS, T0 - MINUTE_MS];
    const queued = { ...state, record: { ...state.record, backfills: [{ no: 1, due }], backfillCount: 1 } };
    const first = tick(queued, T0);
    expect(first.calls.map((run) => [run.trigger, run.dueAt])).toEqual([["backfill", due[0]]]);
    const second = tick(first.state, T0 + 1, answered(first.calls[0], SUCCESS));
    expect(second.calls.map((run) => [run.trigger, run.dueAt])).toEqual([["backfill", due[1]]]);
    expect(second.record.backfills).toEqual([]);
  });

  it("counts ended runs, skips left out, and failures in a row", () => {
    const first = tick(job(), T0 + MINUTE_MS);
    const failed = tick(
      first.state,
      T0 + MINUTE_MS,
      answered(first.calls[0], { kind: "refused", reason: "404", httpStatus: 404 }),
    );
    expect(failed.cursor).toMatchObject({ runCount: 1, consecutiveFailures: 1, lastStatus: "error", lastError: "404" });
    const second = tick(failed.state, T0 + 2 * MINUTE_MS);
    const succeeded = tick(second.state, T0 + 2 * MINUTE_MS, answered(second.calls[0], SUCCESS));
    expect(succeeded.cursor).toMatchObject({ runCount: 2, consecutiveFailures: 0, lastStatus: "success" });
    expect(succeeded.cursor.lastError).toBeUndefined();
  });
});

describe("an all_users job", () => {
  it("is left to the tick: its own alarm fires nothing", () => {
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
