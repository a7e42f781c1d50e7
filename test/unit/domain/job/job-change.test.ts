import { describe, expect, it } from "vitest";
import type { Outcome } from "../../../../src/domain/failure.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob, restOf, stateOf } from "../../../../src/domain/job/job.ts";
import {
  changeByPatch,
  changeByPause,
  changeByResume,
  type JobChange,
  needsQuota,
} from "../../../../src/domain/job/job-change.ts";
import { changeByRetry } from "../../../../src/domain/job/start-run.ts";
import type { TickState } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);

function job(fields: Record<string, unknown> = {}): TickState {
  const defined = defineJob(JobInput.parse({ name: "n", message: "m", schedule: { every: "10m" }, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("j1", defined.value, T0), active: [] };
}

const having = (state: TickState, change: Partial<TickState>): TickState => ({ ...state, ...change });

function changed(outcome: Outcome<JobChange>): JobChange {
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error));
  return outcome.value;
}
const BY_HAND = {};

describe("resume", () => {
  it("computes the next fire from now, in the phase the schedule had", () => {
    const paused = having(job(), changed(changeByPause(job(), BY_HAND, T0 + MINUTE_MS)));
    expect(paused.cursor.nextDueAt).toBeNull();
    expect(changed(changeByResume(paused, T0 + HOUR_MS + 1)).cursor?.nextDueAt).toBe(T0 + HOUR_MS + 10 * MINUTE_MS);
  });

  it("finishes an `at` job whose time passed while it was paused", () => {
    const state = job({ schedule: { at: "2026-11-23T10:00:00Z" }, enabled: false });
    const resumed = changed(changeByResume(state, T0 + 2 * HOUR_MS));
    expect(resumed.record && stateOf(resumed.record)).toBe("finished");
  });

  it("changes nothing if the job is active already", () => {
    expect(changed(changeByResume(job(), T0))).toEqual({});
  });
});

describe("a pause of a paused job", () => {
  it("replaces the reason and the end: without an until it lasts until somebody resumes it", () => {
    const paused = having(job(), changed(changeByPause(job(), { reason: "holidays", until: "2h" }, T0)));
    expect(paused.record).toMatchObject({ pausedReason: "holidays", resumeAt: T0 + 2 * HOUR_MS });
    const again = changed(changeByPause(paused, {}, T0 + 1)).record;
    expect([again?.definition.enabled, again?.pausedReason, again?.resumeAt]).toEqual([false, undefined, undefined]);
  });

  it("changes nothing if it equals the present pause", () => {
    const paused = having(job(), changed(changeByPause(job(), { reason: "holidays" }, T0)));
    expect(changed(changeByPause(paused, { reason: "holidays" }, T0 + 1))).toEqual({});
  });
});

describe("an rrule that is set later", () => {
  const ADMIN = { role: "admin" } as const;
  const patch = (rrule: string, now: number) => changeByPatch(job(), ADMIN, { schedule: { rrule } }, now);

  it("has the job's creation for its DTSTART, cut to the minute", () => {
    const later = T0 + 8 * 24 * HOUR_MS + 90_000;
    expect(changed(patch("FREQ=WEEKLY;INTERVAL=2", later)).cursor?.nextDueAt).toBe(T0 + 14 * 24 * HOUR_MS);
    expect(changed(patch("FREQ=DAILY", later)).cursor?.nextDueAt).toBe(T0 + 9 * 24 * HOUR_MS);
  });

  it("is refused where its COUNT is over since then, which names the beginning and what to give", () => {
    const over = patch("FREQ=DAILY;COUNT=3", T0 + 8 * 24 * HOUR_MS);
    expect(JSON.stringify(over)).toContain("it begins at 2026-11-23T09:00:00.000Z");
    expect(JSON.stringify(over)).toContain("schedule.starts_at");
  });
});

