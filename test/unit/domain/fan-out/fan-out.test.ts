/** The rules of one fan-out: how it is opened, the effect of its source's failures, its end and its counts. */
import { describe, expect, it } from "vitest";
import { explainByFanOut } from "../../../../src/domain/fan-out/explain-fan-out.ts";
import {
  countFanOut,
  decideFire,
  endFanOut,
  type FanOut,
  NO_USERS,
  openFanOut,
  pageHanded,
  sourceFailed,
  stalled,
  sumCounts,
  TICK_GRACE_MS,
} from "../../../../src/domain/fan-out/fan-out.ts";
import { restoreUserRun, startUserRun } from "../../../../src/domain/fan-out/user-run.ts";
import { fanOutView } from "../../../../src/domain/fan-out/view.ts";
import { defineJob } from "../../../../src/domain/job/definition.ts";
import { newJob } from "../../../../src/domain/job/job.ts";
import { userKey } from "../../../../src/domain/run/run-id.ts";
import { decideTick, type TickState, timersOf } from "../../../../src/domain/run/tick.ts";
import { JobInput } from "../../../../src/schema/job.ts";
import { DAY_MS, MINUTE_MS } from "../../../../src/schema/limits.ts";

const T0 = Date.UTC(2026, 10, 23, 9, 0, 0);
const HOUR_MS = 60 * MINUTE_MS;

function jobOf(fields: Record<string, unknown> = {}): TickState {
  const base = { name: "n", message: "m", exec_scope: "all_users", schedule: { every: "1h" } };
  const defined = defineJob(JobInput.parse({ ...base, ...fields }));
  if (!defined.ok) throw new Error(JSON.stringify(defined.error));
  return { job: defined.value, ...newJob("job", defined.value, T0), active: [] };
}

function opened(state = jobOf()): FanOut {
  return openFanOut(state.record, T0, { trigger: "schedule", dueAt: T0, missed: 0, number: 1 }, T0);
}

const counts = (total: number, succeeded: number, failed: number, skipped = 0) => ({
  total,
  succeeded,
  failed,
  skipped,
});

