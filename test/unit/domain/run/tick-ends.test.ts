import { describe, expect, it } from "vitest";
import { stateOf } from "../../../../src/domain/job/job.ts";
import { pauseJob } from "../../../../src/domain/job/stop.ts";
import type { AttemptOutcome } from "../../../../src/domain/run/attempt-outcome.ts";
import { type TickState, timersOf } from "../../../../src/domain/run/tick.ts";
import { DAY_MS, FINISHED_RETENTION_MS, HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";
import { answered, job, NONE, nextAlarm, SUCCESS, T0, tick } from "./tick-fixture.ts";

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

  it("finishes again with the same version if only its last run was stored", () => {
    const first = tick(job({ schedule: { at: "2026-11-23T10:00:00Z" } }), T0 + HOUR_MS);
    const done = tick(first.state, T0 + HOUR_MS + 1, answered(first.calls[0], SUCCESS));
    expect(done.onlyFinishes).toBe(true);
    const lost = { ...done.state, record: first.record };
    expect(nextAlarm(lost, T0 + HOUR_MS + 2)).toBe(T0 + HOUR_MS + 2);
    const again = tick(lost, T0 + HOUR_MS + 2);
    expect(again.record).toEqual({ ...done.record, finishedAt: T0 + HOUR_MS + 2, updatedAt: T0 + HOUR_MS + 2 });
    expect(again.calls).toEqual([]);
  });

  it("is written with its last run if more changes than that it finishes", () => {
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

  it("fires max_runs times even if the last fire had to wait (buffer_one)", () => {
    const first = tick(job({ schedule: { every: "1m", max_runs: 2 }, overlap: "buffer_one" }), T0 + MINUTE_MS);
    const waits = tick(first.state, T0 + 2 * MINUTE_MS, { inFlight: new Set(first.calls.map((run) => run.id)) });
    expect(waits.cursor.nextDueAt).toBeNull();
    const second = tick(waits.state, T0 + 2 * MINUTE_MS + 1, answered(first.calls[0], SUCCESS));
    expect(second.calls.map((run) => run.dueAt)).toEqual([T0 + 2 * MINUTE_MS]);
    const over = tick(second.state, T0 + 3 * MINUTE_MS, answered(second.calls[0], SUCCESS));
    expect(over.calls).toEqual([]);
    expect(stateOf(over.record)).toBe("finished");
  });

  it("that is deleted waits only for its removal, which is retried at indexRetryAt at the earliest", () => {
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

  it("that is held while a fire waits (buffer_one) skips that fire too, and it does not count against max_runs", () => {
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

  it("that is held for long has one skipped run for each reason, rewritten in place", () => {
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
    [
      "paused leaves its backfill waiting, without an alarm for it",
      (state: TickState) => ({ ...state, ...pauseJob(state.record, state.cursor, { by: "hand" }, T0) }),
      {},
      [],
    ],
    [
      "held leaves its backfill waiting, and looks again after a minute",
      (state: TickState) => state,
      { held: "held: MODE=stopped" },
      [{ kind: "queue", at: T0 + MINUTE_MS }],
    ],
  ])("that is %s", (_, stop, more, alarms) => {
    const state = job();
    const record = { ...state.record, backfills: [{ number: 1, due: [T0 - MINUTE_MS] }] };
    const stopped = stop({ ...state, record });
    expect(tick(stopped, T0, more).calls).toEqual([]);
    const timers = timersOf(stopped, { now: T0, inFlight: NONE, ...more });
    expect(timers.filter(({ kind }) => kind === "queue")).toEqual(alarms);
    expect(tick({ ...stopped, record }, T0).calls).toHaveLength(1);
  });

  it("drops its backfill on a 410", () => {
    const first = tick(job(), T0 + MINUTE_MS);
    const state = { ...first.state, record: { ...first.record, backfills: [{ number: 1, due: [T0, T0 + 1] }] } };
    const gone: AttemptOutcome = { kind: "gone", reason: "410", httpStatus: 410 };
    expect(tick(state, T0 + MINUTE_MS, answered(first.calls[0], gone)).record.backfills).toEqual([]);
  });

  it("runs backfilled fires one after the other, with trigger backfill", () => {
    const state = job();
    const due = [T0 - 2 * MINUTE_MS, T0 - MINUTE_MS];
    const queued = { ...state, record: { ...state.record, backfills: [{ number: 1, due }], backfillCount: 1 } };
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