describe("a fire that the agent asked for", () => {
  const CHOSEN = T0 + 2 * HOUR_MS;
  const chosen = (schedule: Record<string, unknown>): TickState => {
    const state = job({ schedule, pacing: { min: "1m", max: "1d" } });
    const { exhausted: _exhausted, ...cursor } = state.cursor;
    return having(state, { cursor: { ...cursor, nextDueAt: CHOSEN, chosenAt: CHOSEN } });
  };
  const step = (state: TickState, outcome: Outcome<JobChange>): TickState => {
    const { record = state.record, cursor = state.cursor } = changed(outcome);
    return having(state, { record, cursor });
  };
  const NOON = T0 + HOUR_MS;
  const patch = (state: TickState, fields: Record<string, unknown>) =>
    step(state, changeByPatch(state, { role: "admin" }, fields, NOON));

  it.each([
    ["an `at` job", { at: "2026-11-23T09:10:00Z" }],
    ["a manual job", { manual: true }],
  ])("of %s outlives a pause, which would otherwise end it", (_what, schedule) => {
    const paused = step(chosen(schedule), changeByPause(chosen(schedule), BY_HAND, NOON - 1));
    expect([paused.cursor.nextDueAt, paused.record.finishedAt]).toEqual([null, undefined]);
    const resumed = step(paused, changeByResume(paused, NOON));
    expect([resumed.cursor.nextDueAt, stateOf(resumed.record)]).toEqual([CHOSEN, "active"]);
    const patched = patch(patch(chosen(schedule), { enabled: false }), { enabled: true });
    expect([patched.cursor.nextDueAt, stateOf(patched.record)]).toEqual([CHOSEN, "active"]);
  });

  it("gives way to the schedule's own when the job is resumed, and to a new schedule", () => {
    const paused = step(chosen({ every: "10m" }), changeByPause(chosen({ every: "10m" }), BY_HAND, NOON - 1));
    expect(step(paused, changeByResume(paused, NOON)).cursor.nextDueAt).toBe(NOON + 10 * MINUTE_MS);
    const moved = patch(chosen({ manual: true }), { schedule: { manual: null, every: "7m" } });
    expect(moved.cursor).toMatchObject({ nextDueAt: NOON + 7 * MINUTE_MS });
    expect(patch(moved, { schedule: { every: null, manual: true } }).cursor.nextDueAt).toBeNull();
  });

  it("that has passed during the pause is not caught up on", () => {
    const state = chosen({ manual: true });
    const paused = step(state, changeByPause(state, BY_HAND, NOON));
    expect(step(paused, changeByResume(paused, CHOSEN + 1)).cursor.nextDueAt).toBeNull();
  });
});

describe("a finished job", () => {
  it.each([
    ["paused", (state: TickState) => changeByPause(state, BY_HAND, T0)],
    ["resumed", (state: TickState) => changeByResume(state, T0)],
  ])("is not %s: job_finished", (_, change) => {
    const state = job();
    expect(change(having(state, { record: { ...state.record, finishedAt: T0 } }))).toMatchObject({
      ok: false,
      error: { kind: "job_finished" },
    });
  });
});

describe("why a job does not fire by itself", () => {
  const at = { schedule: { at: "2026-11-23T10:00:00Z" } };
  const rest = ({ record, cursor }: TickState) => restOf(record, cursor);

  it("has one value for each reason, and none while it fires", () => {
    const paused = having(job(), changed(changeByPause(job(), { reason: "holidays" }, T0)));
    const state = job(at);
    const fired = having(state, { cursor: { ...state.cursor, nextDueAt: null, exhausted: true } });
    expect(rest(job())).toBeUndefined();
    expect(rest(paused)).toEqual({ kind: "paused", by: "hand", reason: "holidays" });
    expect(rest(job({ enabled: false }))).toEqual({ kind: "paused", by: "unknown" });
    expect(rest(fired)).toEqual({ kind: "exhausted" });
    expect(rest(having(fired, changed(changeByPause(fired, BY_HAND, T0))))).toEqual({ kind: "exhausted" });
    expect(rest(having(state, { record: { ...state.record, finishedAt: T0 } }))).toEqual({ kind: "finished", at: T0 });
  });

  it("is read from the cursor of an earlier version, which had no field for an exhausted schedule", () => {
    const { exhausted: _exhausted, ...cursor } = job(at).cursor;
    const state = having(job(at), { cursor: { ...cursor, nextDueAt: null } });
    expect(rest(state)).toEqual({ kind: "exhausted" });
    const paused = job({ ...at, enabled: false });
    expect(rest(having(paused, { cursor: { ...cursor, nextDueAt: null } }))).toMatchObject({ kind: "paused" });
  });
});