describe("a tick", () => {
  const due = T0 + HOUR_MS;

  it("before the due time fires nothing", () => {
    expect(decideFire(jobOf(), { now: due - 1, tickAt: due - 1 })).toBeUndefined();
  });

  it("at the due time opens a fan-out and moves the next due time on, in phase", () => {
    const verdict = decideFire(jobOf(), { now: due + 40, tickAt: due });
    expect(verdict?.open).toMatchObject({ number: 1, dueAt: due, startedAt: due + 40, missed: 0, status: "running" });
    expect(verdict?.cursor).toMatchObject({ nextDueAt: due + HOUR_MS, fires: 1 });
  });

  it("at most a minute ahead of the clock decides by its own time", () => {
    const now = due - MINUTE_MS;
    const verdict = decideFire(jobOf(), { now, tickAt: due });
    expect(verdict?.open).toMatchObject({ dueAt: due, startedAt: now });
  });

  it("for more than a minute ahead counts as one for now", () => {
    expect(decideFire(jobOf(), { now: due - MINUTE_MS - 1, tickAt: due })).toBeUndefined();
    expect(decideFire(jobOf(), { now: due, tickAt: due + 5 * HOUR_MS })?.open).toMatchObject({ dueAt: due, missed: 0 });
  });

  it("that comes late answers only its own minute, so that each fire gets its own fan-out", () => {
    let state = jobOf({ schedule: { every: "1m" } });
    state = { ...state, ...newJob("job", state.job, T0 + 1_000) };
    const opened: FanOut[] = [];
    for (let minute = 1; minute <= 8; minute++) {
      const tickAt = T0 + minute * MINUTE_MS;
      const now = tickAt + (minute % 2 === 0 ? 300 : 1_300);
      const verdict = decideFire(state, { now, tickAt });
      if (verdict?.open !== undefined) opened.push(verdict.open);
      state = { ...state, cursor: verdict?.cursor ?? state.cursor };
    }
    expect(opened.map(({ dueAt, missed }) => [dueAt - T0, missed])).toEqual(
      [1, 2, 3, 4, 5, 6, 7].map((minute) => [minute * MINUTE_MS + 1_000, 0]),
    );
  });

  it("after ticks that never came makes one fan-out of the missed fires, for the latest", () => {
    const verdict = decideFire(jobOf(), { now: T0 + 5 * HOUR_MS + 5, tickAt: T0 + 5 * HOUR_MS });
    expect(verdict?.open).toMatchObject({ dueAt: T0 + 5 * HOUR_MS, missed: 4 });
    expect(verdict?.cursor.nextDueAt).toBe(T0 + 6 * HOUR_MS);
  });

  it("answers a fire of a minute that has just passed even with a catch-up window of 0", () => {
    const state = jobOf({ catchup_window: "0s" });
    expect(decideFire(state, { now: due + TICK_GRACE_MS, tickAt: due + MINUTE_MS })?.open).toBeDefined();
    const late = decideFire(state, { now: due + TICK_GRACE_MS + 1, tickAt: due });
    expect(late?.open).toBeUndefined();
    expect(late?.skipped).toMatchObject({
      status: "skipped",
      dueAt: due,
      error: expect.stringContaining("missed: 1 fire"),
    });
  });

  it.each([
    {
      why: "a fan-out is going",
      newest: { number: 4, id: "x", status: "running" as const },
      says: "the previous fan-out was still going",
    },
    { why: "fires are held", held: "held: MODE=stopped", says: "held: MODE=stopped" },
  ])("logs a skipped run where $why, and moves on all the same", ({ newest, held, says }) => {
    const verdict = decideFire(jobOf(), { now: due, tickAt: due, held, newest });
    expect(verdict?.open).toBeUndefined();
    expect(verdict?.skipped).toMatchObject({ status: "skipped", trigger: "schedule", dueAt: due });
    expect(verdict?.skipped?.error).toContain(says);
    expect(verdict?.cursor).toMatchObject({ nextDueAt: due + HOUR_MS, fires: 0, lastSeq: 1 });
  });

  it("does not open the same due time twice when pause and resume bring it back", () => {
    const first = decideFire(jobOf(), { now: due - MINUTE_MS, tickAt: due });
    const newest = { number: 1, id: first?.open?.id ?? "", status: "success" as const };
    const again = decideFire(jobOf(), { now: due, tickAt: due, newest });
    expect(again?.open).toBeUndefined();
    expect(again?.cursor.nextDueAt).toBe(due + HOUR_MS);
  });

  it("fires no more often than max_runs", () => {
    const state = jobOf({ schedule: { every: "1h", max_runs: 1 } });
    const verdict = decideFire(state, { now: due, tickAt: due });
    expect(verdict?.open).toBeDefined();
    expect(verdict?.cursor.nextDueAt).toBeNull();
  });
});

describe("a fan-out that cannot continue", () => {
  const again = (fanOut: FanOut) => stalled(fanOut, "the shard is broken", NO_USERS, T0);
  const times = (fanOut: FanOut, n: number): FanOut => (n === 0 ? fanOut : times(again(fanOut), n - 1));

  it("tries again after a pause that grows to a minute", () => {
    const pauses = [1, 2, 3, 4, 5, 6].map((n) => times(opened(), n).wakeAt - T0);
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000]);
  });

  it("takes no more users in the end, and waits for the runs that have begun", () => {
    expect(times(opened(), 12)).toMatchObject({ status: "running", source: { done: true, stalls: 0 } });
  });

  it("ends as an error when it cannot be settled either, and never as a success", () => {
    expect(times(opened(), 24)).toMatchObject({
      status: "error",
      error: "it could not go on after 12 tries: the shard is broken",
      finishedAt: T0,
    });
  });

  it("counts from zero again after a page was handed over", () => {
    const page = { users: 1, cursor: "x", shards: [0] };
    expect(pageHanded(times(opened(), 11), page, T0).source).toEqual({
      handed: 1,
      failures: 0,
      done: false,
      cursor: "x",
    });
  });
});

