import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  admitBackfill,
  admitJob,
  admitMaker,
  checkInterval,
  firesPerDay,
  isMadeByAnother,
  NO_USE,
} from "../../../../src/domain/limits/admission.ts";
import { compileSchedule } from "../../../../src/domain/time/compile-schedule.ts";

const own = { owner: "user:u", maker: "user:u", rate: 24 };
const others = { ...own, maker: "agent:a" };
const operators = { ...own, maker: "admin" };

describe("a job", () => {
  it.each([
    ["agent:a", true],
    ["plugin:p", true],
    ["user:u", false],
    ["admin", false],
    ["code", false],
    [undefined, false],
  ])("made by %s for user:u counts for its maker too: %s", (maker, counts) => {
    expect(isMadeByAnother({ owner: "user:u", maker })).toBe(counts);
  });

  it.each([
    ["the owner's", own, { jobs: 3 }, true],
    ["one too many", own, { jobs: 4 }, false],
    ["one too many of the operator's", operators, { jobs: 4 }, false],
    ["another's, up to half", others, { jobs: 3, othersJobs: 1 }, true],
    ["another's beyond half", others, { jobs: 2, othersJobs: 2 }, false],
    ["the owner's, when others have filled their half", own, { jobs: 3, othersJobs: 2 }, true],
  ])("is admitted by the quota of 4: %s", (_what, asked, use, admitted) => {
    expect(admitJob(asked, { ...NO_USE, ...use }, 0, { maxJobs: 4 }).ok).toBe(admitted);
  });

  it.each([
    ["within it", own, { fires: 76 }, 0, true],
    ["beyond it", own, { fires: 77 }, 0, false],
    ["beyond it with what is backfilled today", own, { fires: 70 }, 7, false],
    ["the owner's, of which others can use up half", own, { fires: 100, othersFires: 100 }, 0, true],
    ["the owner's, beside that half", own, { fires: 127, othersFires: 100 }, 0, false],
    ["another's, beside others'", others, { fires: 77, othersFires: 77 }, 0, false],
  ])("is admitted by 100 fires a day: %s", (_what, asked, use, backfilled, admitted) => {
    const allowed = { maxJobs: 1_000, maxFires: 100 };
    const answer = admitJob(asked, { ...NO_USE, ...use }, backfilled, allowed);
    expect(answer.ok).toBe(admitted);
    if (!answer.ok) expect(answer.error).toMatchObject({ kind: "quota_exceeded", of: "fires", limit: 100, asked: 24 });
    expect(admitJob(asked, { ...NO_USE, ...use }, backfilled, { maxJobs: 1_000 }).ok).toBe(true);
  });

  it("of another subject always leaves the owner half of its quota", () => {
    const counts = fc.record({ jobs: fc.nat(50), othersJobs: fc.nat(50), max: fc.integer({ min: 1, max: 50 }) });
    fc.assert(
      fc.property(counts, ({ jobs, othersJobs, max }) => {
        const use = { ...NO_USE, jobs: jobs + othersJobs, othersJobs };
        if (admitJob(others, use, 0, { maxJobs: max }).ok) expect(othersJobs + 1).toBeLessThanOrEqual(max / 2);
      }),
    );
  });
});

it("a backfill counts against the fires of its day", () => {
  const use = { ...NO_USE, fires: 40 };
  expect(admitBackfill(own, 50, use, 10, 100)).toEqual({ ok: true, value: null });
  expect(admitBackfill(own, 51, use, 10, 100)).toMatchObject({ ok: false, error: { used: 50, asked: 51, limit: 100 } });
});

it("a maker's jobs for all owners together have the quota of one", () => {
  expect(admitMaker("agent:a", 1, { jobs: 3, fires: 0 }, { maxJobs: 4 }).ok).toBe(true);
  expect(admitMaker("agent:a", 1, { jobs: 4, fires: 0 }, { maxJobs: 4 })).toMatchObject({ error: { of: "made_jobs" } });
  expect(admitMaker("agent:a", 24, { jobs: 1, fires: 80 }, { maxJobs: 4, maxFires: 100 })).toMatchObject({
    error: { of: "made_fires", used: 80, asked: 24 },
  });
});

describe("MIN_INTERVAL", () => {
  it.each([
    [{ every: "1m" }, true],
    [{ every: "59s" }, false],
    [{ cron: "0 9 * * *" }, true],
    [{ cron: "* * * * *" }, true],
    [{ at: "2027-01-01T00:00:00Z" }, true],
  ])("of a minute lets %o through: %s", (input, through) => {
    const schedule = compileSchedule(input, { tickAligned: false });
    if (!schedule.ok) throw new Error("not a schedule");
    expect(checkInterval({ schedule: schedule.value }, 60_000, 0).ok).toBe(through);
    expect(checkInterval({ schedule: schedule.value }, undefined, 0).ok).toBe(true);
  });

  it.each([
    [59_999, false],
    [60_000, true],
  ])("binds an agent that chooses its next fire: pacing.min of %d ms", (minMs, through) => {
    const schedule = compileSchedule({ every: "1h" }, { tickAligned: false });
    if (!schedule.ok) throw new Error(JSON.stringify(schedule.error));
    const job = { schedule: schedule.value, pacing: { minMs } };
    expect(checkInterval(job, 60_000, 0).ok).toBe(through);
    expect(checkInterval(job, undefined, 0).ok).toBe(true);
  });
});

describe("the fires of a day", () => {
  const scheduleOf = (spec: Parameters<typeof compileSchedule>[0]) => {
    const schedule = compileSchedule(spec, { tickAligned: false });
    if (!schedule.ok) throw new Error(JSON.stringify(schedule.error));
    return schedule.value;
  };

  it.each([
    ["of a schedule", { every: "1h" }, undefined, 24],
    ["of an at job", { at: "2099-01-01T00:00:00Z" }, undefined, 1],
    ["of an at job that its agent may have fire each second", { at: "2099-01-01T00:00:00Z" }, 1_000, 86_400],
    ["of a manual one", { manual: true } as const, 60_000, 1_440],
    ["of a schedule that is quicker than the pacing", { every: "1s" }, 3_600_000, 86_400],
  ])("are the most that the schedule or the agent can cause: %s", (_what, spec, minMs, fires) => {
    const pacing = minMs === undefined ? undefined : { minMs };
    expect(firesPerDay({ schedule: scheduleOf(spec), pacing }, Date.parse("2026-01-01T00:00:00Z"))).toBe(fires);
  });
});