describe("a fire that waits (buffer_one) when the schedule is changed", () => {
  it("is skipped, and takes no run from the new schedule", () => {
    const state = job({ overlap: "buffer_one" });
    const waits = having(state, { record: { ...state.record, buffered: { dueAt: T0 + MINUTE_MS, missed: 0 } } });
    const patch = { schedule: { every: null, at: "2026-11-23T12:00:00Z", max_runs: 1 } };
    const moved = changed(changeByPatch(waits, { role: "admin" }, patch, T0 + 2 * MINUTE_MS));
    expect(moved.record?.buffered).toBeUndefined();
    expect(moved.runs?.map((run) => [run.status, run.dueAt, run.error])).toEqual([
      ["skipped", T0 + MINUTE_MS, "skipped: the schedule was changed while this fire waited"],
    ]);
    expect(moved.cursor).toMatchObject({ nextDueAt: T0 + 3 * HOUR_MS, fires: 0 });
  });
});

describe("a waiting event or fire when the job is changed", () => {
  const NOW = T0 + 2 * MINUTE_MS;
  const waiting = (change: Partial<TickState["record"]>): TickState => {
    const state = job({ overlap: "buffer_one" });
    return having(state, { record: { ...state.record, ...change } });
  };
  const event = { dueAt: T0 + MINUTE_MS, missed: 0, event: { id: "j1-e1" } };
  const backfills = [
    { number: 1, due: [T0 - 3, T0 - 2] },
    { number: 2, due: [T0 - 1] },
  ];
  const toAll = { exec_scope: "all_users" };
  const patched = (state: TickState, patch: Record<string, unknown>) =>
    changed(changeByPatch(state, { role: "admin" }, patch, NOW));

  it("an accepted event keeps waiting under another schedule, and does not count in it", () => {
    const { record, cursor, runs } = patched(waiting({ buffered: event }), { schedule: { every: "7m", max_runs: 1 } });
    expect([record?.buffered, runs, cursor?.nextDueAt]).toEqual([event, undefined, NOW + 7 * MINUTE_MS]);
  });

  it("an event and past fires of a job that becomes one for all users are skipped: no run without a user begins", () => {
    const { record, runs } = patched(waiting({ buffered: event, backfills }), toAll);
    expect([record?.buffered, record?.backfills]).toEqual([undefined, []]);
    expect(runs?.map(({ trigger, status, error, count }) => [trigger, status, error, count])).toEqual([
      ["event", "skipped", "skipped: the schedule was changed while this fire waited", undefined],
      ["backfill", "skipped", "skipped: the job runs for all users now", 3],
    ]);
  });

  it("past fires keep waiting under another schedule", () => {
    const { record, runs } = patched(waiting({ backfills }), { schedule: { every: "7m" } });
    expect([record?.backfills, runs]).toEqual([backfills, undefined]);
  });
});