describe("the source", () => {
  const policy = { maxAttempts: 3, minBackoffMs: 1_000, maxBackoffMs: 60_000 };
  const context = { policy, now: T0, random: 0 };
  const failure = { reason: "answered 503", retryable: true };

  it("ends with the page that has no next one", () => {
    const first = pageHanded(opened(), { users: 1_000, cursor: "2", shards: [3, 1] }, T0);
    expect(first).toMatchObject({ activeShards: [1, 3], source: { handed: 1_000, cursor: "2", done: false } });
    const second = pageHanded(first, { users: 5, shards: [1, 2] }, T0);
    expect(second).toMatchObject({ activeShards: [1, 2, 3], source: { handed: 1_005, done: true } });
    expect(second.source.cursor).toBeUndefined();
  });

  it("is asked again after a backoff, which a successful page resets", () => {
    const once = sourceFailed(opened(), failure, context);
    expect(once).toMatchObject({ source: { failures: 1, done: false }, wakeAt: T0 + 1_000 });
    const twice = sourceFailed(once, failure, context);
    expect(twice).toMatchObject({ source: { failures: 2, done: false }, wakeAt: T0 + 2_000 });
    expect(pageHanded(twice, { users: 1, cursor: "x", shards: [0] }, T0).source.failures).toBe(0);
  });

  it("that fails for good ends the fan-out as an error that says how many users were read, never as an empty success", () => {
    let fanOut = opened();
    for (let i = 0; i < policy.maxAttempts; i++) fanOut = sourceFailed(fanOut, failure, context);
    expect(fanOut.source).toMatchObject({ done: true });
    expect(endFanOut(fanOut, counts(0, 0, 0), T0)).toMatchObject({
      status: "error",
      error: "the users could not be read at all: answered 503",
    });
    const half = sourceFailed(
      pageHanded(opened(), { users: 7, cursor: "x", shards: [0] }, T0),
      { ...failure, retryable: false },
      context,
    );
    expect(endFanOut(half, counts(7, 7, 0), T0)).toMatchObject({
      status: "error",
      error: "the users could not be read beyond the first 7: answered 503",
    });
  });
});

describe("the end", () => {
  it("is an error where users were handed over and none was run", () => {
    const handed = pageHanded(opened(), { users: 7, shards: [0] }, T0);
    expect(endFanOut(handed, counts(0, 0, 0), T0)).toMatchObject({
      status: "error",
      error: "none of the 7 users handed to the shards was run",
    });
  });

  it.each([
    { name: "all succeeded", given: counts(3, 3, 0), status: "success" },
    { name: "some failed", given: counts(3, 1, 2), status: "success" },
    { name: "all failed", given: counts(3, 0, 3), status: "error" },
    { name: "no users", given: counts(0, 0, 0), status: "success" },
    { name: "all skipped", given: counts(3, 0, 0, 3), status: "success" },
  ])("$name: $status", ({ given, status }) => {
    const ended = endFanOut(opened(), given, T0 + 5);
    expect(ended).toMatchObject({ status, finishedAt: T0 + 5, counts: given });
    const cursor = countFanOut(jobOf().cursor, ended, T0 + 5);
    expect(cursor).toMatchObject({
      runCount: given.succeeded + given.failed,
      lastStatus: status,
      consecutiveFailures: status === "error" ? 1 : 0,
    });
    expect(cursor.lastError).toBe(ended.error);
  });

  it("counts what it spent before midnight on the day before", () => {
    const counted = { ...counts(5, 5, 0), spend: { usd: 10, tokens: 50 } };
    const ended = endFanOut(opened(), counted, T0 + DAY_MS);
    const lastDay = { day: "2026-11-24", spend: { runs: 1, usd: 2, tokens: 10 } };
    const { spent } = countFanOut(jobOf().cursor, ended, T0 + DAY_MS, lastDay);
    expect(spent).toEqual({
      day: "2026-11-24",
      today: { runs: 1, usd: 2, tokens: 10 },
      total: { runs: 5, usd: 10, tokens: 50 },
    });
  });

  it("finishes a one-time job, which stays active before", () => {
    const state = jobOf({ schedule: { at: new Date(T0 + HOUR_MS).toISOString() } });
    const fired = decideFire(state, { now: T0 + HOUR_MS, tickAt: T0 + HOUR_MS });
    const going = { ...state, cursor: fired?.cursor ?? state.cursor, fanOut: { wakeAt: T0 } };
    const context = { now: T0 + HOUR_MS, random: 0, inFlight: new Set<string>(), answers: new Map() };
    expect(decideTick(going, context).record.finishedAt).toBeUndefined();
    const over = { ...going, fanOut: undefined };
    expect(timersOf(over, context).map(({ kind }) => kind)).toContain("queue");
    expect(decideTick(over, context).record.finishedAt).toBe(T0 + HOUR_MS);
  });

  it("counts over all shards; what has not ended is pending", () => {
    const sum = sumCounts([counts(5, 2, 1, 1), counts(3, 3, 0)]);
    expect(fanOutView("job", opened(), sum)).toMatchObject({
      total: 8,
      succeeded: 5,
      failed: 1,
      skipped: 1,
      pending: 1,
    });
  });
});

describe("an explanation", () => {
  const going = { ...opened(), id: "f1", missed: 2 };
  const ended = endFanOut(going, counts(4, 3, 1), T0);

  it.each([
    {
      name: "a fan-out that is going",
      fanOut: going,
      at: T0,
      verdict: "running",
      says: "fan-out f1, which is still going",
    },
    {
      name: "one that has ended",
      fanOut: ended,
      at: T0,
      verdict: "ran",
      says: "of 4 users' runs 3 succeeded, 1 failed",
    },
    {
      name: "one that stands for a missed fire",
      fanOut: ended,
      at: T0 - HOUR_MS,
      verdict: "coalesced",
      says: "stands for it and 1 more",
    },
  ])("names $name", ({ fanOut, at, verdict, says }) => {
    const explained = explainByFanOut([fanOut], at);
    expect(explained).toMatchObject({ verdict, fanOutId: "f1", dueAt: at });
    expect(explained?.explanation).toContain(says);
  });

  it("is left to the run log where no fan-out is the trace", () => {
    expect(explainByFanOut([{ ...ended, missed: 0 }], T0 - HOUR_MS)).toBeUndefined();
    expect(explainByFanOut([{ ...ended, trigger: "manual" }], T0)).toBeUndefined();
  });
});

describe("a user's run", () => {
  const spec = {
    ...opened(jobOf({ session_mode: "new", agent_id: "ag" })),
    jobId: "job",
  };

  it("has the same id and session however often it is begun", () => {
    const first = startUserRun(spec, "ann", userKey("ann"), T0 + 10);
    const again = startUserRun(spec, "ann", userKey("ann"), T0 + 99_000);
    expect(again.id).toBe(first.id);
    expect(again.sessionId).toBe(first.sessionId);
    expect(first.sessionId).toBe(`ag:scheduler:job:uann:${T0 * 1_000 + 1}`);
  });

  it("is restored from the part that a shard stores", () => {
    const {
      id: _id,
      seq: _seq,
      sessionId: _session,
      trigger: _trigger,
      dueAt: _due,
      userId = "",
      ...own
    } = startUserRun(spec, "ann", userKey("ann"), T0);
    expect(restoreUserRun(spec, { ...own, userId })).toEqual(startUserRun(spec, "ann", userKey("ann"), T0));
  });
});