describe("a merge patch", () => {
  it("keeps the anchor and the next fire unless the schedule changes", () => {
    const state = job();
    const renamed = changeByPatch(state, { role: "admin" }, { name: "other" }, T0 + MINUTE_MS);
    expect(renamed.ok && renamed.value.cursor).toBeUndefined();
    expect(renamed.ok && renamed.value.record?.anchorAt).toBe(T0);
  });

  it("starts a changed schedule again, and a finished job is active again", () => {
    const state = job();
    const finished = having(state, {
      record: { ...state.record, finishedAt: T0 },
      cursor: { ...state.cursor, nextDueAt: null },
    });
    const revived = changeByPatch(finished, { role: "admin" }, { schedule: { every: "5m" } }, T0 + MINUTE_MS);
    expect(revived.ok && revived.value.record && stateOf(revived.value.record)).toBe("active");
    expect(revived.ok && revived.value.cursor?.nextDueAt).toBe(T0 + 6 * MINUTE_MS);
  });

  const BERLIN = { cron: "0 9 * * *", timezone: "Europe/Berlin", exclude: ["SAT"], max_runs: 5 };
  it.each<[Record<string, unknown>, Record<string, unknown>, Record<string, unknown>]>([
    [{ cron: "0 9 * * *", timezone: "Europe/Berlin" }, { cron: null, every: "30m" }, { every: "30m" }],
    [{ cron: "0 9 * * *", timezone: "Europe/Berlin" }, { every: "30m" }, { every: "30m" }],
    [BERLIN, { every: "30m" }, { every: "30m", timezone: "Europe/Berlin", exclude: ["SAT"], max_runs: 5 }],
    [BERLIN, { at: "2027-01-15T14:30:00Z" }, { at: "2027-01-15T14:30:00Z", max_runs: 5 }],
    [BERLIN, { at: "2027-01-15T14:30" }, { at: "2027-01-15T14:30", timezone: "Europe/Berlin", max_runs: 5 }],
    [BERLIN, { in: "20m" }, { at: "2026-11-23T09:20:00.000Z", max_runs: 5 }],
    [BERLIN, { rrule: "FREQ=DAILY" }, { ...BERLIN, cron: undefined, rrule: "FREQ=DAILY" }],
    [BERLIN, { manual: true }, { manual: true }],
    [BERLIN, { exclude: null }, { ...BERLIN, exclude: undefined }],
    [{ every: "1h", timezone: "Asia/Tokyo", exclude: ["SAT"] }, { exclude: null }, { every: "1h" }],
    [
      { at: "2027-01-15T14:30", timezone: "Asia/Tokyo" },
      { at: "2027-01-15T14:30:00Z" },
      { at: "2027-01-15T14:30:00Z" },
    ],
    [{ manual: true }, { every: "1h" }, { every: "1h" }],
  ])("of another kind replaces the one that was: %j with %j", (before, patch, after) => {
    const patched = changeByPatch(job({ schedule: before }), { role: "admin" }, { schedule: patch }, T0);
    expect(changed(patched).record?.definition.schedule).toEqual(after);
  });

  it("that names two kinds, or a field that the new kind does not take, is refused", () => {
    const refused = (patch: Record<string, unknown>) => {
      const patched = changeByPatch(job({ schedule: BERLIN }), { role: "admin" }, { schedule: patch }, T0);
      return !patched.ok && patched.error.kind === "validation_failed" && patched.error.errors.map(({ path }) => path);
    };
    expect(refused({ every: "1h", rrule: "FREQ=DAILY" })).toEqual(["schedule"]);
    expect(refused({ manual: true, timezone: "UTC" })).toEqual(["schedule.timezone"]);
  });

  it("to a manual schedule leaves the job active without a next fire", () => {
    const after = changed(changeByPatch(job(), { role: "admin" }, { schedule: { manual: true } }, T0));
    expect(after.cursor?.nextDueAt).toBeNull();
    expect(after.record && stateOf(after.record)).toBe("active");
  });
});

describe("which change counts against an owner's quota again", () => {
  const change = (state: TickState, patch: Record<string, unknown>): boolean => {
    return needsQuota(state.record, changed(changeByPatch(state, { role: "admin" }, patch, T0 + MINUTE_MS)));
  };
  const finished = (state: TickState): TickState =>
    having(state, { record: { ...state.record, finishedAt: T0 }, cursor: { ...state.cursor, nextDueAt: null } });
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

describe("a repeated run", () => {
  const NOW = T0 + MINUTE_MS;
  const patched = (state: TickState, patch: Record<string, unknown>): TickState => {
    const { record = state.record, cursor = state.cursor } = changed(
      changeByPatch(state, { role: "admin" }, patch, NOW),
    );
    // A run is begun after each change.
    return having(state, { record, cursor: { ...cursor, lastSeq: cursor.lastSeq + 1 } });
  };
  const again = (state: TickState, seq: number, own: { readonly message?: string } = {}) => {
    const old = { id: `j1-m${seq}`, seq, dueAt: T0, phase: "ended", ...own } as const;
    const retried = changeByRetry(state, old, "nonce", NOW);
    if (!retried.ok) throw new Error(JSON.stringify(retried.error));
    return [retried.value.run.message, retried.value.run.payload];
  };

  it("has its old message and payload, and not the job's present ones", () => {
    const first = job({ payload: { n: 1 } });
    const begun = having(first, { cursor: { ...first.cursor, lastSeq: 1 } });
    const second = patched(begun, { message: "second" });
    const third = patched(patched(second, { description: "no other input" }), { payload: { n: 3 } });
    expect(again(third, 1)).toEqual(["m", { n: 1 }]);
    expect(again(third, 2)).toEqual(["second", { n: 1 }]);
    expect(again(third, 3)).toEqual(["second", { n: 1 }]);
    expect(again(third, 4)).toEqual([undefined, undefined]);
    expect(again(third, 1, { message: "its own" })).toEqual(["its own", { n: 1 }]);
  });

  it("keeps the last three inputs, so that a job that changes often does not grow", () => {
    let state = job();
    for (let n = 0; n < 9; n++) state = patched(state, { message: `m${n}` });
    expect(state.record.formerInputs?.map(({ message }) => message)).toEqual(["m5", "m6", "m7"]);
  });
});
